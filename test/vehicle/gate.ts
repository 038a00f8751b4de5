import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import t from 'tap';
import { createGate, type Gate, isOfAutopilot } from '../../agent/vehicle/gate.ts';
import type { MavFrame } from '../../agent/vehicle/mavlink/frames.ts';
import { MESSAGES, readField } from '../../agent/vehicle/mavlink/messages.ts';
import { createTlogReader } from '../../agent/vehicle/mavlink/recorded.ts';
import { FLIGHT, ourFrame, ourFrames } from '../fixtures/mavlink.ts';

const ARMED = 0x80;
const QUAD = 2;
const [ARDUPILOT, PX4, NONE] = [3, 12, 8];
const RULES = { system: 1, disarmedIsEnough: false };

interface Beat {
  readonly armed?: boolean;
  readonly status?: number;
  readonly autopilot?: number;
  readonly type?: number;
  readonly system?: number;
  readonly component?: number;
}

function beat({ armed = false, status = 3, autopilot = PX4, type = QUAD, system = 1, component = 1 }: Beat = {}) {
  const values = { base_mode: armed ? ARMED : 0, system_status: status, autopilot, type, mavlink_version: 3 };
  return ourFrame('HEARTBEAT', values, { system, component });
}

const landed = (state: number, system = 1, component = 1) =>
  ourFrame('EXTENDED_SYS_STATE', { landed_state: state }, { system, component });
const booted = (time_boot_ms: number) => ourFrame('ATTITUDE', { time_boot_ms });
const STATION = beat({ armed: true, autopilot: NONE, type: 6, status: 4, system: 255, component: 190 });
const GIMBAL = beat({ armed: true, autopilot: NONE, type: 26, status: 4, component: 154 });

/** Says the same once a second, from `fromS` up to `toS`. */
function keep(gate: Gate, fromS: number, toS: number, ...frames: readonly MavFrame[]): void {
  for (let second = fromS; second <= toS; second += 1) for (const frame of frames) gate.take(frame, second * 1000);
}

t.test('safe: disarmed, at rest and landed, for five seconds without a break', async (t) => {
  const gate = createGate(RULES);
  t.same(gate.state(0), { safety: 'unknown', reason: 'no heartbeat of system 1 yet' });
  keep(gate, 0, 4, beat(), landed(1));
  t.same(gate.state(4000), { safety: 'unknown', reason: 'disarmed and landed for 4 s only, safe after 5 s' });
  t.equal(gate.nextMs(4000), 5000);
  t.equal(gate.state(4999).safety, 'unknown');
  t.same(gate.state(5000), { safety: 'safe', reason: 'disarmed and landed' }, 'by time alone');
  keep(gate, 5, 60, beat(), landed(1));
  t.equal(gate.state(60_000).safety, 'safe');
});

const AGAINST: readonly (readonly [string, readonly MavFrame[], string, string])[] = [
  ['armed on the ground', [beat({ armed: true }), landed(1)], 'unsafe', 'armed'],
  ['armed in the air', [beat({ armed: true, status: 4 }), landed(2)], 'unsafe', 'armed, in the air'],
  ['in the air', [beat(), landed(2)], 'unsafe', 'in the air'],
  ['taking off', [beat(), landed(3)], 'unsafe', 'taking off'],
  ['landing', [beat(), landed(4)], 'unsafe', 'landing'],
  ['landed state undefined', [beat(), landed(0)], 'unknown', 'it does not know whether it has landed'],
  ['landed state unheard of', [beat(), landed(77)], 'unknown', 'it does not know whether it has landed'],
  ['landed state never said', [beat()], 'unknown', 'whether it has landed was never said'],
  ['no heartbeat', [landed(1)], 'unknown', 'no heartbeat of system 1 yet'],
  ...[
    'UNINIT',
    'BOOT',
    'CALIBRATING',
    '',
    'ACTIVE',
    'CRITICAL',
    'EMERGENCY',
    'POWEROFF',
    'FLIGHT_TERMINATION',
    '9',
  ].flatMap((word, status) =>
    word === '' ? [] : [[`status ${word}`, [beat({ status }), landed(1)], 'unsafe', `system status ${word}`] as const],
  ),
];

