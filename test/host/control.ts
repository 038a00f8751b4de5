import { existsSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { askControl, serveControl } from '../../agent/host/control.ts';
import { configDir } from '../fixtures/config-files.ts';

const PATIENCE_MS = 20_000;

/** A socket path: the short kind, for the kernel takes 107 bytes. */
function socketPath(t: { teardown(fn: () => void): void }): string {
  const [dir, remove] = configDir();
  t.teardown(remove);
  return join(dir, 's');
}

t.test('one answer for one request, for several at once', async (t) => {
  const path = socketPath(t);
  writeFileSync(path, 'left by an agent that was killed');
  const gate = { open: () => {} };
  const opened = new Promise<void>((resolve) => {
    gate.open = resolve;
  });
  const server = await serveControl(path, async (request) => {
    if (JSON.stringify(request) === '{"n":1}') await opened;
    else gate.open();
    return { request };
  });
  t.equal(statSync(path).mode & 0o777, 0o660);
  const first = askControl(path, { n: 1 }, PATIENCE_MS);
  const second = askControl(path, { n: 2, text: 'ü'.repeat(100_000) }, PATIENCE_MS);
  t.same(await first, { request: { n: 1 } }, 'a slow one holds up nobody, or this would never end');
  t.same(await second, { request: { n: 2, text: 'ü'.repeat(100_000) } });
  server.close();
  t.equal(await askControl(path, {}, PATIENCE_MS), null, 'nobody listens');
  t.notOk(existsSync(path));
});

t.test('an answer that fails is an answer', async (t) => {
  const path = socketPath(t);
  const server = await serveControl(path, async () => {
    throw new Error('no such config');
  });
  t.teardown(server.close);
  t.same(await askControl(path, {}, PATIENCE_MS), { error: 'no such config' });
});

/** Writes to the socket as it comes and returns all that is answered. */
function talk(path: string, write: (socket: ReturnType<typeof createConnection>) => void): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path, () => write(socket));
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('end', () => resolve(text));
  });
}

t.test('hostile clients: too long, no JSON, in pieces, two in one, gone before the answer', async (t) => {
  const path = socketPath(t);
  const seen: unknown[] = [];
  const server = await serveControl(path, async (request) => {
    seen.push(request);
    return { n: seen.length };
  });
  t.teardown(server.close);
  t.match(await askControl(path, { text: 'x'.repeat(4 * 1024 * 1024) }, PATIENCE_MS), { error: /too long/ });
  t.match(await talk(path, (socket) => socket.write('{"a":\n')), /"error":/);
  t.same(seen, []);
  const pieces = await talk(path, (socket) => {
    socket.write('{"a"');
    setImmediate(() => socket.write(':1}\n{"a":2}\n'));
  });
  t.equal(pieces, '{"n":1}\n');
  t.same(seen, [{ a: 1 }], 'what comes behind a request is no request');
  await new Promise<void>((resolve) => {
    const socket = createConnection(path, () => socket.write('{"a":3}\n', () => socket.destroy()));
    socket.on('close', () => resolve());
  });
  t.match(await askControl(path, {}, PATIENCE_MS), { n: Number });
});

t.test('a daemon that is dead, frozen, or dies amid its answer', async (t) => {
  const path = socketPath(t);
  t.equal(await askControl(path, {}, PATIENCE_MS), null, 'no socket');
  const server = createServer((socket) => {
    socket.once('data', (request) => {
      if (!request.toString().includes('frozen')) socket.end('{"half":');
    });
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => server.close());
  await t.rejects(askControl(path, {}, PATIENCE_MS), { code: 'io', message: /hung up before its answer was whole/ });
  await t.rejects(askControl(path, { frozen: true }, 50), { code: 'io', message: /did not answer within 0.05 s/ });
  await t.rejects(
    serveControl(join(path, 'below'), async () => ({})),
    { name: 'Failure' },
  );
});
