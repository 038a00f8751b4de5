import t from 'tap';
import { openTurnstile } from '../../agent/values/turnstile.ts';

t.test('so many at once, the others in their order as one leaves', async (t) => {
  const turnstile = openTurnstile(2);
  const inside: number[] = [];
  for (const n of [1, 2, 3, 4]) turnstile.enter(() => void inside.push(n));
  t.same(inside, [1, 2]);
  turnstile.leave();
  t.same(inside, [1, 2, 3]);
  turnstile.leave();
  turnstile.leave();
  t.same(inside, [1, 2, 3, 4]);
  turnstile.enter(() => void inside.push(5));
  t.same(inside, [1, 2, 3, 4, 5], 'one place was free');
  turnstile.enter(() => t.fail('there is no room'));
});

t.test('without a bound everybody goes in', async (t) => {
  const turnstile = openTurnstile(Number.POSITIVE_INFINITY);
  let inside = 0;
  for (let n = 0; n < 100; n += 1)
    turnstile.enter(() => {
      inside += 1;
    });
  t.equal(inside, 100);
});