for (const [name, frames, safety, reason] of AGAINST) {
  t.test(`not safe: ${name}`, async (t) => {
    const gate = createGate(RULES);
    keep(gate, 0, 30, beat(), landed(1));
    t.equal(gate.state(30_000).safety, 'safe');
    const fresh = createGate(RULES);
    keep(fresh, 0, 30, ...frames);
    t.same(fresh.state(30_000), { safety, reason });
    if (frames.length < 2) return;
    keep(gate, 31, 31, ...frames);
    t.not(gate.state(31_000).safety, 'safe', 'also right after it was safe');
    keep(gate, 32, 36, beat(), landed(1));
    t.not(gate.state(36_999).safety, 'safe', 'and for five seconds afterwards');
    t.equal(gate.state(37_000).safety, 'safe');
  });
}

t.test(
  'silence: three seconds for the heartbeat, five for the landed state, and then it all begins again',
  async (t) => {
    const gate = createGate(RULES);
    keep(gate, 0, 20, beat(), landed(1));
    t.equal(gate.state(23_000).safety, 'safe');
    t.equal(gate.nextMs(20_000), 23_001);
    t.same(gate.state(23_001), { safety: 'unknown', reason: 'no heartbeat for 3 s' });
    t.equal(gate.armed(23_001), null);
    keep(gate, 24, 28, beat(), landed(1));
    t.equal(gate.state(28_900).safety, 'unknown', 'a break that nobody looked at is a break');
    t.equal(gate.state(29_000).safety, 'safe');
    keep(gate, 29, 33, beat());
    t.equal(gate.state(33_000).safety, 'safe');
    keep(gate, 34, 34, beat());
    t.same(gate.state(34_000), { safety: 'unknown', reason: 'whether it has landed was not said for 6 s' });
  },
);

t.test('an autopilot that starts anew is not believed for five seconds, and has to say all anew', async (t) => {
  const gate = createGate(RULES);
  for (let second = 0; second <= 20; second += 1) keep(gate, second, second, beat(), landed(1), booted(second * 1000));
  t.equal(gate.state(20_000).safety, 'safe');
  gate.take(booted(19_500), 20_100);
  t.equal(gate.state(20_100).safety, 'safe', 'messages may overtake each other');
  gate.take(booted(300), 20_200);
  t.same(gate.state(20_200), { safety: 'unknown', reason: 'the autopilot started anew 0 s ago' });
  t.equal(gate.restarts(), 1);
  t.equal(gate.nextMs(20_200), 25_200);
  t.equal(gate.state(25_200).reason, 'no heartbeat of system 1 yet', 'what it said before does not count');
  keep(gate, 21, 26, beat(), landed(1));
  t.equal(gate.state(25_999).safety, 'unknown');
  t.equal(gate.state(26_000).safety, 'safe');
});

t.test('ArduCopter: at rest means landed, where it never said so itself', async (t) => {
  for (const type of [2, 3, 4, 13, 14, 15, 29, 35]) {
    const gate = createGate(RULES);
    keep(gate, 0, 5, beat({ autopilot: ARDUPILOT, type }));
    t.equal(gate.state(5000).safety, 'safe', `type ${type}`);
  }
  for (const type of [1, 10, 11, 12, 20]) {
    const gate = createGate(RULES);
    keep(gate, 0, 9, beat({ autopilot: ARDUPILOT, type }));
    t.equal(gate.state(9000).safety, 'unknown', `planes, rovers, boats: type ${type}`);
  }
  const gate = createGate(RULES);
  keep(gate, 0, 5, beat({ autopilot: ARDUPILOT }), landed(2));
  keep(gate, 6, 20, beat({ autopilot: ARDUPILOT }));
  t.match(gate.state(20_000), { safety: 'unknown' }, 'once it says so, it has to go on saying so');
});

t.test('disarmed is enough, where the settings say so', async (t) => {
  const rover = { autopilot: ARDUPILOT, type: 10 };
  const made = (frames: readonly MavFrame[]) => {
    const gate = createGate({ system: 1, disarmedIsEnough: true });
    keep(gate, 0, 9, ...frames);
    return gate.state(9000);
  };
  t.same(made([beat({ ...rover, status: 4 })]), { safety: 'safe', reason: 'disarmed' });
  t.equal(made([beat(rover)]).safety, 'safe');
  t.equal(made([beat({ ...rover, armed: true })]).safety, 'unsafe');
  t.equal(made([beat({ ...rover, status: 5 })]).safety, 'unsafe', 'an emergency is none the less');
  t.equal(made([beat(rover), landed(2)]).safety, 'unsafe', 'and so is a flight');
});

