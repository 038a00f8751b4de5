import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeDevice } from '../fixtures/device.ts';
import { signedDocument } from '../fixtures/documents.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { until } from '../fixtures/until.ts';

const key = opensslKey(t.testdir());

function device(t: Test, url = 'embedded') {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-run-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  return makeDevice(dir, { url, keys: [key], configs: { aim: { 'aim.conf': 'hold = 500\n' } } });
}

function daemon(t: Test, settings: string) {
  const agent = start(['run', '--settings', settings]);
  t.teardown(() => agent.stop('SIGKILL'));
  return agent;
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  t.test(`runs on its own broker until ${signal}, and leaves with exit code 0`, async (t) => {
    const agent = daemon(t, device(t).settings);
    await agent.line(/embedded broker on mqtt:\/\/127\.0\.0\.1:\d+/);
    await agent.line(': connected');
    t.match(await agent.stop(signal), { code: 0, signal: null });
    t.match(agent.stderr(), new RegExp(`stopped.*${signal}`));
    t.equal(agent.stdout(), '', 'nothing on stdout: that is for data');
  });
}

t.test('a second one on the same state is told so and ends; the first one goes on', async (t) => {
  const { settings } = device(t);
  const first = daemon(t, settings);
  await first.line(': connected');
  const { code, stderr } = await run(['run', '--settings', settings]);
  t.equal(code, 1);
  t.match(stderr, /^locksmith: .*another locksmith works with this state\nTry: locksmith status$/m);
  t.equal(first.child.exitCode, null);
});

t.test('apply hands the document to the daemon over its socket', async (t) => {
  const { dir, run: runDir, settings, contents } = device(t);
  const agent = daemon(t, settings);
  await agent.line(': connected');
  const socket = join(runDir, 'control.sock');
  await until('the socket', () => existsSync(socket));
  t.equal(statSync(socket).mode & 0o777, 0o660);
  const path = join(dir, 'update.jws');
  writeFileSync(path, signedDocument(key, { version: 1, files: { 'aim.conf': 'hold = 800\n' } }).jws);
  t.match(await run(['apply', path, '--settings', settings]), { code: 0, stdout: 'applied\n' });
  await agent.line(/applied/);
  t.strictSame(contents(), { 'aim.conf': 'hold = 800\n' });
});

t.test('no keys: exit 2, before anything is started', async (t) => {
  const { dir, settings } = device(t, 'mqtt://127.0.0.1:1');
  rmSync(join(dir, 'keys.json'));
  const { code, stderr } = await run(['run', '--settings', settings]);
  t.equal(code, 2);
  t.match(stderr, /^locksmith: .*keys\.json: .*\nTry: locksmith keys new/m);
});

t.test('wrong settings: exit 2, with file, line and column', async (t) => {
  const path = join(t.testdir(), 'agent.yaml');
  writeFileSync(path, 'device: { id: "drone 7" }\n');
  const { code, stderr } = await run(['run', '--settings', path]);
  t.equal(code, 2);
  t.match(stderr, new RegExp(`${path}:1:\\d+`));
  t.match(stderr, /^Try: /m);
});
