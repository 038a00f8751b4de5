import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { workDir } from '../fixtures/device.ts';
import { nowS } from '../fixtures/documents.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { until } from '../fixtures/until.ts';
import { kindOf, whyNotOnTheWire } from '../fixtures/wire.ts';

const SERVER = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'fleet_server.py');

// Somebody else's server, in another language: nothing of ours has a hand in what it signs and sends.
t.test('the fleet server of the docs, in Python, against real agents', { timeout: 120_000 }, async (t) => {
  t.ok(readFileSync(SERVER, 'utf8').trimEnd().split('\n').length <= 60, 'on one page');
  const world = await lineWorld(t);
  const settings = {
    root: 'python',
    formats: { 'aim.json': { format: 'json' } },
    configs: { aim: { 'aim.json': '{}' } },
  };
  const devices = ['py-1', 'py-2'].map((id) => lineDevice(t, world, { ...settings, id }));
  const ear = await mosquittoSub(t, world.broker, ['python/#']);
  for (const device of devices) await device.start();
  const file = join(workDir(t), 'aim.json');
  const serve = async (content: string, ...whom: readonly string[]) => {
    writeFileSync(file, content);
    const { kid, pem } = world.key;
    const argv = [SERVER, `127.0.0.1:${world.broker.port}`, pem, kid, 'grp/canary', 'aim', file, ...whom];
    const env = { ...process.env, LOCKSMITH_ROOT: 'python' };
    const ended = promisify(execFile)('/usr/bin/python3', argv, { env, timeout: 60_000 });
    return ended.then(
      ({ stdout }) => ({ code: 0, stdout }),
      ({ code, stdout, stderr }) => ({ code, stdout: `${stdout}${stderr}` }),
    );
  };

  const good = await serve('{"hold":1}', 'py-1', 'py-2');
  t.equal(good.code, 0, good.stdout);
  for (const { id, contents } of devices) {
    t.same(contents(), { 'aim.json': '{"hold":1}' });
    t.match(good.stdout, `${id} applied`);
  }
  // Its versions are the seconds of its clock.
  const began = nowS();
  await until('the next second', () => nowS() > began);
  const bad = await serve('{"hold":', 'py-1', 'py-2');
  t.equal(bad.code, 1, bad.stdout);
  t.match(bad.stdout, /py-2 refused schema aim\.json: cannot be read as json/);
  for (const { contents } of devices) t.same(contents(), { 'aim.json': '{"hold":1}' }, 'nothing has changed');
  const usage = await serve('{}');
  t.equal(usage.code, 1);
  t.match(usage.stdout, /Usage: fleet_server\.py/);

  const updates = ear.seen.filter(({ topic }) => kindOf(topic) === 'desired');
  t.equal(updates.length, 2);
  for (const update of updates) t.equal(whyNotOnTheWire(update), null, 'as the schema of an update has it');
});
