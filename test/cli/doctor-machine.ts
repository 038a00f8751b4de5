import { execFileSync } from 'node:child_process';
import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lookAtClock, lookAtDisk, lookAtUnit } from '../../agent/cli/doctor-machine.ts';
import { readSettings } from '../../agent/settings.ts';
import { fakeSystemctl } from '../fixtures/fake-systemctl.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { withoutTmpfs } from '../fixtures/namespaces.ts';
import { calmStatus } from '../fixtures/status.ts';

t.test('the disk: room, kind and whether it takes anything', { skip: withoutTmpfs() }, async (t) => {
  const device = loneDevice(t);
  const settings = readSettings(device.settings);
  t.match(lookAtDisk(settings), [{ health: 'ok' }, { health: 'ok' }, { health: 'ok', words: / free$/ }]);

  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1M', 'none', device.state]);
  t.teardown(() => execFileSync('umount', [device.state]));
  t.match(lookAtDisk(settings)[0], { health: 'bad', words: /tmpfs on .*1024 KiB of 1 MiB free|1 MiB of 1 MiB free/ });
  execFileSync('mount', ['-o', 'remount,size=16M', device.state]);
  t.match(lookAtDisk(settings)[0], { health: 'warning', words: /16 MiB of 16 MiB free/, remedy: /Free some space/ });
  execFileSync('mount', ['-o', 'remount,ro', device.state]);
  t.match(lookAtDisk(settings)[0], { health: 'bad', words: /is read-only/, remedy: /read-write/ });

  rmSync(device.run, { recursive: true });
  rmSync(device.etc, { recursive: true });
  t.match(lookAtDisk(settings), [
    {},
    { health: 'warning', words: /does not exist/, remedy: /Start the agent/ },
    { health: 'bad', words: /missing|ENOENT/ },
  ]);
  mkdirSync(device.etc);
});

t.test('the clock', async (t) => {
  t.match(lookAtClock(calmStatus()), [{ health: 'ok', words: /^2026-11-22 03:12 UTC/ }]);
  const wrong = { trust: 'untrusted', now: '1970-01-01T00:00:09.000Z', floor: '2026-11-22T03:11:00.000Z' } as const;
  t.match(lookAtClock(calmStatus({ clock: wrong })), [
    {
      health: 'bad',
      words: /^1970-01-01 00:00 UTC is earlier than 2026-11-22 03:11 UTC/,
      remedy: /--reset-clock-floor/,
    },
  ]);
});

t.test('the unit, and what a sandbox takes away', async (t) => {
  const device = loneDevice(t);
  const settings = readSettings(device.settings);
  const before = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = before;
  });
  const systemctl = fakeSystemctl(t, []);
  process.env.PATH = systemctl.path;
  const nobody = calmStatus({ agent: { ...calmStatus().agent, pid: null } });
  const look = (facts: Readonly<Record<string, string>>) => {
    systemctl.shows({ LoadState: 'loaded', ActiveState: 'active', NRestarts: '0', UnitFileState: 'enabled', ...facts });
    return lookAtUnit(settings, nobody, []);
  };
  t.match(await lookAtUnit(settings, nobody, []), [{ health: 'ok', words: /no systemd here/ }]);
  t.match(await look({}), [{ health: 'ok', words: /is active/ }]);
  t.match(await look({ LoadState: 'not-found' }), [{ health: 'warning', words: /not-found/ }]);
  t.match(await look({ ActiveState: 'failed', Result: 'watchdog', NRestarts: '5' }), [
    { health: 'bad', words: /failed \(watchdog\), after 5 restarts/, remedy: /journalctl/ },
  ]);
  t.match(await look({ ActiveState: 'inactive', SubState: 'dead' }), [{ health: 'bad', remedy: /systemctl start/ }]);
  t.match(await look({ NRestarts: '2' }), [{ health: 'warning', words: /after 2 restarts/ }]);
  t.match(await look({ UnitFileState: 'disabled' }), [{}, { health: 'warning', remedy: /systemctl enable/ }]);
  t.match(await look({ ProtectSystem: 'strict', ReadWritePaths: '/x' }), [{}, { health: 'bad', words: device.etc }]);
  t.equal((await look({ ProtectSystem: 'strict', ReadWritePaths: `/x -${device.dir}` })).length, 1);
  systemctl.busSays('?');
  t.match(await look({ ProtectSystem: 'strict', ReadWritePaths: '[unprintable]' }), [
    {},
    { health: 'unknown', words: /does not say/, remedy: /systemctl cat/ },
  ]);
  systemctl.busSays(JSON.stringify({ type: 'as', data: [`-${device.etc}`, '/a b'] }));
  t.equal((await look({ ProtectSystem: 'strict', ReadWritePaths: '[unprintable] [unprintable]' })).length, 1);

  const [moved, link] = [join(device.dir, 'real'), join(device.etc, 'aim.conf')];
  mkdirSync(moved);
  renameSync(link, join(moved, 'aim.conf'));
  symlinkSync(join(moved, 'aim.conf'), link);
  t.equal((await look({ ProtectSystem: 'strict', ReadWritePaths: `-${moved}` })).length, 1, 'where a link leads');
  t.match(await look({ ProtectSystem: 'strict', ReadWritePaths: device.etc }), [{}, { health: 'bad', words: moved }]);

  await look({});
  const init = calmStatus({ agent: { ...calmStatus().agent, pid: 1 } });
  t.equal((await lookAtUnit(settings, init, ['ops-2'])).length, 1, 'the first process has every capability');
  const { spawn } = await import('node:child_process');
  const bare = spawn('setpriv', ['--bounding-set=-kill,-sys_ptrace', '--inh-caps=-all', 'sleep', '30']);
  t.teardown(() => bare.kill('SIGKILL'));
  await new Promise((resolve) => bare.once('spawn', resolve));
  const weak = calmStatus({ agent: { ...calmStatus().agent, pid: bare.pid ?? 0 } });
  if (process.getuid?.() === 0) {
    const lost = await (async () => {
      for (;;) {
        const remarks = await lookAtUnit(settings, weak, []);
        if (remarks.length > 1) return remarks.at(-1);
      }
    })();
    t.match(lost, { health: 'warning', words: /name the holder of a lock.*CAP_SYS_PTRACE/ });
    t.match(await lookAtUnit(settings, weak, ['ops-2']), [
      {},
      { health: 'warning', words: /^ops-2 may have .* ended from far away.*CAP_KILL/, remedy: /end-not-allowed/ },
      { words: /CAP_SYS_PTRACE/ },
    ]);
  }
});
