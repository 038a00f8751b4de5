import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { flockBy, lockfBy } from '../fixtures/lock-holders.ts';
import { makeDevice } from '../fixtures/lock-settings.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { until } from '../fixtures/until.ts';

const word = (dir: string, name: string) => readFileSync(`${dir}/${name}`, 'utf8').trim();

t.test('runs the command under the lock, with its output and its exit code', async (t) => {
  const { settings, lockDir, conf } = makeDevice(t);
  const script = `cat ${lockDir}/state; flock -n ${conf} true || echo refused; flock -n ${lockDir}/lock true || echo refused; exit 7`;
  const ran = await run(['hold', 'aim', '--settings', settings, '--reason', 'calibration', '--', 'sh', '-c', script]);
  t.match(ran, { code: 7, stdout: 'HOT\nrefused\nrefused\n', stderr: '' });
  t.strictSame([word(lockDir, 'state'), word(lockDir, 'conf_locked')], ['COLD', '0']);
  const second = await run(['hold', 'aim', '--settings', settings, '--', 'sh', '-c', `cat ${lockDir}/token`]);
  t.match(second, { code: 0, stdout: '2\n' });
});

t.test('a signal that ends the command is told like a shell does, and is passed on', async (t) => {
  const { settings, lockDir } = makeDevice(t);
  t.equal((await run(['hold', 'aim', '--settings', settings, '--', 'sh', '-c', 'kill -KILL $$'])).code, 137);
  const hold = start([
    'hold',
    'aim',
    '--settings',
    settings,
    '--',
    'sh',
    '-c',
    'trap "exit 5" TERM; echo ready; while :; do sleep 0.05; done',
  ]);
  t.teardown(() => hold.stop('SIGKILL'));
  await hold.line('ready');
  t.match(await hold.stop('SIGTERM'), { code: 5 });
  t.equal(word(lockDir, 'state'), 'COLD');
});

t.test('not got: exit 3, one line that names the holder, and the command is not run', async (t) => {
  for (const by of [flockBy, lockfBy]) {
    const { settings, conf, dir } = makeDevice(t);
    const locker = await by(t, conf);
    const ran = await run(['hold', 'aim', '--settings', settings, '--', 'touch', `${dir}/ran`]);
    t.match(ran, { code: 3, stdout: '' });
    t.match(
      ran.stderr,
      new RegExp(
        `^locksmith: hold: aim\\.conf HOT \\(held by pid ${locker.pid} \\w+, user root, for \\d+ s\\)\\nTry: locksmith locks aim\\n$`,
      ),
    );
    const told = await run(['hold', 'aim', '--exit-code', '75', '--settings', settings, '--', 'true']);
    t.equal(told.code, 75);
    const waiting = run(['hold', 'aim', '--wait', '1m', '--settings', settings, '--', 'echo', 'got']);
    await locker.end();
    t.match(await waiting, { code: 0, stdout: 'got\n' });
  }
});

t.test('a killed hold does not free a running command, which is on record', async (t) => {
  const { settings, lockDir } = makeDevice(t);
  const hold = start(['hold', 'aim', '--settings', settings, '--', 'sh', '-c', 'echo "ready $$"; exec sleep 1000']);
  const pid = Number((await hold.line('ready')).split(' ')[1]);
  t.teardown(() => spawnSync('kill', ['-9', String(pid)]));
  await until('the command on record', () => word(lockDir, 'holder').startsWith(`pid ${pid} `));
  // Not its `close`: the command still has its output open.
  const gone = once(hold.child, 'exit');
  hold.child.kill('SIGKILL');
  await gone;
  const locks = await run(['locks', 'aim', '--json', '--settings', settings]);
  t.match(JSON.parse(locks.stdout), { state: 'HOT', verdict: 'held', holder: { pid } });
  t.equal((await run(['hold', 'aim', '--settings', settings, '--', 'true'])).code, 3);
  spawnSync('kill', ['-9', String(pid)]);
  const after = await until('COLD', () => {
    const ran = spawnSync(process.execPath, [
      'dist/locksmith.js',
      'hold',
      'aim',
      '--settings',
      settings,
      '--',
      'cat',
      `${lockDir}/token`,
    ]);
    return ran.status === 0 ? ran : null;
  });
  t.equal(after.stdout.toString(), '3\n', 'reclaimed, then given');
});

t.test('--for with a command only makes it overdue; without one it is a lease', async (t) => {
  const { settings } = makeDevice(t);
  const hold = start([
    'hold',
    'aim',
    '--for',
    '100ms',
    '--settings',
    settings,
    '--',
    'sh',
    '-c',
    'echo ready; exec sleep 1000',
  ]);
  t.teardown(() => hold.stop('SIGKILL'));
  await hold.line('ready');
  const lock = async () => JSON.parse((await run(['locks', 'aim', '--json', '--settings', settings])).stdout);
  await new Promise((resolve) => void setTimeout(resolve, 150));
  t.match(await lock(), { state: 'HOT', verdict: 'overdue' });
  await hold.stop('SIGTERM');
  const lease = await run(['hold', 'aim', '--for', '1h', '--reason', 'survey', '--settings', settings]);
  t.match(lease, { code: 0, stdout: '' });
  t.match(await lock(), {
    state: 'HOT',
    verdict: 'held',
    lease: true,
    reason: 'survey',
    holder: { pid: 0, user: 'root' },
  });
});

t.test('a command that cannot be run, and wrong usage', async (t) => {
  const { settings, dir, lockDir } = makeDevice(t);
  t.match(await run(['hold', 'aim', '--settings', settings, '--', `${dir}/none`]), {
    code: 127,
    stderr: /not found\nTry: /,
  });
  t.match(await run(['hold', 'aim', '--settings', settings, '--', `${dir}/keys.json`]), { code: 126 });
  t.equal(word(lockDir, 'state'), 'COLD');
  t.match(await run(['hold', 'other', '--settings', settings, '--', 'true']), { code: 4, stderr: /no config 'other'/ });
  for (const argv of [
    ['aim'],
    ['aim', '--'],
    ['--', 'true'],
    ['aim', '--for', '1'],
    ['aim', '--wait', 'x', '--', 'true'],
    ['aim', '--exit-code', '256', '--', 'true'],
  ]) {
    t.match(
      await run(['hold', ...argv.slice(0, 1), '--settings', settings, ...argv.slice(1)]),
      { code: 2, stderr: /\nTry: / },
      argv.join(' '),
    );
  }
});
