import t from 'tap';
import type { VehicleState } from '../../agent/ports/vehicle.ts';
import type { Source } from '../../agent/vehicle/source.ts';
import { openVehicle } from '../../agent/vehicle/vehicle.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

function scene() {
  const clock = manualClock();
  const lines: string[] = [];
  const now: { state: (ms: number) => VehicleState; nextMs: number | null; heard: () => void; stopped: boolean } = {
    state: () => ({ safety: 'unknown', reason: 'no heartbeat' }),
    ...{ nextMs: null, heard: () => {}, stopped: false },
  };
  const source: Source = {
    name: 'a source',
    feed: {
      ...{ onSample: () => () => {}, onFlight: () => () => {}, correctionM: () => 1.5 },
      fix: () => ({ kind: '2d', satellites: null }),
      battery: () => null,
      seen: () => ({ messages: 3, bytes: 99, lastBootMs: 500 }),
    },
    start(heard) {
      now.heard = heard;
      return () => {
        now.stopped = true;
      };
    },
    state: (ms) => now.state(ms),
    nextMs: (ms) => (now.nextMs !== null && now.nextMs > ms ? now.nextMs : null),
    view: () => ({ wire: 'open', armed: false, mission_item: 4, refused: 2 }),
  };
  const vehicle = openVehicle(source, { clock, log: { say: (_level, line) => void lines.push(line) } });
  const changes: string[] = [];
  vehicle.door.onChange(() => void changes.push(vehicle.door.state().safety));
  return { clock, lines, now, vehicle, changes };
}

t.test('each change of safety is told once, and so it is said in the story', async (t) => {
  const { now, vehicle, changes, lines } = scene();
  const stop = vehicle.start();
  for (const [safety, reason] of [
    ['unknown', 'a'],
    ['unsafe', 'armed'],
    ['unsafe', 'in the air'],
    ['safe', 'c'],
  ] as const) {
    now.state = () => ({ safety, reason });
    now.heard();
    t.same(vehicle.door.state(), { safety, reason }, 'always as it is now');
  }
  t.same(changes, ['unsafe', 'safe']);
  t.same(lines, ['vehicle unsafe: armed', 'vehicle safe: c']);
  t.equal(vehicle.view().flips, 2);
  stop();
  t.equal(now.stopped, true);
});

t.test('what time alone changes is told when it changes', async (t) => {
  const { clock, now, vehicle, changes } = scene();
  now.nextMs = 5000;
  now.state = (ms) => (ms >= 5000 ? { safety: 'safe', reason: 'x' } : { safety: 'unknown', reason: 'y' });
  const stop = vehicle.start();
  clock.advance(4999);
  t.same(changes, []);
  clock.advance(1);
  t.same(changes, ['safe']);
  now.nextMs = 8001;
  now.state = (ms) => (ms >= 8001 ? { safety: 'unknown', reason: 'silent' } : { safety: 'safe', reason: 'x' });
  now.heard();
  stop();
  clock.advance(10_000);
  t.same(changes, ['safe'], 'but not after the end');
});

t.test('how it is shown', async (t) => {
  const { clock, vehicle } = scene();
  clock.advance(2700);
  t.same(vehicle.view(), {
    ...{ safety: 'unknown', reason: 'no heartbeat', since: '2026-01-01T00:00:00.000Z', flips: 0, source: 'a source' },
    ...{ wire: 'open', armed: false, mission_item: 4, refused: 2, fix: '2d', satellites: null },
    ...{ battery_percent: null, battery_v: null, correction_m: 1.5, last_message_age_s: 2, messages: 3, bytes: 99 },
  });
  t.equal(vehicle.feed.correctionM(), 1.5);
});
