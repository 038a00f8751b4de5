import { mkdirSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostKernelLocks } from '../../agent/host/libc.ts';
import { openHands } from '../../agent/lock/hands.ts';
import { flockBy } from '../fixtures/lock-holders.ts';

const kernel = hostKernelLocks();
const strict = () => null;

const isFree = (path: string) => {
  const file = kernel.open('lock.open', path, {});
  const got = kernel.tryFlock('lock.take', file) && kernel.tryRecordLock('lock.take', file);
  kernel.close('lock.drop', file);
  return got;
};
const bench = (dir: string) => {
  const files = [{ path: `${dir}/b` }, { path: `${dir}/a` }, { path: `${dir}/missing` }];
  return { dir, sidecar: `${dir}/lock`, hands: openHands(kernel, `${dir}/lock`, undefined, files) };
};

t.test('all or nothing, and the sidecar 0660', async (t) => {
  const { dir, sidecar, hands } = bench(t.testdir({ a: 'a', b: 'b', staged: 's' }));
  t.strictSame(hands.reach(strict), { kind: 'got', unprivileged: [] });
  t.equal(statSync(sidecar).mode & 0o777, 0o660);
  t.strictSame([sidecar, `${dir}/a`, `${dir}/b`].map(isFree), [false, false, false]);
  hands.cover(`${dir}/staged`);
  t.equal(isFree(`${dir}/staged`), false, 'a covered file meets a newcomer with a lock');
  t.equal(hands.descriptors().length, 4);
  hands.drop();
  t.strictSame([sidecar, `${dir}/a`, `${dir}/b`, `${dir}/staged`].map(isFree), [true, true, true, true]);
  await flockBy(t, `${dir}/b`);
  t.match(hands.reach(strict), { kind: 'refused', where: 'file', path: `${dir}/b` });
  t.strictSame([sidecar, `${dir}/a`].map(isFree), [true, true], 'what was had before the refusal is free again');
  const passedOver = [{ pid: 1, start: null, command: null, user: null, unit: null }];
  t.strictSame(
    hands.reach(() => passedOver),
    { kind: 'got', unprivileged: passedOver },
  );
  hands.close();
  await flockBy(t, sidecar);
  t.match(hands.reach(strict), { kind: 'refused', where: 'sidecar' });
  hands.close();
});

t.test('a sidecar that was removed or replaced is opened anew', async (t) => {
  const { dir, sidecar, hands } = bench(t.testdir({ a: 'a', b: 'b', staged: 's' }));
  hands.reach(strict);
  hands.drop();
  rmSync(sidecar);
  t.equal(hands.intact(), false);
  t.equal(hands.reach(strict).kind, 'got');
  t.equal(hands.intact(), true);
  writeFileSync(`${dir}/new`, '');
  renameSync(`${dir}/new`, sidecar);
  t.equal(hands.intact(), false, 'also while it is held');
  hands.close();
});

t.test('one file under two names is locked once; what is no plain file is passed by', async (t) => {
  const dir = t.testdir({ a: 'a' });
  symlinkSync(`${dir}/a`, `${dir}/link`);
  mkdirSync(`${dir}/d`);
  const files = [
    { path: `${dir}/a` },
    { path: `${dir}/link`, follow: true },
    { path: `${dir}/d` },
    { path: `${dir}/a/none` },
  ];
  const hands = openHands(kernel, `${dir}/lock`, undefined, files);
  t.equal(hands.reach(strict).kind, 'got');
  t.equal(hands.descriptors().length, 2);
  hands.close();
});
