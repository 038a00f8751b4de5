import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { makeDevice } from '../fixtures/device.ts';
import { signedDocument } from '../fixtures/documents.ts';
import { run } from '../fixtures/locksmith.ts';
import { opensslKey } from '../fixtures/openssl.ts';

t.test('every update and what became of it, with the daemon dead', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-history-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const key = opensslKey(dir);
  const configs = { aim: { 'aim.conf': 'hold = 500\n' }, nav: { 'nav.conf': 'x\n' } };
  const device = makeDevice(dir, { url: 'mqtt://127.0.0.1:1', keys: [key], configs });
  const locksmith = (...args: readonly string[]) => run([...args, '--settings', device.settings]);

  t.match(await locksmith('history'), { code: 4, stdout: '', stderr: 'nothing has happened yet\n' });

  const path = join(dir, 'update.jws');
  const apply = async (version: number, content: string) => {
    const document = signedDocument(key, { version, files: { 'aim.conf': content } });
    writeFileSync(path, document.jws);
    await locksmith('apply', path);
    return document;
  };
  const first = await apply(2, 'hold = 800\n');
  const second = await apply(1, 'hold = 900\n');

  const told = await locksmith('history', 'aim');
  t.equal(told.code, 0);
  t.match(told.stdout, /^\d{4}-\d\d-\d\dT\S+Z {2}.*applied/m);
  t.match(told.stdout, /refused.*replayed/);

  const events: unknown = JSON.parse((await locksmith('history', '--json')).stdout);
  t.match(events, [
    { event: 'applied', config: 'aim', update: first.id, version: 2, final: true },
    { event: 'refused', config: 'aim', update: second.id, version: 1, code: 'replayed', final: true },
  ]);
  t.match(await locksmith('history', 'nav'), { code: 4 }, 'the other config has none');
  t.match(await locksmith('history', 'gone'), {
    code: 4,
    stderr: /^locksmith: history: there is no config 'gone' in .*\nTry: /,
  });
});
