import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeDevice } from '../fixtures/device.ts';
import { signedDocument } from '../fixtures/documents.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { opensslKey } from '../fixtures/openssl.ts';

const key = opensslKey(t.testdir());

/** A device without a network, and a file with a document signed for it. */
function offline(t: Test) {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-apply-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const configs = { aim: { 'aim.conf': 'hold = 500\n' } };
  const device = makeDevice(dir, { url: 'mqtt://127.0.0.1:1', keys: [key], configs });
  const stick = (version: number, content: string) => {
    const path = join(dir, `update-${version}.jws`);
    writeFileSync(path, `${signedDocument(key, { version, files: { 'aim.conf': content } }).jws}\n`);
    return path;
  };
  const locksmith = (...args: readonly string[]) => run([...args, '--settings', device.settings]);
  return { device, stick, locksmith };
}

t.test('a signed update from a stick is applied without a daemon and without a network', async (t) => {
  const { device, stick, locksmith } = offline(t);
  t.match(await locksmith('apply', stick(1, 'hold = 800\n')), { code: 0, stdout: 'applied\n', stderr: '' });
  t.strictSame(device.contents(), { 'aim.conf': 'hold = 800\n' });
  t.match(await locksmith('apply', stick(1, 'hold = 800\n')), { code: 0 }, 'twice harms nothing');
});

t.test('through the very same line: what is wrong is refused with its code', async (t) => {
  const { device, stick, locksmith } = offline(t);
  t.match(await locksmith('apply', stick(5, 'hold = 800\n')), { code: 0 });
  t.match(await locksmith('apply', stick(4, 'hold = 700\n')), { code: 3, stdout: /^refused: .*\(replayed\)\n$/ });
  t.match(await locksmith('apply', stick(5, 'hold = 700\n')), { code: 3, stdout: /\(version-reused\)\n$/ });
  const other = opensslKey(t.testdir(), 'stranger');
  const strange = join(device.dir, 'strange.jws');
  writeFileSync(strange, signedDocument(other, { version: 9, files: { 'aim.conf': 'x' } }).jws);
  const { code, stdout } = await locksmith('apply', strange, '--json');
  t.equal(code, 3);
  t.match(JSON.parse(stdout), { result: 'refused', code: 'unknown-key', reason: /stranger/ });
  t.strictSame(device.contents(), { 'aim.conf': 'hold = 800\n' });
});

t.test('while the lock is HOT it waits, and says for whom', async (t) => {
  const { device, stick, locksmith } = offline(t);
  const holder = start(['hold', 'aim', '--settings', device.settings, '--', 'sh', '-c', 'echo held; exec sleep 1000']);
  t.teardown(() => holder.stop('SIGTERM'));
  await holder.line('held');
  const waits = await locksmith('apply', stick(1, 'hold = 800\n'));
  t.match(waits, { code: 3, stdout: /lock mismatch: aim\.conf HOT \(held by .*\(lock-mismatch\)\n$/ });
  t.strictSame(device.contents(), { 'aim.conf': 'hold = 500\n' });
});

t.test('a file that is none: exit 2 and a way out', async (t) => {
  const { device, locksmith } = offline(t);
  t.match(await locksmith('apply', '/nowhere.jws'), {
    code: 2,
    stderr: /^locksmith: \/nowhere\.jws: .*ENOENT.*\nTry: /,
  });
  const big = join(device.dir, 'big.jws');
  writeFileSync(big, 'x'.repeat(200_000));
  t.match(await locksmith('apply', big), { code: 2, stderr: /200000 bytes/ });
  const rubbish = join(device.dir, 'rubbish.jws');
  writeFileSync(rubbish, 'no document at all');
  t.match(await locksmith('apply', rubbish), { code: 3, stdout: /\(malformed\)\n$/ });
});
