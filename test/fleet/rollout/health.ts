import t from 'tap';
import { addPulse, NO_PULSES, type Pulse, readPulse, whyWorse } from '../../../agent/fleet/rollout/health.ts';

const beat = (changes: Partial<Pulse> = {}): Pulse => ({
  ...{ atMs: 1000, isDated: true, boot: 'one', seq: 5, uptimeS: 3600, reconnects: 0, vehicle: null, ...changes },
});
const vehicle = (heard: boolean, hasFix: boolean) => ({ heard, hasFix, reason: 'silent' });

t.test('a heartbeat is read for what a change can spoil', async (t) => {
  const at = '2026-01-01T00:00:00.000Z';
  const fields = {
    at,
    clock: 'ok',
    boot: 'b',
    seq: 3,
    uptime_s: 90,
    link: { reconnects: 2 },
    vehicle: { safety: 'safe', fix: '3d', reason: 'r' },
  };
  t.same(readPulse(fields), {
    ...{ atMs: Date.parse(at), isDated: true, boot: 'b', seq: 3, uptimeS: 90, reconnects: 2 },
    vehicle: { heard: true, hasFix: true, reason: 'r' },
  });
  t.match(readPulse({ at, seq: 1, uptime_s: 1, vehicle: { safety: 'unknown', fix: null } }), {
    ...{ isDated: false, boot: '', reconnects: 0, vehicle: { heard: false, hasFix: false } },
  });
  t.equal(readPulse({ at, seq: 1, uptime_s: 1 })?.vehicle, null);
  for (const bad of [{}, { at: 'x', seq: 1, uptime_s: 1 }, { at, uptime_s: 1 }, { at, seq: 1 }])
    t.equal(readPulse(bad), null);
});

t.test('before and after; what was kept without a link comes late and counts for nothing', async (t) => {
  const before = addPulse(NO_PULSES, beat(), false, 1);
  t.equal(before.heardMs, 1);
  const later = addPulse(before, beat({ atMs: 2000, seq: 6, uptimeS: 3601 }), true, 2);
  t.match(later, { before: { seq: 5 }, after: { seq: 6 }, restarts: 0, heardMs: 2 });
  t.equal(addPulse(later, beat({ atMs: 1500, seq: 1, uptimeS: 1 }), true, 3), later, 'older than the last one');
  const again = addPulse(later, beat({ atMs: 3000, seq: 1, uptimeS: 2 }), true, 3);
  t.match(again, { before: { seq: 5 }, after: { seq: 1 }, restarts: 1 });
  t.match(addPulse(again, beat({ atMs: 4000, seq: 2, uptimeS: 3 }), true, 4), { restarts: 1 });
  const kept = beat({ atMs: 2500, seq: 7, uptimeS: 3602 });
  t.equal(addPulse(again, kept, true, 4), again, 'kept by the agent that ran before, in the same boot');
});

t.test('a reboot is a restart, whatever the clock says that it comes up with', async (t) => {
  const before = addPulse(NO_PULSES, beat(), false, 1);
  const untrusted = beat({ boot: 'two', atMs: 10, isDated: false, seq: 1, uptimeS: 2 });
  const rebooted = addPulse(before, untrusted, true, 2);
  t.match(rebooted, { before: { boot: 'one' }, after: { boot: 'two' }, restarts: 1, heardMs: 2 });
  t.equal(addPulse(rebooted, beat({ atMs: 900, seq: 4 }), true, 3), rebooted, 'kept since the boot before');
  const synced = addPulse(rebooted, beat({ boot: 'two', atMs: 5000, seq: 2, uptimeS: 32 }), true, 3);
  t.match(synced, { restarts: 1, after: { seq: 2 } });
  const back = addPulse(synced, beat({ boot: 'two', atMs: 4000, seq: 3, uptimeS: 62 }), true, 30_003);
  t.match(back, { restarts: 1, after: { seq: 3 }, heardMs: 30_003 }, 'the clock was set back, the agent runs on');
  const third = addPulse(back, beat({ boot: 'three', atMs: 20, isDated: false, seq: 9, uptimeS: 9999 }), true, 30_004);
  t.match(third, { restarts: 2 }, 'however long it has been up');
  const dated = addPulse(NO_PULSES, beat(), true, 1);
  t.equal(addPulse(dated, beat({ boot: 'none', atMs: 900 }), true, 2), dated, 'two trusted clocks: an older boot');
});