t.test('nobody but the autopilot of this vehicle is believed', async (t) => {
  const others = [
    STATION,
    GIMBAL,
    beat({ system: 2 }),
    beat({ armed: true, system: 2 }),
    beat({ armed: true, component: 191 }),
    beat({ armed: true, autopilot: NONE }),
    beat({ armed: true, type: 6 }),
    landed(2, 2),
    landed(2, 1, 100),
  ];
  t.same(
    others.map((frame) => isOfAutopilot(frame, 1)),
    others.map(() => false),
  );
  const gate = createGate(RULES);
  keep(gate, 0, 9, beat(), landed(1), ...others);
  t.equal(gate.state(9000).safety, 'safe', 'their armed bits do not count');
  const alone = createGate(RULES);
  keep(alone, 0, 9, ...others, beat({ system: 2 }), landed(1, 2));
  t.equal(alone.state(9000).reason, 'no heartbeat of system 1 yet', 'and their rest neither');
  const mixed = createGate(RULES);
  keep(mixed, 0, 60, beat({ armed: true }), beat(), landed(1));
  t.not(mixed.state(60_000).safety, 'safe', 'two with one number, one of them armed');
});

/** One thing that was said. */
interface Said {
  readonly atMs: number;
  readonly what: string;
}

// One step of a made-up flight: a while of rest, or who says what how long after the one before.
const STEP = fc.oneof(
  { weight: 2, arbitrary: fc.record({ seconds: fc.integer({ min: 1, max: 9 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      // In tenths of a second, so that nothing falls on the very moment of a look.
      afterMs: fc.oneof(fc.nat(15), fc.integer({ min: 29, max: 80 })).map((tenths) => tenths * 100),
      what: fc.constantFrom(
        ...['rest', 'landed', 'armed', 'active', 'flying', 'undefined'],
        ...['station', 'gimbal', 'other', 'boot', 'reboot'],
      ),
    }),
  },
);

t.test('no wrong safe, whatever comes: against the rules told the slow way', async (t) => {
  const looks = { safe: 0, all: 0 };
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 40 }), (steps) => {
      const gate = createGate(RULES);
      const said: Said[] = [];
      // Long enough for a reboot at every step: what the autopilot says of its time is never below zero.
      const now = { ms: 0, lifeMs: 100_000_000 };
      const frames: Readonly<Record<string, () => MavFrame>> = {
        rest: () => beat(),
        landed: () => landed(1),
        armed: () => beat({ armed: true }),
        active: () => beat({ status: 4 }),
        flying: () => landed(2),
        undefined: () => landed(0),
        station: () => STATION,
        gimbal: () => GIMBAL,
        other: () => beat({ system: 9 }),
        boot: () => booted(now.lifeMs + now.ms),
        reboot: () => {
          now.lifeMs -= 500_000;
          return booted(now.lifeMs + now.ms);
        },
      };
      const say = (afterMs: number, what: string) => {
        now.ms += afterMs;
        const frame = frames[what]?.();
        if (frame !== undefined) gate.take(frame, now.ms);
        said.push({ atMs: now.ms, what });
      };
      return steps.every((step) => {
        if ('what' in step) say(step.afterMs, step.what);
        else for (let n = 0; n < step.seconds; n += 1) for (const what of ['rest', 'landed']) say(500, what);
        // A look ahead is as if nothing more came.
        return [1, 2501, 3001, 5001]
          .map((ms) => now.ms + ms)
          .every((atMs) => {
            const safe = gate.state(atMs).safety === 'safe';
            looks.all += 1;
            if (safe) looks.safe += 1;
            return safe === isSafeTheSlowWay(said, atMs);
          });
      });
    }),
    { numRuns: 150 },
  );
  t.ok(looks.safe > looks.all / 50, `${looks.safe} of ${looks.all} looks found it safe`);
});

/** The rules, read off everything that was said: was there no moment in the last five seconds at which anything was wrong? */
function isSafeTheSlowWay(said: readonly Said[], nowMs: number): boolean {
  const reboots = said.filter(({ what }, index) => what === 'reboot' && said.slice(0, index).some(hasBoot));
  if (reboots.some(({ atMs }) => nowMs - atMs < 5000)) return false;
  const fromMs = nowMs - 5000;
  // As it was when the five seconds began, right before and after each thing said since, and now.
  const turns = said.flatMap(({ atMs }, index) => (atMs > fromMs ? [{ index, atMs }] : []));
  const moments = [
    { known: said.filter(({ atMs }) => atMs <= fromMs), atMs: fromMs },
    ...turns.map(({ index, atMs }) => ({ known: said.slice(0, index), atMs })),
    ...turns.map(({ index, atMs }) => ({ known: said.slice(0, index + 1), atMs })),
    { known: said, atMs: nowMs },
  ];
  return moments.every(({ known, atMs }) => isRest(known, atMs));
}

