import t from 'tap';
import type { VehicleState } from '../../agent/ports/vehicle.ts';
import type { Late } from '../../agent/update/fetches.ts';
import { createGates, isGated } from '../../agent/update/gates.ts';
import { Failure } from '../../agent/values/errors.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { COLD, fakeLocks, HOT, heldUpdate, SIGNED_S } from '../fixtures/update.ts';

const SETTINGS = { files: [], on_hot: 'wait', on_drift: 'report', generations: 10, writers: [] } as const;
const NIGHT = { cron: '0 2 * * *', minutes: 60, tz: 'UTC' };
const place = { config: 'aim', file: 'aim.conf', settings: { ...SETTINGS, files: [], writers: [] } };
const applied = heldUpdate({ ended: 'applied' });

function bench() {
  const locks = fakeLocks();
  const world: { vehicle: VehicleState; halted: string | null; late: Late | null } = {
    vehicle: { safety: 'safe', reason: 'landed' },
    halted: null,
    late: null,
  };
  const gates = createGates({
    ...{ locks, clock: manualClock(), hasVehicle: true },
    vehicle: { state: () => world.vehicle, onChange: () => () => {} },
    halted: () => world.halted,
    time: () => ({ nowS: SIGNED_S, clock: 'ok', poweredS: 0 }),
    lockWords: () => 'held by 42',
    fetches: { late: () => world.late },
  });
  return { gates, locks, world };
}

t.test('who is gated by the vehicle: the settings say, a document adds', async (t) => {
  const asks = heldUpdate({ when: { vehicle: 'safe' } });
  t.equal(isGated({ ...place.settings }, null, true), true);
  t.equal(isGated({ ...place.settings }, null, false), false);
  t.equal(isGated({ ...place.settings, vehicle: 'any' }, heldUpdate(), true), false);
  t.equal(isGated({ ...place.settings, vehicle: 'any' }, asks, true), true);
  t.equal(isGated({ ...place.settings, vehicle: 'safe' }, heldUpdate(), false), true);
  t.equal(isGated({ ...place.settings }, asks, false), true);
});

t.test('a window, a halt: for what is new; a return passes them, but neither lock nor vehicle', async (t) => {
  const { gates, locks, world } = bench();
  const timed = { ...place, settings: { ...place.settings, window: NIGHT } };
  world.halted = 'halted by ops';
  t.match(gates.look(timed, heldUpdate()), { unmet: [{ gate: 'halt' }, { gate: 'window' }] });
  t.match(gates.look(timed, heldUpdate({ covered: true })), { unmet: [{ gate: 'halt' }] }, 'uncovered');
  for (const back of [null, applied]) t.same(gates.look(timed, back), { kind: 'admitted' });
  world.vehicle = { safety: 'unsafe', reason: 'armed' };
  locks.hot = true;
  for (const back of [null, applied]) {
    t.match(gates.look(timed, back), { unmet: [{ gate: 'lock' }, { gate: 'vehicle' }] });
    t.equal(gates.stillOpen(timed, back), false);
  }
  world.vehicle = { safety: 'safe', reason: 'landed' };
  t.equal(gates.stillOpen(timed, null), true, 'the lock is not asked by who has it');
  t.equal(gates.stillOpen(timed, heldUpdate()), false);
});

t.test('the windows of settings and document must both be open', async (t) => {
  const { gates } = bench();
  const midnight = { cron: '0 0 * * *', minutes: 60, tz: 'UTC' };
  const at = (settings: object, when: object | null) =>
    gates.look({ ...place, settings: { ...place.settings, ...settings } }, heldUpdate({ when })).kind;
  t.equal(at({ window: midnight }, { window: midnight }), 'admitted');
  t.equal(at({ window: midnight }, { window: NIGHT }), 'waits');
  t.equal(at({ window: NIGHT }, { window: midnight }), 'waits');
  t.equal(at({}, { window: NIGHT }), 'waits');
});

t.test('on_hot: refuse is for what is new', async (t) => {
  const { gates } = bench();
  const strict = { ...place, settings: { ...place.settings, on_hot: 'refuse' as const } };
  t.match(gates.look(strict, heldUpdate(), HOT), { kind: 'refusal', final: true });
  t.match(gates.look(strict, applied, HOT), { kind: 'waits' });
});

t.test('a disk in trouble is a gate until it is not, and may keep the lock from being asked', async (t) => {
  const { gates, locks } = bench();
  gates.disk('aim', { code: 'disk-full', reason: 'no space' });
  t.match(gates.look(place, null), { unmet: [{ gate: 'disk', code: 'disk-full' }] });
  t.match(gates.look(place, null, HOT), { unmet: [{ gate: 'lock' }, { gate: 'disk' }] });
  locks.reach = () => {
    throw new Failure('disk-full', 'lock.record', '/x', 'no space', { retry: true });
  };
  t.match(gates.look(place, null), { unmet: [{ gate: 'disk' }] });
  gates.disk('aim', null);
  t.throws(() => gates.look(place, null), { code: 'disk-full' });
  t.same(gates.look(place, null, COLD), { kind: 'admitted' });
});

t.test('what is not fetched yet: on its way, or why it is not', async (t) => {
  const { gates, world } = bench();
  const held = heldUpdate();
  const file = { name: 'map.bin', url: 'https://host/map.bin', digest: 'sha256:d', size: 3 };
  world.late = { file, failure: null };
  const reason = 'map.bin is being fetched from https://host/map.bin';
  t.match(gates.look(place, held), { kind: 'waits', unmet: [{ gate: 'download', code: null, reason }] });
  const failure = new Failure('download-failed', 'fetch', file.url, `${file.url}: silent`, { retry: true });
  world.late = { file, failure };
  const unmet = [{ gate: 'download', code: 'download-failed', reason: failure.message }];
  t.match(gates.look(place, held), { kind: 'waits', unmet });
});