t.test('nothing is known of before: when it started says whether that was since the change', async (t) => {
  const since = (
    uptimeS: number,
    changes: Partial<Pulse> = {},
    how: { ranMs?: number | null; changedS?: number } = {},
  ) =>
    whyWorse(addPulse(NO_PULSES, beat({ atMs: 1_000_000, uptimeS, ...changes }), true, 1), {
      ...{ changedS: 900, nowS: 1005, ranMs: 920_000, watchedS: 70, ...how },
    });
  t.match(since(50), /restarted once/);
  t.equal(since(100), null, 'before the change');
  t.equal(since(75), null, 'times are rounded');
  t.equal(since(50, { isDated: false }), null, 'nobody can tell');
  t.equal(since(50, {}, { ranMs: null }), null, 'it does not say since when it runs it');
  t.equal(since(50, {}, { ranMs: 960_000 }), null, 'it was off, and has started before it was changed');
  t.equal(since(9, {}), null, 'somebody has turned it off and on long after');
  t.equal(since(50, {}, { ranMs: 880_000, changedS: 940 }), null, 'its clock was wrong when it was changed');
});

t.test('who was away when it was changed has to start to be back, and is held against nothing', async (t) => {
  const before = addPulse(NO_PULSES, beat({ atMs: 900_000, vehicle: vehicle(true, true) }), false, 1);
  const at = { changedS: 940, nowS: 1000, ranMs: 960_000, watchedS: 70 };
  const back = beat({ atMs: 990_000, boot: 'two', seq: 1, uptimeS: 5, vehicle: vehicle(true, false) });
  for (const pulses of [before, NO_PULSES])
    t.equal(whyWorse(addPulse({ ...pulses, wasAway: true }, back, true, 2), at), null);
  const first = addPulse({ ...before, wasAway: true }, back, true, 2);
  const again = addPulse(first, beat({ atMs: 995_000, boot: 'three', seq: 1, uptimeS: 1 }), true, 3);
  t.match(whyWorse(again, at), /restarted once/, 'and then once more');
});

t.test('worse than before', async (t) => {
  const table: readonly (readonly [string, Partial<Pulse> | null, Partial<Pulse> | null, number, RegExp | null])[] = [
    ['nothing heard since', {}, null, 0, null],
    ['as before', {}, {}, 0, null],
    ['a restart after an hour without one', {}, {}, 1, /restarted once/],
    ['a restart, and nothing is known of before', null, {}, 1, /restarted once/],
    ['a restart of what had been up for 20 s only', { uptimeS: 20 }, {}, 1, null],
    ['more of them than before', { uptimeS: 20 }, {}, 4, /restarted 4 times/],
    ['one link lost may be the broker', {}, { reconnects: 1 }, 0, null],
    ['two are not', {}, { reconnects: 2 }, 0, /link was lost 2 times/],
    ['as often as before', { uptimeS: 60, reconnects: 5 }, { reconnects: 10 }, 0, null],
    [
      'the vehicle falls silent',
      { vehicle: vehicle(true, true) },
      { vehicle: vehicle(false, false) },
      0,
      /not heard.*silent/,
    ],
    ['it was silent before', { vehicle: vehicle(false, false) }, { vehicle: vehicle(false, false) }, 0, null],
    ['it loses its fix', { vehicle: vehicle(true, true) }, { vehicle: vehicle(true, false) }, 0, /lost its fix/],
  ];
  for (const [name, before, after, restarts, expected] of table) {
    const why = whyWorse(
      {
        ...{ ...NO_PULSES, before: before === null ? null : beat(before), restarts },
        after: after === null ? null : beat(after),
      },
      { changedS: 940, nowS: 1000, ranMs: 945_000, watchedS: 70 },
    );
    if (expected === null) t.equal(why, null, name);
    else t.match(why, expected, name);
  }
});
