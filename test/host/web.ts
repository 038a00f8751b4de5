import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { serveWeb, type WebRequest } from '../../agent/host/web.ts';

const say = async ({ url, host, site, method }: WebRequest) => {
  if (url === '/bug') throw new Error('a bug');
  return {
    status: 200,
    type: 'text/plain',
    text: JSON.stringify({ url, host, site, method }),
    headers: { 'x-y': 'z' },
  };
};

t.test('over TCP', async (t) => {
  const server = await serveWeb({ kind: 'tcp', host: '127.0.0.1', port: 0 }, say);
  t.teardown(() => server.close());
  t.match(server.address, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  const answer = await fetch(`${server.address}a?b`, { headers: { 'sec-fetch-site': 'none' } });
  t.equal(answer.headers.get('x-y'), 'z');
  t.match(await answer.json(), { url: '/a?b', host: /^127\.0\.0\.1:\d+$/, method: 'GET' });
  const head = await fetch(server.address, { method: 'HEAD' });
  t.equal(await head.text(), '');
  const bug = await fetch(`${server.address}bug`);
  t.equal(bug.status, 500);
  t.equal(await bug.text(), 'a bug\n');
  const port = Number(new URL(server.address).port);
  await t.rejects(serveWeb({ kind: 'tcp', host: '127.0.0.1', port }, say), { name: 'Failure', message: /EADDRINUSE/ });
});

t.test('over a unix socket that is gone afterwards', async (t) => {
  const path = join(mkdtempSync(join(tmpdir(), 'locksmith-web-')), 'page.sock');
  const server = await serveWeb({ kind: 'socket', path }, say);
  t.equal(server.address, `unix:${path}`);
  t.equal(statSync(path).mode & 0o777, 0o660);
  const text = await new Promise<string>((resolve) => {
    request({ socketPath: path, path: '/s' }, (answer) => {
      let all = '';
      answer.on('data', (chunk) => {
        all += chunk;
      });
      answer.on('end', () => resolve(all));
    }).end();
  });
  t.match(JSON.parse(text), { url: '/s' });
  server.close();
  t.notOk(existsSync(path));
});

t.test('what stands at the path of the socket is not taken away, but for one that nobody listens on', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-web-'));
  const [file, folder, link, path] = ['agent.yaml', 'folder', 'link', 'page.sock'].map((name) => join(dir, name));
  if (file === undefined || folder === undefined || link === undefined || path === undefined)
    throw new Error('no path');
  writeFileSync(file, 'precious');
  mkdirSync(folder);
  symlinkSync(file, link);
  for (const taken of [file, folder, link])
    await t.rejects(serveWeb({ kind: 'socket', path: taken }, say), { name: 'Failure', message: /no socket$/ }, taken);
  t.equal(readFileSync(file, 'utf8'), 'precious');
  t.ok(existsSync(link));

  const first = await serveWeb({ kind: 'socket', path }, say);
  await t.rejects(serveWeb({ kind: 'socket', path }, say), {
    name: 'Failure',
    message: /another server listens there/,
  });
  t.ok(existsSync(path), 'the first still has it');
  first.close();
  const killed = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', killed], { env: {} });
  t.ok(existsSync(path), 'one that was killed leaves its socket');
  const second = await serveWeb({ kind: 'socket', path }, say);
  second.close();
  t.notOk(existsSync(path));
});
