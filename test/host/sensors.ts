import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostDevices } from '../../agent/host/devices.ts';
import { hostSensors } from '../../agent/host/sensors.ts';

/** Faults of the memory of children that have ended: grows with every process that was started. Source: proc(5), cminflt. */
function childFaults(): number {
  return Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[8]);
}

t.test('this machine, and no process started for it', async (t) => {
  const sensors = hostSensors('/', hostDevices());
  const before = childFaults();
  await sensors.read();
  for (let beat = 0; beat < 20; beat += 1) {
    const reading = await sensors.read();
    t.ok(reading.cores >= 1 && reading.load_1m >= 0);
    const { busy_percent = 0 } = reading;
    t.ok(busy_percent >= 0 && busy_percent <= 100);
    t.ok(reading.memory !== undefined && reading.memory.available_bytes < reading.memory.total_bytes);
    t.ok(reading.disk !== undefined && reading.disk.total_bytes >= reading.disk.available_bytes);
    t.ok(reading.agent_rss_bytes > 1_000_000);
    t.notOk('lo' in (reading.network ?? {}), 'loopback is nobody’s link');
  }
  t.equal(childFaults(), before, 'processes started: none');
  execFileSync('true');
  t.not(childFaults(), before, 'one process would have been seen');
});

t.test('a board with sensors', async (t) => {
  const dir = t.testdir({
    sys: {
      class: {
        thermal: { thermal_zone0: { type: 'cpu-thermal\n', temp: '48312\n' }, cooling_device0: { type: 'fan\n' } },
        hwmon: {
          hwmon0: { name: 'nvme\n', temp1_input: '41850\n', temp1_label: 'Composite\n', temp2_input: '-273150\n' },
          hwmon1: { name: 'cpu-thermal\n', temp1_input: '47000\n' },
        },
        power_supply: {
          AC: { type: 'Mains\n', online: '1\n' },
          bq27441: { type: 'Battery\n', capacity: '87\n', voltage_now: '15812345\n', status: 'Discharging\n' },
          dead: { type: 'Battery\n' },
        },
        net: { wlan0: { operstate: 'up\n' }, usb0: { operstate: 'down\n' } },
      },
    },
    proc: {
      meminfo: 'MemTotal:  100 kB\nMemAvailable:     3000 kB\n',
      net: {
        dev:
          'Inter-|   Receive                                                |  Transmit\n' +
          ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n' +
          '    lo:       5       1    0    0    0     0          0         0        5       1    0    0    0     0       0          0\n' +
          '  usb0:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n' +
          ' wlan0:    1000      10    3    9    9     9          9         9     2000      20    1    9    9     9       9          9\n',
        wireless:
          'Inter-| sta-|   Quality        |   Discarded\n face | tus | link level noise |  nwid\n wlan0: 0000   60.  -52.  -256        0\n',
      },
    },
  });
  const sensors = hostSensors('/', hostDevices(`${dir}/sys`), { sys: `${dir}/sys`, proc: `${dir}/proc` });
  const reading = await sensors.read();
  t.equal(reading.memory?.available_bytes, 3_072_000);
  t.same(reading.temperature_c, { 'cpu-thermal': 48.3, 'nvme Composite': 41.9 }, 'an unconnected one is left out');
  t.same(reading.battery, { bq27441: { percent: 87, volts: 15.81, status: 'Discharging' } });
  t.same(reading.network, {
    wlan0: { up: true, received_bytes: 1000, sent_bytes: 2000, errors: 4, signal_dbm: -52 },
  });
  // What stays open is read anew each time.
  const zone = `${dir}/sys/class/thermal/thermal_zone0/temp`;
  writeFileSync(zone, '50000\n');
  rmSync(`${dir}/sys/class/hwmon/hwmon0/temp1_input`);
  const next = await sensors.read();
  t.match(next.temperature_c, { 'cpu-thermal': 50 });
  rmSync(`${dir}/sys`, { recursive: true });
});

/** Paths below a directory that this process has open. */
function openBelow(dir: string): readonly string[] {
  const targets = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The one that read the list.
      return '';
    }
  });
  return targets.filter((target) => target.startsWith(`${dir}/`));
}

t.test('interfaces that come and go leave nothing open, and one that comes back is the new one', async (t) => {
  const dir = t.testdir({ sys: { class: { net: {} } }, proc: { net: {} } });
  const sensors = hostSensors('/', hostDevices(`${dir}/sys`), { sys: `${dir}/sys`, proc: `${dir}/proc` });
  const state = async (name: string, operstate: string) => {
    const place = `${dir}/sys/class/net/${name}`;
    mkdirSync(place);
    writeFileSync(`${place}/operstate`, `${operstate}\n`);
    writeFileSync(`${dir}/proc/net/dev`, ` ${name}: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n`);
    const { network } = await sensors.read();
    rmSync(place, { recursive: true });
    return network?.[name]?.up;
  };
  for (let n = 0; n < 20; n += 1) t.equal(await state(`veth${n}`, 'up'), true);
  t.same(
    openBelow(dir).filter((path) => path.includes('veth')),
    [],
  );
  t.equal(await state('wwan0', 'down'), false);
  t.equal(await state('wwan0', 'up'), true);
});

t.test('what is not there is absent, never zero', async (t) => {
  const dir = t.testdir({});
  const reading = await hostSensors(`${dir}/nowhere`, hostDevices(`${dir}/sys`), {
    sys: `${dir}/sys`,
    proc: `${dir}/proc`,
  }).read();
  for (const key of ['disk', 'temperature_c', 'battery', 'network']) t.notOk(key in reading, key);
});
