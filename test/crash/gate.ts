import { join } from 'node:path';
import t from 'tap';
import { bundle, type Mutation } from '../fixtures/bundle.ts';
import { judge, noCounts, overLink } from '../fixtures/gate-flights.ts';
import { anyWeather, fly } from '../fixtures/gate-model.ts';
import { recordedFlight } from '../fixtures/gate-recorded.ts';
import { openProof } from '../fixtures/proof.ts';

// Flights over a bad link, with a ground station, gimbals and another vehicle on it: the gate never says `safe` where the rules, told the
// slow way off all that was heard, do not.

const proof = openProof(t);
t.setTimeout(proof.full ? 3_600_000 : 120_000);
const seed = () => proof.below(2 ** 31);
/** Longest that it may say safe once the vehicle is armed: a heartbeat that comes 1.5 s late counts for three seconds more. */
const LATE_MAX_MS = 1_500 + 3_000;

t.test('made-up flights: no wrong safe, and none withheld', async (t) => {
  const flights = proof.rounds(20, 3_000);
  const { wrong, held, ...found } = fly(seed(), flights);
  t.same({ wrong, held }, { wrong: 0, held: 0 }, JSON.stringify(found));
  t.ok(found.safe > found.looks / 10, 'it says safe often enough');
  t.ok(found.lateMs <= LATE_MAX_MS, `${found.lateMs} ms after arming at the latest it is over`);
  t.ok(found.naivelyWrong > found.heartbeats / 10, 'believing whoever spoke last is wrong time and again');
  proof.figure('flights', flights, '1');
  proof.figure('flown', Math.round(found.seconds / 3600), 'h');
  proof.figure('looks', found.looks, '1');
  proof.figure('looks-that-found-it-safe', found.safe, '1');
  proof.figure('wrong-safe', wrong, '1');
  proof.figure('safe-withheld', held, '1');
  proof.figure('flips', found.flips, '1');
  proof.figure('flips-an-hour', Math.round((found.flips * 3600) / found.seconds), '1/h');
  proof.figure('longest-safe-after-arming', found.lateMs, 'ms');
});

t.test('the recorded flight, lost, late and doubled: no wrong safe, and none withheld', async (t) => {
  const rounds = proof.rounds(1, 150);
  for (const [name, tellsGround, disarmedIsEnough] of [
    ['silent', false, false],
    ['landed', true, false],
    ['disarmed', false, true],
  ] as const) {
    const sent = await recordedFlight(tellsGround, proof.unit);
    const endMs = sent.messages.at(-1)?.sentMs ?? 0;
    const clear = noCounts();
    const fair = { lost: 0, late: 0, doubled: 0, lateMs: 0, silences: [] };
    const rules = { system: 1, disarmedIsEnough };
    judge(sent, overLink(sent, fair, proof.unit), rules, clear);
    t.match(clear, { wrong: 0, held: 0, ...(name === 'silent' ? { safe: 0 } : {}) }, JSON.stringify(clear));
    t.ok(name === 'silent' || clear.safe > 500, 'it says safe after it has landed');
    t.equal(clear.restarts, 0, 'a burst that comes 1.5 s late is no new start');
    const counts = noCounts();
    for (let round = 0; round < rounds; round += 1) {
      judge(sent, overLink(sent, anyWeather(proof.unit, endMs), proof.unit), rules, counts);
    }
    t.match(counts, { wrong: 0, held: 0 }, JSON.stringify(counts));
    t.ok(counts.lateMs <= LATE_MAX_MS, `${counts.lateMs} ms`);
    proof.figure(`recorded-${name}-flips`, clear.flips, '1');
    proof.figure(`recorded-${name}-wrong-safe`, clear.wrong + counts.wrong, '1');
    proof.figure(`recorded-${name}-looks`, clear.looks + counts.looks, '1');
  }
});

const GATE = 'agent/vehicle/gate.ts';
const FAULTS: Readonly<Record<string, readonly Mutation[]>> = {
  'believes everybody': [
    {
      file: GATE,
      from: 'if (system !== pinned || component !== AUTOPILOT.component) return false;',
      to: 'if (pinned < system - 255) return false;',
    },
    {
      file: GATE,
      from: 'return readField(payload, autopilot) !== AUTOPILOT.none && readField(payload, type) !== GROUND_STATION;',
      to: 'return true || autopilot === type;',
    },
  ],
  'believes a ground station with the number of the autopilot': [
    { file: GATE, from: ' && readField(payload, type) !== GROUND_STATION;', to: ';' },
  ],
  'waits for nothing': [{ file: GATE, from: 'if (heldMs >= STEADY_MS)', to: 'if (heldMs >= 0)' }],
  'trusts an old heartbeat': [{ file: GATE, from: 'if (silentMs > HEARTBEAT_MAX_MS)', to: 'if (silentMs > 4_000)' }],
  'trusts an old landed state': [{ file: GATE, from: 'landedMs <= LANDED_MAX_MS', to: 'landedMs <= 9_000' }],
  'does not see a break that nobody looked at': [
    { file: GATE, from: 'keepSince(nowMs);\n      const frameBootMs', to: 'const frameBootMs' },
  ],
  'does not see a restart': [{ file: GATE, from: 'lateMs <= LATE_MAX_MS', to: 'lateMs >= 0' }],
};

// All of them in full; two of them, other ones each time, in a sample.
const shown = Object.entries(FAULTS)
  .map((fault) => ({ fault, lot: proof.unit() }))
  .sort((a, b) => a.lot - b.lot)
  .slice(0, proof.rounds(2, 7));
for (const {
  fault: [name, faults],
} of shown) {
  t.test(`the same finds a gate that ${name}`, async (t) => {
    const program = await bundle(join(import.meta.dirname, '..', 'fixtures', 'gate-model.ts'), faults);
    const faulty: { readonly fly: typeof fly } = await import(program);
    let wrong = 0;
    let flights = 0;
    for (; wrong === 0 && flights < 200; flights += 5) wrong = faulty.fly(seed(), 5).wrong;
    t.ok(wrong > 0, `${wrong} times within ${flights} flights`);
  });
}
