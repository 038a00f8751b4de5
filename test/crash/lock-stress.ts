import { join } from 'node:path';
import t from 'tap';
import { bundle } from '../fixtures/bundle.ts';
import { makeRoom } from '../fixtures/lock-room.ts';
import { judge, readSections, stress } from '../fixtures/lock-stress.ts';
import { openProof } from '../fixtures/proof.ts';

// Several processes take one lock, are killed from outside every 150 ms and by themselves at every step, and are never inside together.

const LIMIT_MS = 2 * 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
const entry = join(import.meta.dirname, '..', 'fixtures', 'lock-worker.ts');
const plan = {
  workers: 5,
  sectionMs: 5,
  killEveryMs: 150,
  patienceMs: proof.rounds(180_000, LIMIT_MS / 4),
  unit: proof.unit,
};

t.test('the judge finds an overlap and a falling token, and only those', async (t) => {
  const log = (lines: readonly string[]) => judge(readSections(lines.join('\n')));
  const clean = ['enter 1 1 10', 'inside 1 1 15', 'leave 1 1 20', 'enter 2 2 20', 'inside 2 2 30', 'enter 3 3 31'];
  t.strictSame(log(clean), { overlaps: [], falls: [] });
  t.equal(log(['enter 1 1 10', 'enter 2 2 15', 'inside 1 1 16']).overlaps.length, 1);
  t.equal(log(['enter 1 1 10', 'leave 1 1 12', 'enter 2 1 15', 'enter 3 2 20']).falls.length, 1);
  t.equal(log(['enter 1 5 10', 'leave 1 5 90', 'enter 2 6 20', 'leave 2 6 30', 'enter 3 7 40']).overlaps.length, 2);
});

t.test('no overlap, no token falling, nothing HOT at the end', async (t) => {
  const program = await bundle(entry);
  const sections = proof.rounds(120, 2000);
  const result = await stress({ ...plan, kind: 'locksmith', program, sections, killBelowStep: 2000 }, async (dir) => {
    const { room, paths } = makeRoom(t, { dir, files: ['../aim.conf'] });
    const before = await room.lock('aim').settle();
    t.match(before, { state: 'COLD' }, `COLD after one settle: ${JSON.stringify(before)} ${paths.dir}`);
  });
  t.ok(result.sections >= sections, `${result.sections} sections`);
  t.ok(result.kills > 10, `${result.kills} kills`);
  t.strictSame(result.overlaps, []);
  t.strictSame(result.falls, []);
  t.equal(result.errors, '');
  proof.figure('sections', result.sections, 'sections');
  proof.figure('kills', result.kills, 'kills');
  proof.figure('overlaps', result.overlaps.length, '1');
});

t.test('the same harness finds overlaps of a lock that asks whether a pid is dead', async (t) => {
  const program = await bundle(entry);
  const result = await stress({ ...plan, kind: 'naive', program, sections: proof.rounds(400, 2000), killBelowStep: 0 });
  t.ok(result.overlaps.length > 0, `${result.overlaps.length} overlaps in ${result.sections} sections`);
  proof.figure('naive-overlaps', result.overlaps.length, '1');
});
