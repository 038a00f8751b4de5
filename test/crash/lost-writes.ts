import { join } from 'node:path';
import t from 'tap';
import { bundle, type Mutation } from '../fixtures/bundle.ts';
import { CONTENTS_ONLY, type Fate, KEPT, LOST, NAMES_ONLY } from '../fixtures/disk-model.ts';
import { nowS } from '../fixtures/documents.ts';
import { type LossScenario, lossBench } from '../fixtures/lost-writes.ts';
import { openProof } from '../fixtures/proof.ts';

// The power goes, and of what was not synced any part may be lost: in a model of the disk that is as forgetful as it may be.

const LIMIT_MS = 3 * 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
/** Cuts of each run, in a sample. */
const SAMPLE = 4;
/** Random fates of each cut, in full. */
const RANDOM_FATES = 8;
/** A recording with fewer different cuts than this has missed what the program did. */
const FEW = 20;
const MAIN = join(import.meta.dirname, '..', '..', 'agent', 'locksmith.ts');

const set = (n: number) => ({
  'aim.conf': `[aim]\nversion = ${n}\n${`hold = ${n}\n`.repeat(300)}`,
  'gimbal.conf': n % 2 === 0 ? null : `rate = ${n}\n`,
  'limits.conf': n === 0 ? null : `max = ${n}\n`,
});
const one = (n: number) => ({ 'aim.conf': `version = ${n}\n${`hold = ${n}\n`.repeat(300)}` });
const DAY_S = 86_400;

const THREE: LossScenario = {
  name: 'three files: one changed, one removed, one changed',
  ...{ found: set(0), before: [{ version: 1, files: set(1) }], does: { version: 2, files: set(2) } },
  ...{ old: set(1), next: set(2) },
};
const OTHERS: readonly [LossScenario, ...LossScenario[]] = [
  {
    name: 'one file, the first move on this device',
    ...{ found: one(0), before: [], does: { version: 1, files: one(1) }, old: one(0), next: one(1) },
  },
  {
    name: 'one file, over another version',
    ...{ found: one(0), before: [{ version: 1, files: one(1) }], does: { version: 2, files: one(2) } },
    ...{ old: one(1), next: one(2) },
  },
  {
    name: 'gone back by hand',
    ...{ found: set(0), before: [1, 2].map((version) => ({ version, files: set(version) })), does: 'back' },
    ...{ old: set(2), next: set(1) },
  },
  {
    name: 'a shadow is withdrawn',
    found: set(0),
    before: [
      { version: 1, files: set(1) },
      { version: 1, layer: 'shadow', files: set(2), payload: { until: nowS() + DAY_S } },
    ],
    does: { version: 2, layer: 'shadow', files: null },
    ...{ old: set(2), next: set(1) },
  },
];

const random = (): Fate => ({ keeps: () => proof.below(2) === 0, moment: (count) => proof.below(count) });

const counts = { operations: 0, cuts: 0 };

for (const scenario of proof.full ? [THREE, ...OTHERS] : [THREE, proof.pick(OTHERS)]) {
  t.test(`${scenario.name}: whatever is lost of what was not synced`, async (t) => {
    const bench = await lossBench(t, scenario);
    counts.operations += bench.ops;
    const fates = proof.full ? Array.from({ length: RANDOM_FATES }, random) : [random()];
    const all = bench.losses(() => [LOST, KEPT, NAMES_ONLY, CONTENTS_ONLY, ...fates]);
    const [first, ...others] = all;
    if (first === undefined) throw new Error('nothing to lose');
    const some = proof.full ? all : Array.from({ length: SAMPLE }, () => proof.pick([first, ...others]));
    for (const loss of some) {
      const problems = await bench.check(loss);
      counts.cuts += 1;
      if (problems.length > 0) t.same(problems, [], `cut off after ${loss.after}`);
    }
    t.ok(all.length > FEW, `${some.length} of ${all.length} different cuts of ${bench.ops} operations`);
  });
}

const FAULTS: readonly { readonly name: string; readonly finds: RegExp; readonly mutation: Mutation }[] = [
  {
    name: 'a staged file is not synced before it is renamed',
    finds: /neither old nor new|said to be done/,
    mutation: { file: 'agent/host/targets.ts', from: "await sync(fresh, 'all');", to: 'await Promise.resolve();' },
  },
  {
    name: 'a directory is not synced after a rename',
    finds: /said to be done/,
    mutation: { file: 'agent/host/targets.ts', from: "await sync(dirFd, 'all');", to: 'await Promise.resolve();' },
  },
];

for (const { name, finds, mutation } of FAULTS) {
  t.test(`it finds it if ${name}`, async (t) => {
    const careless = await bundle(MAIN, [mutation]);
    const bench = await lossBench(t, THREE, careless);
    let found = '';
    let cuts = 0;
    // From the end: there the most has been said.
    for (const loss of bench.losses(() => [LOST, NAMES_ONLY]).toReversed()) {
      cuts += 1;
      found = (await bench.check(loss)).find((problem) => finds.test(problem)) ?? '';
      if (found !== '') break;
    }
    t.not(found, '', `found in ${cuts} cuts`);
    t.comment(found);
  });
}

t.test('what was lost', async (t) => {
  t.ok(counts.cuts > 0);
  proof.figure('lost-writes-operations', counts.operations, 'operations');
  proof.figure('lost-writes-cuts', counts.cuts, 'cuts');
});
