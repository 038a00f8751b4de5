import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { listenTo, vehicleOf } from '../../agent/hall/vehicle.ts';
import { hostChance, sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import type { Wire, WireEvents } from '../../agent/ports/vehicle.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { ourBytes, ourFrames } from '../fixtures/mavlink.ts';
import { settingsWith } from '../fixtures/settings.ts';

/** Builds the vehicle of these settings on wires that say which was asked for. */
function built(vehicle: object | undefined) {
  const clock = manualClock();
  const asked: string[] = [];
  const opened: WireEvents[] = [];
  const wire = (name: string): Wire => {
    asked.push(name);
    return {
      ...{ name, datagrams: true },
      open(events) {
        opened.push(events);
        events.opened();
        return () => {};
      },
    };
  };
  const made = vehicleOf(settingsWith({ vehicle }), {
    ...{ clock, chance: hostChance, sha256, files: hostFiles(), log: { say: () => {} } },
    wires: {
      udp: (host, port) => wire(`udp ${host} ${port}`),
      tcp: (host, port) => wire(`tcp ${host} ${port}`),
      serial: (path, baud) => wire(`serial ${path} ${baud}`),
      recording: () => Promise.reject(new Error('no file')),
    },
  });
  return { clock, asked, opened, made };
}

t.test('each way of the settings is the one that is opened', async (t) => {
  const mavlink = (more: object) => built({ mavlink: { system: 3, ...more } });
  t.same(mavlink({ listen: 'udp://0.0.0.0:14550' }).asked, ['udp 0.0.0.0 14550']);
  t.same(mavlink({ listen: 'udp://[::1]:14550' }).asked, ['udp ::1 14550']);
  t.same(mavlink({ connect: 'tcp://autopilot:5760' }).asked, ['tcp autopilot 5760']);
  t.same(mavlink({ serial: '/dev/ttyAMA0' }).asked, ['serial /dev/ttyAMA0 57600']);
  t.same(mavlink({ serial: '/dev/ttyAMA0', baud: 921_600 }).asked, ['serial /dev/ttyAMA0 921600']);
  const recorded = mavlink({ file: '/x.tlog', speed: 10 });
  t.same(recorded.asked, []);
  t.equal(recorded.made?.view().source, 'mavlink /x.tlog system 3');
  t.same(built({ gpsd: {} }).asked, ['tcp 127.0.0.1 2947']);
  t.match(built({ gpsd: {}, cannot_move: true }).made?.door.state(), { safety: 'safe' });
  t.equal(built(undefined).made, null);
});

t.test('the settings reach the gate and the requests', async (t) => {
  for (const [more, asks] of [
    [{}, true],
    [{ send: false }, false],
  ] as const) {
    const { clock, opened, made } = built({
      mavlink: { listen: 'udp://127.0.0.1:1', system: 3, ...more },
      disarmed_is_enough: true,
    });
    const stop = made?.start();
    const sent: Uint8Array[] = [];
    for (let second = 0; second <= 6; second += 1) {
      const beat = ourBytes('HEARTBEAT', { type: 10, autopilot: 3, system_status: 4 }, { system: 3 });
      opened[0]?.bytes(beat, (bytes) => void sent.push(bytes));
      clock.advance(1000);
    }
    t.same(made?.door.state(), { safety: 'safe', reason: 'disarmed' });
    t.equal(sent.length > 0, asks);
    if (asks) t.match(sent.flatMap((bytes) => ourFrames(bytes))[0], { system: 3, component: 191 });
    stop?.();
  }
});

t.test(
  'the gate opens within ten seconds of the landing, of a start anew, and of the first word, whenever that comes',
  async (t) => {
    const STEP_MS = 50;
    for (const story of ['lands', 'starts anew', 'is heard again'] as const) {
      for (let phaseMs = 0; phaseMs < 1_000; phaseMs += 250) {
        const { clock, opened, made } = built({ mavlink: { listen: 'udp://127.0.0.1:1', system: 3 } });
        const asked = new Set<number>();
        const say = (bytes: Uint8Array) =>
          opened[0]?.bytes(bytes, (command) => {
            for (const { payload } of ourFrames(command)) {
              asked.add(new DataView(payload.buffer, payload.byteOffset, payload.length).getFloat32(0, true));
              clock.after(STEP_MS, () => say(ourBytes('COMMAND_ACK', { command: 511, result: 0 }, { system: 3 })));
            }
          });
        const turns: number[] = [];
        made?.door.onChange(() => void (made.door.state().safety === 'safe' && turns.push(clock.bootMs())));
        const stop = made?.start();
        // On the ground from then on, and heard.
        const restMs = 60_000 + phaseMs;
        const rests = () => clock.bootMs() >= restMs;
        const mute = () => story === 'is heard again' && !rests();
        const bornMs = () => (story === 'starts anew' && rests() ? restMs - 2_000 : 0);
        for (let ms = STEP_MS; ms <= restMs + 12_000; ms += STEP_MS) {
          clock.advance(STEP_MS);
          const flies = !rests();
          // It says everything once a second, each at another time of it; its landing only if asked.
          if (mute() || ms % 1_000 > 150) continue;
          if (ms % 1_000 === 50)
            say(
              ourBytes(
                'HEARTBEAT',
                { type: 1, autopilot: 3, system_status: flies ? 4 : 3, base_mode: flies ? 128 : 0 },
                { system: 3 },
              ),
            );
          if (ms % 1_000 === 100 && asked.has(245))
            say(ourBytes('EXTENDED_SYS_STATE', { landed_state: flies ? 2 : 1 }, { system: 3 }));
          if (ms % 1_000 === 150)
            say(ourBytes('GLOBAL_POSITION_INT', { time_boot_ms: ms - bornMs(), lat: 1, lon: 1 }, { system: 3 }));
        }
        const [first] = turns;
        const tookMs = (first ?? Number.POSITIVE_INFINITY) - restMs;
        t.ok(
          turns.length === 1 && tookMs >= 5_000 && tookMs <= 10_000,
          `${story}, ${phaseMs} ms into a second: ${tookMs} ms`,
        );
        stop?.();
      }
    }
  },
);

t.test('who leaves again listens until the vehicle is known, ten seconds at most', async (t) => {
  const settings = { mavlink: { listen: 'udp://127.0.0.1:1', system: 3 }, disarmed_is_enough: true };
  for (const [beat, afterS, safety] of [
    [null, 10, 'unknown'],
    [{ type: 10, autopilot: 3, system_status: 4 }, 5, 'safe'],
    [{ type: 10, autopilot: 3, system_status: 4, base_mode: 128 }, 0, 'unsafe'],
  ] as const) {
    const { clock, opened, made } = built(settings);
    if (made === null) throw new Error('no vehicle');
    const done = { is: false };
    const listening = listenTo(made, { clock }).then((stop) => {
      done.is = true;
      return stop;
    });
    for (let second = 0; second < Math.max(1, afterS); second += 1) {
      await new Promise(setImmediate);
      t.notOk(done.is, `${safety}: not before ${afterS} s`);
      if (beat !== null) opened[0]?.bytes(ourBytes('HEARTBEAT', beat, { system: 3 }), () => {});
      if (second < afterS) clock.advance(1000);
    }
    const stop = await listening;
    t.equal(made.door.state().safety, safety);
    stop();
  }
});

t.test('the key of message signing: 32 bytes or their hex digits, and nothing else', async (t) => {
  const dir = t.testdir();
  const withKey = (name: string, content: string | Uint8Array) => {
    writeFileSync(join(dir, name), content);
    return () => built({ mavlink: { listen: 'udp://127.0.0.1:1', system: 1, signing_key: join(dir, name) } });
  };
  withKey('bytes', new Uint8Array(32).fill(200))();
  withKey('hex', `${'ab'.repeat(32)}\n`)();
  t.throws(withKey('short', 'abcd'), { message: /short: expected 32 bytes, or 64 hex digits/, exit: 2 });
  const gone = { mavlink: { listen: 'udp://127.0.0.1:1', system: 1, signing_key: join(dir, 'gone') } };
  t.throws(() => built(gone), /gone: there is no such file \(vehicle\.mavlink\.signing_key\)/);
});
