import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { bundle } from '../fixtures/bundle.ts';
import { endsKilled, startLife } from '../fixtures/faulty-life.ts';
import { changeSettings } from '../fixtures/line.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { until } from '../fixtures/until.ts';

t.setTimeout(240_000);
const OLD = { 'a.conf': 'old a\n', 'b.conf': 'old b\n' };
const NEW = { 'a.conf': 'new a\n', 'b.conf': 'new b\n' };

/** A device that was killed right before the `nth` rename of a set of two files. */
async function cutOff(t: Test, nth: number, everyConfig = {}) {
  const device = loneDevice(t, { configs: { aim: OLD }, everyConfig });
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

/** A device whose agent was killed while the update that it had put in place was to prove itself. */
async function unproved(t: Test) {
  const everyConfig = { health: { argv: ['sleep', '50'], within_s: 59 } };
  const device = loneDevice(t, { configs: { aim: OLD }, everyConfig });
  const document = join(device.dir, 'document.jws');
  writeFileSync(document, device.sign({ version: 1, aud: 'all', files: NEW }).jws);
  const program = start(['apply', document, '--settings', device.settings]);
  t.teardown(() => program.stop('SIGKILL'));
  const isNew = () => JSON.stringify(device.contents()) === JSON.stringify(NEW);
  await until(() => `it is in place\n${program.stderr()}`, isNew);
  // The rename is seen before its trial is in the journal.
  const journal = join(device.state, 'journal');
  await until('its trial is remembered', () => readFileSync(journal, 'utf8').includes('"t":"trial"'));
  await program.stop('SIGKILL');
  changeSettings(device, ({ configs }) => void Object.assign(configs.aim ?? {}, { health: undefined }));
  return device;
}

t.test('what was in place and never proved is taken back before its programs start', async (t) => {
  const device = await unproved(t);
  const ran = await device.locksmith(['recover']);
  t.match(ran, { code: 0, stdout: /^aim: base version 1 for all taken back: .*never proved good/ });
  t.same(device.contents(), OLD);
  t.match(await device.locksmith(['recover']), { code: 4 }, 'once');
  const daemon = await device.daemon();
  t.match(await device.locksmith(['history', 'aim']), {
    stdout: /rolled-back aim base version 1 for all .unconfirmed/,
  });
  t.same(device.contents(), OLD, 'and it is not tried again by itself');
  await daemon.stop();
});

t.test('nothing is taken back where the vehicle has to be asked: that is left to the agent', async (t) => {
  const device = await unproved(t);
  const vehicle = { mavlink: { listen: 'udp://127.0.0.1:14550', system: 1 } };
  changeSettings(device, (settings) => void Object.assign(settings, { vehicle }));
  t.match(await device.locksmith(['recover']), { code: 3, stdout: /the agent takes it back when vehicle and lock/ });
  t.same(device.contents(), NEW);
  const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  changeSettings(device, ({ configs }) => void Object.assign(configs.aim ?? {}, { vehicle: 'any' }));
  t.match(await device.locksmith(['recover', '--json']), { code: 3, stdout: /"end":"unproved"/ });
  t.same(device.contents(), NEW, 'nor while somebody has the lock');
  await holder.end();
  t.match(await device.locksmith(['recover']), { code: 0 });
  t.same(device.contents(), OLD);
});

t.test('a set that is completed was not tried yet: the agent has it prove itself', async (t) => {
  const health = { argv: ['true'] };
  const device = await cutOff(t, 2, { health });
  t.match(await device.locksmith(['recover']), { code: 0, stdout: /completed: all its files are new/ });
  t.same(device.contents(), NEW);
  t.match(await device.locksmith(['recover']), { code: 4 }, 'nor is it taken back by a second look');
  t.same(device.contents(), NEW);
  const daemon = await device.daemon();
  t.match(await device.locksmith(['history', 'aim']), { stdout: /applied aim base version 1 for all/ });
  t.same(device.contents(), NEW);
  await daemon.stop();
});
