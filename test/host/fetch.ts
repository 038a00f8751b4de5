import { readFileSync } from 'node:fs';
import t from 'tap';
import { hostFetch } from '../../agent/host/fetch.ts';
import { makeAuthority } from '../fixtures/certs.ts';
import { startWeb } from '../fixtures/web-server.ts';

const CONTENT = Buffer.from('x'.repeat(200_000));

/** Fetches; what came, and where it began. */
async function fetched(fetch: ReturnType<typeof hostFetch>, url: string, from = 0) {
  const pieces: Uint8Array[] = [];
  let begin = -1;
  const run = fetch({
    ...{ url, from },
    take(bytes, at) {
      if (begin === -1) begin = at;
      pieces.push(bytes);
    },
  });
  await run.done;
  return { begin, bytes: Buffer.concat(pieces) };
}

t.test('a whole file, the rest of one, and what is no more than here already', async (t) => {
  const web = await startWeb(t);
  web.files.set('/a', CONTENT);
  const fetch = hostFetch();
  t.same(await fetched(fetch, `${web.origin}/a`), { begin: 0, bytes: CONTENT });
  t.same(await fetched(fetch, `${web.origin}/a`, 150_000), { begin: 150_000, bytes: CONTENT.subarray(150_000) });
  t.same(web.asked, ['/a', '/a bytes=150000-']);
  web.answer = (_, response) => void response.writeHead(200).end('whole') === undefined;
  t.same(await fetched(fetch, `${web.origin}/a`, 3), { begin: 0, bytes: Buffer.from('whole') }, 'cannot resume');
  web.answer = () => false;
  let at = -1;
  const { done } = fetch({
    url: `${web.origin}/a`,
    from: 999_999,
    take: (_bytes, place) => {
      at = place;
    },
  });
  await t.rejects(done, { code: 'download-failed', message: /answered 416/ });
  t.equal(at, 0, 'more is here than there: begin anew');
});

t.test('over TLS only to a server that can show who it is', async (t) => {
  const authority = makeAuthority();
  const web = await startWeb(t, authority.issue({ commonName: 'files', names: 'DNS:localhost' }));
  web.files.set('/a', CONTENT);
  const trusting = hostFetch({ ca: () => readFileSync(authority.ca, 'utf8') });
  t.same((await fetched(trusting, `${web.origin}/a`)).bytes, CONTENT);
  const why = { code: 'download-failed', message: /certificate/, retry: true };
  await t.rejects(fetched(hostFetch(), `${web.origin}/a`), why, 'an authority nobody knows');
  await t.rejects(fetched(trusting, `${web.origin.replace('localhost', '127.0.0.1')}/a`), { message: /altnames/ });
});

t.test('what goes wrong is said in words', async (t) => {
  const web = await startWeb(t);
  const fetch = hostFetch({ silenceMs: 200 });
  const url = `${web.origin}/a`;
  const rejects = async (message: RegExp, from = 0) =>
    t.rejects(fetched(fetch, url, from), { code: 'download-failed', op: 'fetch', path: url, message, retry: true });
  await rejects(/: the server answered 404 Not Found$/);
  web.answer = (_, response) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x') === undefined;
  await rejects(/the server sent it as gzip/);
  web.answer = (_, response) => void response.writeHead(206, { 'content-range': 'bytes 0-1/9' }).end() === undefined;
  await rejects(/another part/, 5);
  web.answer = () => true;
  await rejects(/silent for 0.2 s/);
  web.answer = (_, response) => {
    response.writeHead(200, { 'content-length': 10 }).write('x', () => response.destroy());
    return true;
  };
  await rejects(/broken off|broke the connection off|aborted/);
  web.answer = (_, response) => void response.writeHead(302, { location: '/a' }).end() === undefined;
  await rejects(/leads on and on/);
  web.answer = (_, response) => void response.writeHead(302, { location: 'ftp://x/a' }).end() === undefined;
  await rejects(/leads to ftp:\/\/x\/a: expected https/);
  web.answer = (request, response) =>
    request.url === '/a' && void response.writeHead(307, { location: 'b?c' }).end() === undefined;
  web.files.set('/b?c', CONTENT);
  t.same((await fetched(fetch, url)).bytes, CONTENT, 'a redirection is followed');
  await web.close();
  await rejects(/nobody listens there \(ECONNREFUSED\)/);
  const nowhere = fetched(fetch, 'https://no-such-host.invalid/a');
  await t.rejects(nowhere, { message: /no such name|cannot be looked up/ });
});

t.test('a server out there does not point the agent at this machine', async (t) => {
  const authority = makeAuthority();
  const web = await startWeb(t, authority.issue({ commonName: 'files', names: 'DNS:localhost' }));
  const inner = await startWeb(t);
  web.answer = (_, response) => void response.writeHead(302, { location: `${inner.origin}/a` }).end() === undefined;
  const trusting = hostFetch({ ca: () => readFileSync(authority.ca, 'utf8') });
  await t.rejects(fetched(trusting, `${web.origin}/a`), { message: /which is not https/ });
  t.same(inner.asked, []);
});

t.test('a fetch can be called off, and ends by what its taker throws', async (t) => {
  const web = await startWeb(t);
  web.answer = (_, response) => response.writeHead(200).write('x') || true;
  const run = hostFetch()({ url: `${web.origin}/a`, from: 0, take: () => run.cancel() });
  await t.rejects(run.done, { code: 'download-failed' });
  const full = new Error('no room');
  const take = () => {
    throw full;
  };
  await t.rejects(hostFetch()({ url: `${web.origin}/a`, from: 0, take }).done, full);
  const early = hostFetch()({ url: `${web.origin}/a`, from: 0, take: () => {} });
  early.cancel();
  await t.rejects(early.done, { code: 'download-failed' });
});
