import { join } from 'node:path';
import t, { type Test } from 'tap';
import { bundle } from '../fixtures/bundle.ts';
import { type Cut, canMount, ONE, powerBench, THREE } from '../fixtures/power.ts';
import { openProof } from '../fixtures/proof.ts';

// A real file system, the power of which goes in mid-apply: what was not synced is lost. Then recovery, then a look.

const LIMIT_MS = 2 * 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
const RANDOM_CUTS = proof.rounds(3, 40);
/** Cuts right before a step: all of them in full. */
const STEP_CUTS_SAMPLE = 3;
const LATER_MAX_MS = 6;
const FAULT_ROUNDS = 40;
const entry = join(import.meta.dirname, '..', 'fixtures', 'faulty-agent.ts');

const say = ({ moment, laterMs }: Cut) =>
  `${laterMs === null ? '' : `${laterMs.toFixed(1)} ms after `}${moment.op} ${moment.step} ${moment.nth}`;

/** Said once: a skip that nobody sees is none, and as root there is no excuse. */
function mayMount(t: Test): boolean {
  if (canMount()) return true;
  if (process.geteuid?.() === 0) t.fail('images cannot be mounted here, as root');
  else t.comment('not root: no file system of its own, so nothing was cut off');
  return false;
}

const counts = { random: 0, steps: 0, mixed: 0 };

for (const [name, files] of [
  ['three files', THREE],
  ['one file', ONE],
] as const) {
  t.test(
    `${name}: the power goes at any time, it is all old or all new, and what was said to be applied is`,
    async (t) => {
      if (!mayMount(t)) return;
      const program = await bundle(entry);
      const bench = await powerBench(t, program, files);
      const [first, ...others] = await bench.moments(program);
      if (first === undefined) throw new Error('no moments');
      const moments = [first, ...others] as const;
      const steps = proof.full ? moments : Array.from({ length: STEP_CUTS_SAMPLE }, () => proof.pick(moments));
      const cuts: readonly Cut[] = [
        ...steps.map((moment) => ({ moment, laterMs: null })),
        ...Array.from({ length: RANDOM_CUTS }, () => ({
          moment: proof.pick(moments),
          laterMs: proof.unit() * LATER_MAX_MS,
        })),
      ];
      const ends = { old: 0, new: 0, neither: 0 };
      let inTime = 0;
      for (const cut of cuts) {
        const end = await bench.cut(program, cut);
        ends[end.found] += 1;
        if (end.cut) counts[cut.laterMs === null ? 'steps' : 'random'] += 1;
        if (end.cut && cut.laterMs === null) inTime += 1;
        if (end.problems.length > 0) t.same(end.problems, [], say(cut));
      }
      counts.mixed += ends.neither;
      t.equal(ends.neither, 0, `${cuts.length} cuts of ${moments.length} steps: ${ends.old} old, ${ends.new} new`);
      // Some moments depend on how two things fall together in time, and do not come again.
      t.ok(inTime >= steps.length * 0.9, `${inTime} of ${steps.length} were cut off where they should be`);
    },
  );
}

t.test('it finds it if a staged file is not synced before it is renamed', async (t) => {
  if (!mayMount(t)) return;
  const program = await bundle(entry);
  const careless = await bundle(entry, [
    { file: 'agent/host/targets.ts', from: "await sync(fresh, 'all');", to: 'await Promise.resolve();' },
  ]);
  const bench = await powerBench(t, program, THREE);
  const after = (await bench.moments(careless)).filter(({ op }) => /^commit\.|^journal\.|^lock\./.test(op));
  let found = '';
  let rounds = 0;
  for (; found === '' && rounds < FAULT_ROUNDS; rounds += 1) {
    const moment = after[after.length - 1 - (rounds % after.length)];
    if (moment === undefined) break;
    const { problems } = await bench.cut(careless, { moment, laterMs: null });
    found = problems.find((problem) => /neither old nor new|said to be applied/.test(problem)) ?? '';
  }
  t.not(found, '', `found in ${rounds} cuts`);
  t.comment(found);
});

t.test('what was cut off', async (t) => {
  t.ok(!canMount() || counts.steps + counts.random > 0);
  proof.figure('random-cuts', counts.random, 'cuts');
  proof.figure('cuts-before-a-step', counts.steps, 'cuts');
  proof.figure('sets-found-mixed', counts.mixed, '1');
});
