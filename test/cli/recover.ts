import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { bundle } from '../fixtures/bundle.ts';
import { endsKilled, startLife } from '../fixtures/faulty-life.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

const OLD = { 'a.conf': 'old a\n', 'b.conf': 'old b\n' };
const NEW = { 'a.conf': 'new a\n', 'b.conf': 'new b\n' };

/** A device that was killed right before the `nth` rename of a set of two files. */
async function cutOff(t: Test, nth: number) {
  const device = loneDevice(t, { configs: { aim: OLD } });
  const document = join(device.dir, 'document.jws');
  writeFileSync(document, device.sign({ version: 1, aud: 'all', files: NEW }).jws);
  const program = await bundle(join(import.meta.dirname, '..', 'fixtures', 'faulty-agent.ts'));
  const kill = { op: 'commit.rename', step: 'rename', nth };
  const life = startLife(t, program, { settings: device.settings, document, kill, pause: null, record: null });
  if (!(await endsKilled(async () => void (await life.word('stopped'))))) throw new Error('it was not killed');
  return device;
}

t.test('a half-done set is completed, once', async (t) => {
  const device = await cutOff(t, 2);
  t.same(device.contents(), { ...OLD, 'a.conf': 'new a\n' });
  const ran = await device.locksmith(['recover']);
  t.match(ran, { code: 0, stdout: 'aim: base version 1 for all completed: all its files are new\n' });
  t.same(device.contents(), NEW);
  t.match(await device.locksmith(['recover']), { code: 4, stdout: '', stderr: 'nothing was cut off\n' });
  t.match(await device.locksmith(['history', 'aim']), { stdout: /applied aim base version 1 for all/ });
});

t.test('a set without a rename is taken back, and no new one is begun', async (t) => {
  const device = await cutOff(t, 1);
  const { code, stdout } = await device.locksmith(['recover', '--json']);
  t.equal(code, 0);
  t.same(JSON.parse(stdout), [{ config: 'aim', document: 'base version 1 for all', end: 'back' }]);
  t.same(device.contents(), OLD, 'that is left to the agent');
  t.match(await device.locksmith(['apply', join(device.dir, 'document.jws')]), { code: 0, stdout: /applied/ });
  t.same(device.contents(), NEW);
});

t.test('what stands in the way is said: a lock, a disk, an agent that runs', async (t) => {
  const device = await cutOff(t, 2);
  const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  t.match(await device.locksmith(['recover']), { code: 3, stdout: /half done: somebody has the lock/ });
  t.same(device.contents(), { ...OLD, 'a.conf': 'new a\n' });
  await holder.end();
  const settings = readFileSync(device.settings, 'utf8');
  writeFileSync(device.settings, settings.replaceAll(`${device.etc}/`, `${device.etc}/away/`));
  t.match(await device.locksmith(['recover']), {
    code: 1,
    stderr: /away: .*missing-directory.*\nTry: locksmith explain/,
  });
  writeFileSync(device.settings, settings);
  const daemon = await device.daemon();
  t.same(device.contents(), NEW, 'the agent does the same when it starts');
  t.match(await device.locksmith(['recover']), { code: 1, stderr: /another locksmith works with this state/ });
  await daemon.stop();
  t.match(await device.locksmith(['recover', 'aim']), { code: 2 });
});