function hasBoot({ what }: Said): boolean {
  return what === 'boot' || what === 'reboot';
}

/** With this known, is it disarmed, at rest and landed at that moment? */
function isRest(known: readonly Said[], atMs: number): boolean {
  const reboot = known.findLastIndex(({ what }, index) => what === 'reboot' && known.slice(0, index).some(hasBoot));
  const life = known.slice(reboot + 1);
  const heartbeat = life.findLast(({ what }) => ['rest', 'armed', 'active'].includes(what));
  const ground = life.findLast(({ what }) => ['landed', 'flying', 'undefined'].includes(what));
  if (heartbeat?.what !== 'rest' || ground?.what !== 'landed') return false;
  return atMs - heartbeat.atMs <= 3000 && atMs - ground.atMs <= 5000;
}

/** Plays the recorded flight (an ArduPlane) with others on its link; `tellsGround`: it also says whether it is in the air. */
function fly(rules: { readonly system: number; readonly disarmedIsEnough: boolean }, tellsGround: boolean) {
  const flight = createTlogReader().read(readFileSync(FLIGHT));
  const startUs = flight[0]?.timeUs ?? 0;
  const gate = createGate(rules);
  const counts = { safe: 0, wrong: 0, flips: 0, naivelyWrong: 0, heartbeats: 0 };
  const truth = { armedMs: -1e9, heartbeatMs: -1e9, armed: true };
  let known = gate.state(0).safety;
  let secondMs = 0;
  const take = (frame: MavFrame, nowMs: number) => {
    gate.take(frame, nowMs);
    if (frame.id === MESSAGES.HEARTBEAT.id) {
      const armed = (readField(frame.payload, MESSAGES.HEARTBEAT.fields.base_mode) & ARMED) !== 0;
      if (frame.system === 1 && frame.component === 1) Object.assign(truth, { armed, heartbeatMs: nowMs });
      counts.heartbeats += 1;
      if (armed !== truth.armed) counts.naivelyWrong += 1;
    }
    if (truth.armed) truth.armedMs = nowMs;
    const { safety } = gate.state(nowMs);
    if (safety !== known) counts.flips += 1;
    known = safety;
    if (safety !== 'safe') return;
    counts.safe += 1;
    if (nowMs - truth.armedMs < 5000 || nowMs - truth.heartbeatMs > 3000) counts.wrong += 1;
  };
  for (const { timeUs, raw } of flight) {
    const nowMs = (timeUs - startUs) / 1000;
    for (const frame of ourFrames(raw)) take(frame, nowMs);
    if (nowMs < secondMs) continue;
    secondMs = nowMs + 1000;
    const others = [STATION, GIMBAL, beat({ system: 42 }), landed(1, 42), beat({ armed: true, system: 42 })];
    for (const frame of [...others, ...(tellsGround ? [landed(truth.armed ? 2 : 1)] : [])]) take(frame, nowMs);
  }
  return { counts, end: gate.state(secondMs - 1000) };
}

t.test(
  'over a recorded flight, with a ground station, a gimbal and another vehicle on its link: no wrong safe',
  async (t) => {
    const silent = fly(RULES, false);
    t.match(silent, { counts: { safe: 0, wrong: 0 }, end: { reason: 'whether it has landed was never said' } });
    const whole = fly(RULES, true);
    t.match(whole, { counts: { wrong: 0 }, end: { safety: 'safe' } });
    const lax = fly({ system: 1, disarmedIsEnough: true }, false);
    t.match(lax, { counts: { wrong: 0 }, end: { safety: 'safe', reason: 'disarmed' } });
    for (const [name, { counts }] of Object.entries({ silent, whole, lax })) {
      t.comment(`${name}: ${JSON.stringify(counts)}`);
      t.ok(counts.naivelyWrong > counts.heartbeats / 10, 'believing whoever spoke last is wrong time and again');
    }
    t.ok(whole.counts.safe > 1000 && lax.counts.safe > 1000);
    t.same(
      [silent, whole, lax].map(({ counts }) => counts.flips),
      [12, 15, 15],
      'the recording has pauses of over three seconds',
    );
  },
);
