import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import t from 'tap';
import { hostSensors } from '../../agent/host/sensors.ts';

/** Faults of the memory of children that have ended: grows with every process that was started. Source: proc(5), cminflt. */
function childFaults(): number {
  return Number(readFileSync('/proc/self/stat', 'utf8').split(') ')[1]?.split(' ')[8]);
}

t.test('this machine, and no process started for it', async (t) => {
  const sensors = hostSensors('/');
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
        net: {
          lo: { operstate: 'unknown\n', statistics: { rx_bytes: '5\n', tx_bytes: '5\n' } },
          wlan0: {
            operstate: 'up\n',
            statistics: { rx_bytes: '1000\n', tx_bytes: '2000\n', rx_errors: '3\n', tx_errors: '1\n' },
          },
          usb0: { operstate: 'down\n', statistics: { rx_bytes: '0\n', tx_bytes: '0\n' } },
        },
      },
    },
    proc: {
      net: {
        wireless:
          'Inter-| sta-|   Quality        |   Discarded\n face | tus | link level noise |  nwid\n wlan0: 0000   60.  -52.  -256        0\n',
      },
    },
  });
  const reading = await hostSensors('/', { sys: `${dir}/sys`, proc: `${dir}/proc` }).read();
  t.same(reading.temperature_c, { 'cpu-thermal': 48.3, 'nvme Composite': 41.9 }, 'an unconnected one is left out');
  t.same(reading.battery, { bq27441: { percent: 87, volts: 15.81, status: 'Discharging' } });
  t.same(reading.network, {
    wlan0: { up: true, received_bytes: 1000, sent_bytes: 2000, errors: 4, signal_dbm: -52 },
  });
});

t.test('what is not there is absent, never zero', async (t) => {
  const dir = t.testdir({});
  const reading = await hostSensors(`${dir}/nowhere`, { sys: `${dir}/sys`, proc: `${dir}/proc` }).read();
  for (const key of ['disk', 'temperature_c', 'battery', 'network']) t.notOk(key in reading, key);
});
