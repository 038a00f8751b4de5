import { execFileSync, spawn } from 'node:child_process';
import { closeSync, constants, openSync, rmSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import t from 'tap';
import { hostDevices } from '../../agent/host/devices.ts';

const zone = (type: string, temp: string) => ({ type: `${type}\n`, temp: `${temp}\n` });

t.test('thermometers and batteries by their names; what is not there is absent', async (t) => {
  const dir = t.testdir({
    class: {
      thermal: { thermal_zone0: zone('cpu-thermal', '48312') },
      hwmon: {
        hwmon0: { name: 'nvme\n', temp1_input: '41850\n', temp1_label: 'Composite\n', temp2_input: '-273150\n' },
      },
      power_supply: {
        AC: { type: 'Mains\n' },
        bq27441: { type: 'Battery\n', capacity: '87\n', voltage_now: '15812345\n', status: 'Discharging\n' },
      },
    },
  });
  const devices = hostDevices(dir);
  const known = {
    temperature_c: { 'cpu-thermal': 48.3, 'nvme Composite': 41.9 },
    battery: { bq27441: { percent: 87, volts: 15.81, status: 'Discharging' } },
  };
  t.same(await devices.read(), known);
  t.same(await devices.read(), known);
  writeFileSync(`${dir}/class/thermal/thermal_zone0/temp`, '50000\n');
  rmSync(`${dir}/class/power_supply/bq27441`, { recursive: true });
  t.same(await devices.read(), { temperature_c: { 'cpu-thermal': 50, 'nvme Composite': 41.9 } });
  t.same(await hostDevices(`${dir}/nowhere`).read(), {});
});

t.test('eight at most, those first that measure something', async (t) => {
  const zones = Array.from({ length: 40 }, (_, n) => [
    `thermal_zone${n + 10}`,
    zone(`z${n}`, n < 4 ? '-273150' : '20000'),
  ]);
  const found = await hostDevices(t.testdir({ class: { thermal: Object.fromEntries(zones) } })).read();
  t.same(Object.keys(found.temperature_c ?? {}), ['z4', 'z5', 'z6', 'z7', 'z8', 'z9', 'z10', 'z11']);
});

/** A file whose reader waits until somebody writes into it, as for a sensor on a bus that hangs. */
function hanging(path: string) {
  unlinkSync(path);
  execFileSync('mkfifo', [path]);
  return {
    answer(value: string) {
      const fd = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
      writeSync(fd, value);
      closeSync(fd);
    },
  };
}

t.test(
  'sensors that hang: the loop goes on, they are absent, the others are told, and they are not asked again',
  async (t) => {
    const dir = t.testdir({
      class: {
        thermal: {
          thermal_zone0: zone('cpu', '48000'),
          thermal_zone1: zone('w1', '0'),
          thermal_zone2: zone('w2', '0'),
        },
      },
    });
    const devices = hostDevices(dir);
    const [one, two] = [1, 2].map((n) => hanging(`${dir}/class/thermal/thermal_zone${n}/temp`));
    const turns = { count: 0 };
    const turning = setInterval(() => {
      turns.count += 1;
    }, 10);
    t.teardown(() => clearInterval(turning));
    const startMs = performance.now();
    t.same(await devices.read(), { temperature_c: { cpu: 48 } });
    t.ok(performance.now() - startMs < 2_000, 'within the two seconds that a heartbeat waits');
    t.ok(turns.count > 20, `${turns.count} turns of the loop meanwhile`);
    t.same(devices.read(), { temperature_c: { cpu: 48 } }, 'at once: those that owe an answer are left alone');
    one?.answer('21000\n');
    two?.answer('22000\n');
    writeFileSync(`${dir}/class/thermal/thermal_zone0/temp`, '49000\n');

    for (const n of [1, 2]) {
      unlinkSync(`${dir}/class/thermal/thermal_zone${n}/temp`);
      writeFileSync(`${dir}/class/thermal/thermal_zone${n}/temp`, `2${n}000\n`);
    }
    let last = await devices.read();
    while (Object.keys(last.temperature_c ?? {}).length < 3) {
      await new Promise(setImmediate);
      last = await devices.read();
    }
    t.same(last, { temperature_c: { cpu: 49, w1: 21, w2: 22 } }, 'once they have answered they are asked again');
  },
);

t.test('on a bus that was quick and hangs now the loop waits for one value alone', async (t) => {
  const names = ['thermal_zone0', 'thermal_zone1'];
  const dir = t.testdir({ class: { thermal: Object.fromEntries(names.map((name) => [name, zone(name, '20000')])) } });
  const devices = hostDevices(dir);
  let known: unknown = await devices.read();
  while (known instanceof Promise) {
    await known;
    known = devices.read();
  }
  const paths = names.map((name) => `${dir}/class/thermal/${name}/temp`);
  const slow = paths.map(hanging);
  // The loop cannot answer itself.
  spawn('sh', ['-c', 'for path; do sleep 0.1; echo 21000 > "$path"; done', 'sh', ...paths], { stdio: 'ignore' });
  const first = devices.read();
  t.ok(first instanceof Promise, 'a thread asks for the other one');
  t.same(await first, { temperature_c: { thermal_zone0: 21, thermal_zone1: 21 } });
  const second = devices.read();
  // Answered only now: had the loop asked it would wait forever.
  setTimeout(() => {
    for (const { answer } of slow) answer('22000\n');
  }, 100);
  t.same(await second, { temperature_c: { thermal_zone0: 22, thermal_zone1: 22 } }, 'none is asked by the loop');
});

t.test('a slow sensor is asked by a thread for good, at each reading', async (t) => {
  const dir = t.testdir({ class: { thermal: { thermal_zone0: zone('w1', '0') } } });
  const path = `${dir}/class/thermal/thermal_zone0/temp`;
  const slow = hanging(path);
  const devices = hostDevices(dir);
  for (let n = 1; n <= 3; n += 1) {
    const found = devices.read();
    t.ok(found instanceof Promise, 'the loop does not wait');
    // Longer than it takes to be tried by the loop.
    setTimeout(() => slow.answer(`2${n}000\n`), 100);
    t.same(await found, { temperature_c: { w1: 20 + n } });
  }
});
