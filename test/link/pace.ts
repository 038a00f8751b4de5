import t from 'tap';
import { tokenBucket } from '../../agent/link/pace.ts';

t.test('a burst at once, then so many a second', async (t) => {
  const bucket = tokenBucket({ perSecond: 200, burst: 50 }, 1000);
  for (let i = 0; i < 50; i += 1) t.equal(bucket.take(1000), 0);
  t.equal(bucket.take(1000), 5, 'milliseconds until the next');
  t.equal(bucket.take(1005), 0);
  t.ok(bucket.take(1005) > 0);
  let taken = 0;
  for (let nowMs = 2000; nowMs < 12_000; nowMs += 1) if (bucket.take(nowMs) === 0) taken += 1;
  t.ok(taken >= 1990 && taken <= 2051, `${taken} in ten seconds`);
});

t.test('a long rest fills it no further than its size', async (t) => {
  const bucket = tokenBucket({ perSecond: 10, burst: 3 }, 0);
  for (let i = 0; i < 3; i += 1) t.equal(bucket.take(1e9), 0);
  t.ok(bucket.take(1e9) > 0);
});
