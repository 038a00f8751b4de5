import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostProcesses, parseCommand, parseLockLines, parseStat, parseUnit } from '../../agent/host/processes.ts';
import { elsewhereBy, flockBy, leakBy, lockfBy } from '../fixtures/lock-holders.ts';
import { until } from '../fixtures/until.ts';

const processes = hostProcesses();

t.test('start time and state are counted after the last parenthesis', async (t) => {
  const rest = Array.from({ length: 49 }, (_, index) => index + 4).join(' ');
  t.strictSame(parseStat(`4711 (a) S 1 2) R ${rest}`), { start: 22, state: 'R' });
  t.equal(parseStat(''), null);
});

t.test('a program is called by its name, an interpreter by its script, and never by its arguments', async (t) => {
  t.equal(parseCommand('/usr/bin/flock\0/etc/x\0secret\0'), 'flock');
  t.equal(parseCommand('/usr/bin/python3\0/opt/writer.py\0--password=x\0'), 'python3 writer.py');
  t.equal(parseCommand('python3\0-c\0print(1)\0'), 'python3');
  t.equal(parseCommand('/usr/bin/node\0/usr/lib/locksmith/dist/locksmith.js\0run\0'), 'locksmith run');
  t.equal(
    parseCommand('/usr/lib/locksmith-agent/node\0--no-opt\0--max-semi-space-size=1\0/l/locksmith.js\0run\0'),
    'locksmith run',
  );
  t.equal(parseCommand('node\0--no-opt\0'), 'node');
  t.equal(parseCommand('node\0--title\0secret\0x.js\0'), 'node');
  t.equal(parseCommand('-bash\0'), 'bash');
  t.equal(parseCommand('a\x1b[2Jb\0'), 'a?[2Jb');
  t.equal(parseCommand(''), null);
});

t.test('units and containers out of a cgroup', async (t) => {
  t.equal(parseUnit('0::/system.slice/aim-orchestrator.service\n'), 'aim-orchestrator.service');
  t.equal(parseUnit('0::/user.slice/user-0.slice/session-3.scope\n'), 'session-3.scope');
  t.equal(parseUnit('1:name=systemd:/system.slice/ssh.service/sub\n0::/\n'), 'ssh.service');
  t.equal(parseUnit(`0::/system.slice/docker-${'0123456789abcdef'.repeat(4)}.scope\n`), 'container 0123456789ab');
  t.equal(parseUnit('0::/lxc.payload.web/init.scope\n'), 'container web');
  t.equal(parseUnit('0::/\n'), null);
  t.equal(parseUnit(''), null);
});

t.test('lines of /proc/locks', async (t) => {
  const text = [
    '1: FLOCK  ADVISORY  WRITE 4711 fe:00:9978429 0 EOF',
    '2: OFDLCK ADVISORY  READ  -1 00:1a:77 0 EOF',
    '2: -> OFDLCK ADVISORY  WRITE -1 00:1a:77 0 EOF',
    '3: POSIX  ADVISORY  WRITE 12 103:02:5 0 9',
    '4: LEASE  ACTIVE    READ  9 00:1a:78 0 EOF',
    'nonsense',
  ].join('\n');
  t.strictSame(parseLockLines(`${text}\n`), [
    { family: 'flock', pid: 4711, dev: 0xfe00, ino: 9978429 },
    { family: 'ofd', pid: -1, dev: 0x1a, ino: 77 },
    { family: 'posix', pid: 12, dev: 0x10302, ino: 5 },
  ]);
});

t.test('a list of locks that cannot be read says nothing, not that there are none', async (t) => {
  const dir = t.testdir({});
  const blind = hostProcesses(`${dir}/locks`);
  t.equal(blind.lockLines(), null);
  writeFileSync(`${dir}/locks`, '');
  t.same(blind.lockLines(), []);
});

t.test('ourselves, others, and those that are gone', async (t) => {
  const self = processes.self();
  t.match(self, { pid: process.pid, zombie: false, uid: process.getuid?.() });
  t.type(self.start, 'number');
  t.type(self.pidNamespace, 'number');
  t.type(self.timeNamespace, 'number');
  const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const pid = child.pid ?? 0;
  t.match(processes.describe(pid), { pid, command: 'sleep', user: 'root', pidNamespace: self.pidNamespace });
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.equal(processes.describe(pid), null);
  for (const nonsense of [0, -1, 1.5]) t.equal(processes.describe(nonsense), null);
});

t.test('a signal: sent, to nobody, or not allowed', async (t) => {
  const child = spawn('sleep', ['1000'], { stdio: 'ignore', uid: 65_534 });
  t.teardown(() => child.kill('SIGKILL'));
  const pid = child.pid ?? 0;
  const start = processes.describe(pid)?.start ?? null;
  t.equal(processes.signal(pid, (start ?? 0) + 1, 'SIGKILL'), 'gone', 'the pid is somebody else’s by now');
  t.equal(processes.signal(pid, start, 0), 'sent');
  // Neither it nor root any more.
  process.seteuid?.(65_533);
  const denied = processes.signal(pid, start, 'SIGKILL');
  process.seteuid?.(0);
  t.equal(denied, 'denied');
  t.equal(processes.describe(pid)?.zombie, false, 'it lives');
  t.equal(processes.signal(pid, start, 'SIGTERM'), 'sent');
  await once(child, 'exit');
  t.equal(processes.signal(pid, start, 0), 'gone');
});

t.test('a process that ended and was not reaped is a zombie', async (t) => {
  // The child outlives the shell, which would reap it; the program in the shell's place does not.
  const parent = spawn('sh', ['-c', 'sleep 1 & echo $!; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'ignore'] });
  t.teardown(() => parent.kill('SIGKILL'));
  const [chunk] = await once(parent.stdout, 'data');
  await until('a zombie', () => processes.describe(Number(String(chunk)))?.zombie);
});

t.test('who has a lock on a file, by its descriptor', async (t) => {
  const path = `${t.testdir({ f: 'x' })}/f`;
  const { dev, ino } = statSync(path);
  const pids = () => processes.holders({ dev, ino }, [], 1).pids;
  t.strictSame(pids(), []);
  const flock = await flockBy(t, path);
  t.ok(pids().includes(flock.pid));
  t.match(
    processes.lockLines()?.filter((line) => line.ino === ino && line.dev === dev),
    [{ family: 'flock', pid: flock.pid }],
  );
  t.strictSame(processes.holders({ dev, ino }, [1, flock.pid], 1).pids, [flock.pid], 'hints are enough');
  t.ok(processes.holders({ dev, ino }, [flock.pid], 3).pids.length >= 2, 'unless more are asked for');
  await flock.end();
  const lockf = await lockfBy(t, path);
  t.strictSame(pids(), [lockf.pid]);
  await lockf.end();
  const leak = await leakBy(t, path);
  t.strictSame(pids(), [Number(leak.said)]);
  process.kill(Number(leak.said), 'SIGKILL');
  await until('nobody', () => pids().length === 0);
  await elsewhereBy(t, path);
  t.ok(pids().length > 0, 'from outside its pid namespace');
});
