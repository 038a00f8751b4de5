import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeDevice } from '../fixtures/device.ts';
import { signedDocument } from '../fixtures/documents.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { opensslKey } from '../fixtures/openssl.ts';

const key = opensslKey(t.testdir());

function device(t: Test) {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-status-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const made = makeDevice(dir, {
    url: 'mqtt://127.0.0.1:1',
    keys: [key],
    configs: { aim: { 'aim.conf': 'hold = 500\n' } },
  });
  const locksmith = (...args: readonly string[]) => run([...args, '--settings', made.settings]);
  const status = async () => JSON.parse((await locksmith('status', '--json')).stdout);
  return { ...made, locksmith, status };
}

t.test('a device on which nothing ever ran', async (t) => {
  const { locksmith, status } = device(t);
  const { code, stdout, stderr } = await locksmith('status');
  t.match({ code, stderr }, { code: 0, stderr: '' });
  t.match(stdout, /^agent +not running; last sign of life never$/m);
  t.match(stdout, /^config +aim: nothing known yet$/m);
  t.match(stdout, /^ +lock +aim\.conf COLD$/m);
  t.match(await status(), {
    agent: { state: 'stopped', pid: null, since: null, last_sign: null },
    link: null,
    configs: {},
    locks: { aim: { state: 'COLD', verdict: null, holder: null, file: 'aim.conf' } },
    vehicle: null,
  });
});

t.test('what runs, with the daemon dead', async (t) => {
  const { dir, locksmith, status } = device(t);
  const document = signedDocument(key, { version: 3, files: { 'aim.conf': 'hold = 800\n' } });
  writeFileSync(join(dir, 'update.jws'), document.jws);
  await locksmith('apply', join(dir, 'update.jws'));
  t.match((await locksmith('status')).stdout, /^config +aim: base version 3 for grp\/canary, since /m);
  t.match(await status(), {
    configs: { aim: { running: { version: 3, layer: 'base', address: 'grp/canary' }, pending: null } },
  });
});

t.test('a living daemon, its link in words, and a dead one since when', async (t) => {
  const { settings, locksmith, status } = device(t);
  const agent = start(['run', '--settings', settings]);
  t.teardown(() => agent.stop('SIGKILL'));
  await agent.line('nobody listens');
  const { stdout } = await locksmith('status');
  t.match(stdout, new RegExp(`^agent +running, pid ${agent.pid}, since .* ago$`, 'm'));
  t.match(stdout, /^link +\S.*, since /m);
  t.match(await status(), { agent: { state: 'running', pid: agent.pid }, link: { connected: false } });
  await agent.stop('SIGKILL');
  t.match((await locksmith('status')).stdout, /^agent +not running; last sign of life \d{4}-.* ago$/m);
  t.match(await status(), { agent: { state: 'stopped', pid: null }, link: null });
});

t.test('a HOT lock stands out, with what to do', async (t) => {
  const { settings, locksmith } = device(t);
  const holder = start(['hold', 'aim', '--settings', settings, '--', 'sh', '-c', 'echo held; exec sleep 1000']);
  t.teardown(() => holder.stop('SIGTERM'));
  await holder.line('held');
  t.match(
    (await locksmith('status')).stdout,
    /^ +lock +aim\.conf HOT \(held by pid \d+ .*\n +try +locksmith locks aim$/m,
  );
});
