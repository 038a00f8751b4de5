import t from 'tap';
import { createGate, type Gate, isOfAutopilot } from '../../agent/vehicle/gate.ts';
import type { MavFrame } from '../../agent/vehicle/mavlink/frames.ts';
import { beat, landed } from '../fixtures/gate-flights.ts';
import { ourFrame } from '../fixtures/mavlink.ts';

const [ARDUPILOT, NONE] = [3, 8];
const RULES = { system: 1, disarmedIsEnough: false };

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

t.test('a burst that comes late is no new start; one soon after the first is', async (t) => {
  const gate = createGate(RULES);
  gate.take(booted(611_982), 2_431);
  gate.take(booted(610_541), 2_660);
  gate.take(booted(612_042), 2_670);
  t.equal(gate.restarts(), 0, 'as in a recorded flight');
  gate.take(booted(610_041), 2_671);
  t.equal(gate.restarts(), 1, 'more than two seconds back');
  const young = createGate(RULES);
  young.take(booted(300), 0);
  young.take(booted(1_500), 1_200);
  young.take(booted(100), 1_800);
  t.equal(young.restarts(), 0, 'it may be late');
  young.take(booted(310), 2_011);
  t.equal(young.restarts(), 1, 'but not when its clock has gone on');
  t.equal(young.state(7_010).reason, 'the autopilot started anew 4 s ago');
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
