import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFetch } from '../../agent/host/fetch.ts';
import { hostFiles } from '../../agent/host/files.ts';
import type { Fetch } from '../../agent/ports/fetch.ts';
import { openFetched } from '../../agent/update/fetched.ts';
import { createFetches } from '../../agent/update/fetches.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { until } from '../fixtures/until.ts';
import { startWeb } from '../fixtures/web-server.ts';

/** Fetches over a real server into a real directory, by a clock that stands still. */
async function bench(t: Test, options: { fetch?: Fetch; dir?: string } = {}) {
  const dir = options.dir ?? join(t.testdir(), 'fetched');
  const web = await startWeb(t);
  const clock = manualClock();
  const woken: string[] = [];
  const inUse = new Set<string>();
  const fetched = openFetched(hostFiles(), sha256, dir);
  const fetches = createFetches({
    ...{ fetched, clock, fetch: options.fetch ?? hostFetch(), unit: () => 1, inUse: () => inUse },
    wake: (config) => void woken.push(config),
    onBug: (error) => t.fail(String(error)),
  });
  t.teardown(() => fetches.stop());
  const file = (name: string, text: string) => {
    web.files.set(`/${name}`, Buffer.from(text));
    const digest = `sha256:${sha256(text)}`;
    inUse.add(digest);
    return { name, url: `${web.origin}/${name}`, digest, size: Buffer.byteLength(text) };
  };
  const awake = (count: number) => until(`${count} wakes, so far ${woken}`, () => woken.length >= count);
  return { dir, web, clock, woken, inUse, fetched, fetches, file, awake };
}

t.test('wanted by two configs, fetched once, and both are woken', async (t) => {
  const { web, woken, fetched, fetches, file, awake } = await bench(t);
  const one = file('a', 'content');
  for (const config of ['aim', 'other', 'aim']) fetches.want(config, [one]);
  t.same(fetches.late('aim'), { file: one, failure: null }, 'on its way');
  await awake(2);
  t.same([...woken].sort(), ['aim', 'other']);
  t.same(fetched.read(one), Buffer.from('content'));
  t.equal(fetches.late('aim'), null);
  t.same(web.asked, ['/a']);
});

t.test('a server that is away: why, then again after a pause that grows, at once when the link is up', async (t) => {
  const { web, clock, woken, fetched, fetches, file, awake } = await bench(t);
  const one = file('a', 'content');
  web.files.delete('/a');
  fetches.want('aim', [one]);
  await awake(1);
  t.match(fetches.late('aim')?.failure, { code: 'download-failed', message: /answered 404/ });
  fetches.want('aim', [one]);
  t.equal(web.asked.length, 1, 'wanted again, it waits for its time');
  clock.advance(4_999);
  t.equal(web.asked.length, 1);
  clock.advance(1);
  await until('the second attempt', () => web.asked.length === 2);
  await until('its end', () => {
    clock.advance(10_000);
    return web.asked.length === 3;
  });
  t.equal(woken.length, 1, 'the same reason is told once');
  web.files.set('/a', Buffer.from('content'));
  await until('it is here', () => {
    fetches.retry();
    return fetched.read(one);
  });
  await awake(2);
});

t.test('a broken off fetch goes on where it stopped, in the next life too', async (t) => {
  const first = await bench(t);
  const text = 'x'.repeat(500_000);
  const one = first.file('a', text);
  first.web.answer = (_, response) => {
    response.writeHead(200, { 'content-length': text.length }).write(text.slice(0, 300_000), () => response.destroy());
    return true;
  };
  first.fetches.want('aim', [one]);
  await first.awake(1);
  await first.fetches.stop();
  const part = readdirSync(first.dir).map((name) => first.fetched.read(one) ?? name);
  t.same(part, [`${sha256(text)}.part`]);
  const second = await bench(t, { dir: first.dir });
  const again = second.file('a', text);
  second.fetches.want('aim', [again]);
  await second.awake(1);
  t.same(second.fetched.read(again), Buffer.from(text));
  t.match(second.web.asked, [/^\/a bytes=\d{4,6}-$/]);
});

t.test('a part that a power cut has spoilt is fetched anew at once; a server that lies is not', async (t) => {
  const { web, fetched, fetches, file, awake } = await bench(t);
  const one = file('a', 'content');
  const part = await fetched.open(one);
  part.take(Buffer.from('\0\0\0'), 0);
  part.close();
  fetches.want('aim', [one]);
  await awake(1);
  t.same(fetched.read(one), Buffer.from('content'));
  t.same(web.asked, ['/a bytes=3-', '/a']);
  const two = file('b', 'signed');
  web.files.set('/b', Buffer.from('forged'));
  fetches.want('aim', [two]);
  await awake(2);
  t.match(fetches.late('aim')?.failure, { code: 'download-failed', message: /has sha256:/ });
  t.equal(fetched.read(two), null);
  t.same(web.asked.slice(2), ['/b']);
});

t.test('what nobody wants any more is called off, and its bytes go when another is wanted', async (t) => {
  const { dir, web, inUse, fetches, file, awake } = await bench(t);
  const one = file('a', 'never all of it');
  const two = file('b', 'two');
  web.answer = (request, response) => request.url === '/a' && (response.writeHead(200).write('never') || true);
  fetches.want('aim', [one]);
  await until('it has begun', () => web.asked.length === 1);
  inUse.delete(one.digest);
  fetches.want('aim', [two]);
  await awake(1);
  await until('only the second is left', () => readdirSync(dir).join() === two.digest.slice(7));
});

t.test('more than was signed is never taken in', async (t) => {
  const { fetches, file, awake, fetched } = await bench(t, {
    fetch: ({ take }) => {
      const done = Promise.resolve().then(() => take(Buffer.from('far more than was signed'), 0));
      return { done, cancel: () => {} };
    },
  });
  const one = file('a', 'small');
  fetches.want('aim', [one]);
  await awake(1);
  t.match(fetches.late('aim')?.failure, { code: 'download-failed', message: /more than the 5 bytes/ });
  t.equal(fetched.read(one), null);
});
