import { closeSync, fstatSync, openSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { journalEntry, systemdJournal, systemdSupervisor } from '../../agent/host/systemd.ts';
import { openDatagrams } from '../fixtures/datagrams.ts';
import { workDir } from '../fixtures/device.ts';
import { start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('without systemd there is no supervisor and no journal', async (t) => {
  t.equal(systemdSupervisor({}), null);
  t.equal(systemdSupervisor({ NOTIFY_SOCKET: '' }), null);
  t.equal(systemdJournal({}), null);
  t.equal(systemdJournal({ JOURNAL_STREAM: '1:2' }), null, 'stderr leads elsewhere by now');
});

t.test('what systemd is told, at a path and at an abstract address', async (t) => {
  for (const path of [join(workDir(t), 'notify'), `@locksmith-test-${process.pid}`]) {
    const socket = await openDatagrams(t, path);
    const supervisor = systemdSupervisor({ NOTIFY_SOCKET: path, WATCHDOG_USEC: '3000000' });
    t.equal(supervisor?.aliveWithinMs, 3000);
    supervisor?.ready();
    supervisor?.alive();
    supervisor?.status('all well\nREADY=1');
    supervisor?.stopping();
    await socket.has('STOPPING=1');
    t.same(socket.got.map(String), ['READY=1', 'WATCHDOG=1', 'STATUS=all well READY=1', 'STOPPING=1']);
  }
});

t.test('no watchdog asked for, none fed; a socket that is gone disturbs nobody', async (t) => {
  const path = join(workDir(t), 'notify');
  const lone = systemdSupervisor({ NOTIFY_SOCKET: path });
  t.equal(lone?.aliveWithinMs, null);
  lone?.ready();
  lone?.status('x');
  const socket = await openDatagrams(t, path);
  lone?.alive();
  lone?.ready();
  await socket.has('READY=1');
  t.same(socket.got.map(String), ['READY=1']);
  systemdSupervisor({ NOTIFY_SOCKET: `/${'x'.repeat(200)}` })?.ready();
});

t.test('an entry of the journal has level and fields, and says whether it was taken', async (t) => {
  const dir = workDir(t);
  const fd = openSync(join(dir, 'stderr'), 'w');
  t.teardown(() => closeSync(fd));
  const { dev, ino } = fstatSync(fd);
  const entry = systemdJournal({ JOURNAL_STREAM: `${dev}:${ino}` }, fd, join(dir, 'journal'));
  t.equal(entry?.('info', 'nobody listens', {}), false);
  const socket = await openDatagrams(t, join(dir, 'journal'));
  t.equal(entry?.('warning', 'refused aim', { code: 'lock-mismatch', config: null, version: 3 }), true);
  await socket.has('MESSAGE');
  const [got] = socket.got;
  t.equal(
    String(got),
    'MESSAGE=refused aim\nPRIORITY=4\nSYSLOG_IDENTIFIER=locksmith\nLOCKSMITH_CODE=lock-mismatch\nLOCKSMITH_VERSION=3\n',
  );
  const long = Buffer.from(journalEntry('error', 'two\nlines', {}));
  t.equal(
    long.subarray(0, 26).toString('latin1'),
    'MESSAGE\n\u0009\0\0\0\0\0\0\0two\nlines\n',
    'no value can forge a field',
  );
  t.match(long.toString('latin1'), /PRIORITY=3\n/);
});

t.test('a daemon without a network is ready, is alive, says how things stand, and says that it stops', async (t) => {
  const device = loneDevice(t);
  const path = join(workDir(t), 'notify');
  const socket = await openDatagrams(t, path);
  const env = { NOTIFY_SOCKET: path, WATCHDOG_USEC: '30000000' };
  const program = start(['run', '--settings', device.settings], { env });
  t.teardown(() => program.stop('SIGKILL'));
  await socket.has('READY=1');
  t.equal(
    await socket.has('STATUS=nobody listens'),
    'STATUS=nobody listens at that host and port; all locks COLD',
    'useful in systemctl status',
  );
  await socket.has('WATCHDOG=1');
  t.equal((await program.stop()).code, 0);
  t.same(socket.got.slice(-2).map(String), ['STOPPING=1', 'STATUS=stopping: SIGTERM']);
});
