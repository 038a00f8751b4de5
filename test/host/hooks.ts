import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { hostHooks } from '../../agent/host/hooks.ts';
import { isGone } from '../fixtures/process-gone.ts';
import { until } from '../fixtures/until.ts';

const sh = (script: string) => ['sh', '-c', script];
const portOf = (server: { address(): AddressInfo | string | null }) => {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
};

t.test('how it ends, and the end of what it says', async (t) => {
  const passed: string[] = [];
  const hooks = hostHooks((op, step) => void passed.push(`${op} ${step}`));
  const run = (argv: readonly string[]) => hooks.run('hook.check', argv, 5_000);
  t.same(await run(['true']), { kind: 'good', words: 'ended with 0' });
  t.same(passed, ['hook.check start', 'hook.check end']);
  t.same(await run(sh('echo fine; echo "unknown key \'rate\'" >&2; exit 3')), {
    kind: 'bad',
    words: "ended with 3: fine / unknown key 'rate'",
  });
  t.match(await run(sh('kill -9 $$')), { kind: 'bad', words: 'was ended by SIGKILL' });
  t.match(await run(['no-such-program', '--secret']), {
    kind: 'not-started',
    words: 'no-such-program: there is no such program',
  });
  t.match(await run(['/etc/passwd']), { kind: 'not-started' });
  const orphan = join(t.testdir({ orphan: '#!/no/such/interpreter\n' }), 'orphan');
  chmodSync(orphan, 0o755);
  t.match(await run([orphan]), { kind: 'not-started', words: /^cannot be started: failed to execute .*No such file/ });
  t.match(await run(sh('echo "setpriv: this is a hook" >&2; exit 1')), { kind: 'bad' });
  const long = await run(sh("yes 'a line of noise' | head -c 3000000; printf 'the \\033[31mend'; exit 1"));
  t.match(long.words, /the \?\[31mend$/);
  t.ok(long.words.length < 400, `${long.words.length}`);
});

t.test('no shell: an argument is an argument', async (t) => {
  const path = join(t.testdir({}), 'touched');
  t.match(await hostHooks().run('hook.check', ['echo', `$(touch ${path})`, ';', 'touch', path], 5_000), {
    kind: 'good',
  });
  t.notOk(existsSync(path));
});

t.test('a minimal environment, no standard input, no capabilities, nothing of ours', async (t) => {
  const out = join(t.testdir({}), 'out');
  process.env.SECRET_OF_OURS = 'x';
  t.teardown(() => delete process.env.SECRET_OF_OURS);
  await hostHooks().run(
    'hook.check',
    sh(`{ env; grep -E 'Cap(Prm|Eff|Amb)|NoNewPrivs' /proc/self/status; pwd; cat; ls /proc/$$/fd; } >${out}`),
    5_000,
  );
  const text = readFileSync(out, 'utf8');
  t.notMatch(text, /SECRET_OF_OURS/);
  t.match(text, /^PATH=\/usr\/local\/sbin:/m);
  for (const set of ['Prm', 'Eff', 'Amb']) t.match(text, new RegExp(`Cap${set}:\\s0+$`, 'm'), set);
  t.match(text, /NoNewPrivs:\s1/);
  t.match(text, /^\/$/m);
});

t.test('its whole process group is ended with its time', async (t) => {
  const pids = join(t.testdir({}), 'pids');
  const script = `trap '' TERM; sleep 60 & echo $! >${pids}; echo $$ >>${pids}; echo started; wait; sleep 60`;
  const end = await hostHooks().run('hook.reload', sh(script), 2_000);
  t.match(end, { kind: 'bad', words: /^was not done within 2 s and was ended: started/ });
  const all = readFileSync(pids, 'utf8').trim().split('\n');
  t.equal(all.length, 2);
  await until('both are gone', () => all.every(isGone));
});

t.test('one that leaves a program behind does not hold it up', async (t) => {
  const end = await hostHooks().run('hook.reload', sh('sleep 30 & echo $!'), 5_000);
  t.match(end, { kind: 'good', words: /^ended with 0: \d+$/ });
  execFileSync('kill', [/\d+$/.exec(end.words)?.[0] ?? '']);
});

t.test('stop ends what runs, and blames nobody', async (t) => {
  const hooks = hostHooks();
  const running = hooks.run('hook.reload', ['sleep', '60'], 60_000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  hooks.stop();
  t.match(await running, { kind: 'stopped' });
  t.match(await hooks.run('hook.reload', ['true'], 1_000), { kind: 'stopped' });
  t.match(await hooks.tcp('hook.health', '127.0.0.1:1', 1_000), { kind: 'stopped' });
});

t.test(
  'one that nobody waits for any more is ended with its group, and so is one that nobody waits for at its start',
  async (t) => {
    const pids = join(t.testdir({}), 'pids');
    const seen = { end: () => {}, left: 0 };
    const running = hostHooks().run(
      'hook.check',
      sh(`sleep 60 & echo $! $$ >${pids}.new; mv ${pids}.new ${pids}; wait`),
      60_000,
      (end) => {
        seen.end = end;
        return () => {
          seen.left += 1;
        };
      },
    );
    const both = (await until('it runs', () => existsSync(pids) && readFileSync(pids, 'utf8'))).trim().split(' ');
    t.equal(seen.left, 0);
    seen.end();
    t.match(await running, { kind: 'stopped' });
    t.equal(seen.left, 1);
    await until('both are gone', () => both.every(isGone));
    const atOnce = hostHooks().run('hook.check', ['sleep', '60'], 60_000, (end) => {
      end();
      return () => {
        seen.left += 1;
      };
    });
    t.match(await atOnce, { kind: 'stopped' });
    t.equal(seen.left, 2);
  },
);

t.test('http: 200 to 299 is well', async (t) => {
  const server = createHttp((request, answer) => {
    if (request.url === '/never') return;
    answer.writeHead(Number(request.url?.slice(1))).end('x'.repeat(100_000));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const url = `http://127.0.0.1:${portOf(server)}`;
  const get = (path: string, withinMs = 20_000) => hostHooks().http('hook.health', `${url}/${path}`, withinMs);
  t.same(await get('200'), { kind: 'good', words: `${url}/200 answered 200` });
  t.match(await get('204'), { kind: 'good' });
  t.match(await get('302'), { kind: 'bad', words: /answered 302/ });
  t.match(await get('503'), { kind: 'bad', words: /answered 503/ });
  t.match(await get('never', 300), { kind: 'bad', words: /did not answer within 0\.3 s/ });
  server.closeAllConnections();
  t.match(await hostHooks().http('hook.health', 'http://127.0.0.1:1/', 20_000), { kind: 'bad', words: /ECONNREFUSED/ });
});

t.test('tcp: somebody who accepts is well', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = `127.0.0.1:${portOf(server)}`;
  t.same(await hostHooks().tcp('hook.health', address, 20_000), { kind: 'good', words: `${address} answers` });
  t.match(await hostHooks().tcp('hook.health', '127.0.0.1:1', 20_000), { kind: 'bad', words: /ECONNREFUSED/ });
});
