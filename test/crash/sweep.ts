import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { OPS } from '../../agent/values/ops.ts';
import { bundle } from '../fixtures/bundle.ts';
import { type CrashKit, type CrashRun, crashRun, makeTemplate } from '../fixtures/crash-run.ts';
import { SCENARIOS, type Scenario } from '../fixtures/crash-scenarios.ts';
import type { Moment } from '../fixtures/faulty-agent.ts';
import { openFleetEar } from '../fixtures/fleet-ear.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { openOwner } from '../fixtures/owner.ts';
import { openProof } from '../fixtures/proof.ts';
import { startWeb } from '../fixtures/web-server.ts';

// SIGKILL at every single effect of every path, then a start without a hand, then a look at everything that must be so.

/** Effects that no run under a fault can pass, with the reason. */
const NEVER_PASSED: Readonly<Record<string, string>> = {
  'settings.read': 'read before there is an agent; nothing is written',
  'check.read': 'of the command check, which only reads',
  'vehicle.key': 'read before anything is written, and only with a vehicle whose messages are signed',
  'check.open': 'of the command check, which only reads',
};
const SAMPLE_POINTS = 40;
/** Names of the paths that are swept, for who has no hours: SWEEP_PATHS='^one file|^three files' ./scripts/proof sweep */
const PATHS = new RegExp(process.env.SWEEP_PATHS ?? '');
/** How long a run with a built-in fault is waited for: it may wait for what never comes. */
const FAULT_PATIENCE_MS = 10_000;
const FAULT_ROUNDS = 6;
const WORKERS = 3;
/** The log of a broker is read through after every run: a new broker keeps it short. */
const RUNS_PER_BROKER = 20;

const LIMIT_MS = 4 * 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
const entry = join(import.meta.dirname, '..', 'fixtures', 'faulty-agent.ts');
const dir = mkdtempSync(join(tmpdir(), 'locksmith-sweep-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));
const key = opensslKey(join(dir, 'key'));
const root = opensslKey(join(dir, 'key'), 'root');
const thief = opensslKey(join(dir, 'key'), 'thief');

/** The same agent on a disk that is never fast: what waits for the disk leaves the loop to others, who may get in between. */
const SLOW_DISK = [{ file: 'agent/host/sync.ts', from: 'const FAST_MS = 3;', to: 'const FAST_MS = -1;' }] as const;

/** A run to be made: to the end (null), or killed at a moment. */
interface Task {
  readonly scenario: Scenario;
  readonly kill: Moment | null;
}

const names = { next: 0 };
const templates = new Map<string, Promise<string>>();

/** Works through the tasks, a few at a time, each worker on brokers of its own. `onRun` says whether to go on. */
async function work(
  programs: readonly [string, ...string[]],
  tasks: readonly Task[],
  onRun: (task: Task, run: CrashRun) => boolean,
  how: { readonly patienceMs?: number; readonly retain?: boolean } = {},
) {
  const left = [...tasks];
  const worker = async () => {
    while (left.length > 0) {
      const owner = openOwner(t);
      const broker = await startMosquitto(owner);
      const ear = await openFleetEar(owner, broker);
      const kit: Omit<CrashKit, 'program'> = { key, root, thief, broker, ear, web: await startWeb(owner), dir };
      for (let runs = 0; runs < RUNS_PER_BROKER; runs += 1) {
        const task = left.shift();
        if (task === undefined) break;
        const { scenario, kill } = task;
        const known = templates.get(scenario.name);
        names.next += 1;
        const template =
          known ?? makeTemplate(owner, { ...kit, program: programs[0] }, scenario, `template${names.next}`);
        templates.set(scenario.name, template);
        const retain = proof.unit() < 0.5;
        const program = scenario.pause === undefined ? proof.pick(programs) : (programs[1] ?? programs[0]);
        const name = `run${names.next}`;
        const run = await crashRun(owner, { ...kit, program }, scenario, await template, name, {
          kill,
          retain,
          ...how,
        });
        if (!onRun(task, run)) left.length = 0;
      }
      await owner.end();
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
}

const say = ({ scenario, kill }: Task) =>
  `${scenario.name}${kill === null ? ', not killed' : `, killed before ${kill.op} ${kill.step} ${kill.nth}`}`;

const moments = new Map<string, readonly Moment[]>();

t.test('every path runs to its end, and passes every effect there is', async (t) => {
  const programs = [await bundle(entry), await bundle(entry, SLOW_DISK)] as const;
  const passed = new Set<string>();
  await work(
    programs,
    SCENARIOS.map((scenario) => ({ scenario, kill: null })),
    (task, run) => {
      moments.set(task.scenario.name, run.moments);
      for (const op of run.ops) passed.add(op);
      if (!t.same(run.problems, [], say(task))) t.comment(run.log);
      return true;
    },
  );
  const forgotten = OPS.filter((op) => !passed.has(op) && !Object.hasOwn(NEVER_PASSED, op));
  t.same(forgotten, [], 'a new effect needs a path that passes it: test/fixtures/crash-scenarios.ts');
  const idle = Object.keys(NEVER_PASSED).filter((op) => passed.has(op) || !OPS.some((one) => one === op));
  t.same(idle, [], 'an exception that is none');
});

t.test('killed anywhere, it comes back whole', async (t) => {
  const programs = [await bundle(entry), await bundle(entry, SLOW_DISK)] as const;
  const swept = SCENARIOS.filter(({ name }) => PATHS.test(name));
  const all = swept.flatMap((scenario) => (moments.get(scenario.name) ?? []).map((kill): Task => ({ scenario, kill })));
  const tasks = proof.full
    ? all
    : all
        .map((task) => ({ task, lot: proof.unit() }))
        .sort((a, b) => a.lot - b.lot)
        .slice(0, SAMPLE_POINTS)
        .map(({ task }) => task);
  let killed = 0;
  const failed: string[] = [];
  await work(programs, tasks, (task, run) => {
    if (run.killed) killed += 1;
    if (run.problems.length > 0) {
      failed.push(say(task));
      t.same(run.problems, [], say(task));
      t.comment(run.log);
    }
    return failed.length < 20;
  });
  t.same(failed, [], `${tasks.length} of ${all.length} points: whole, once, nothing lost`);
  // Some moments depend on how two things fall together in time, and do not come again.
  t.ok(killed >= tasks.length * 0.9, `${killed} of ${tasks.length} runs were killed where they should be`);
  const which = swept.length === SCENARIOS.length ? '' : `-of-${swept.length}-of-${SCENARIOS.length}-paths`;
  proof.figure(`crash-points-passed${which}`, all.length, '1');
  proof.figure(`crash-points-killed${which}`, killed, '1');
});

const FAULTS = [
  {
    name: 'the first file is replaced before the intent is on disk',
    path: 'three files, if they are as the sender believes',
    at: /^commit\.rename/,
    finds: /the set is mixed/,
    mutations: [
      {
        file: 'agent/update/commit.ts',
        from: "if (put !== 'done') {",
        to: "await journal.append(records); if (put !== 'done') {",
      },
      {
        file: 'agent/update/commit.ts',
        from: 'if (plan.files.length > 1 || plan.expect !== null || kept.length > 0 || onTrial) await journal.append(records);',
        to: 'if (plan.files.length > 1) void 0;',
      },
    ],
  },
  {
    name: 'the broker is told before the document is on disk',
    path: 'one file, the first move on this device',
    at: /^journal\.append/,
    finds: /which was acknowledged/,
    mutations: [
      {
        file: 'agent/hall/link.ts',
        from: 'await (door ?? line).frame(frame);',
        to: 'setTimeout(() => void (door ?? line).frame(frame), 50);',
      },
    ],
  },
] as const;

for (const fault of FAULTS) {
  t.test(`the sweep finds it if ${fault.name}`, async (t) => {
    const program = await bundle(entry, fault.mutations);
    const scenario = SCENARIOS.find(({ name }) => name === fault.path);
    if (scenario === undefined) throw new Error(`no path ${fault.path}`);
    const points = (moments.get(scenario.name) ?? []).filter(({ op }) => fault.at.test(op));
    // Which write is the nth depends a little on time: several rounds, until one finds it.
    const tasks = Array.from({ length: FAULT_ROUNDS }, () => points.map((kill): Task => ({ scenario, kill }))).flat();
    const found: string[] = [];
    const onRun = (task: Task, run: CrashRun) => {
      const problem = run.problems.find((one) => fault.finds.test(one));
      if (problem !== undefined) found.push(`${say(task)}: ${problem}`);
      return found.length === 0;
    };
    await work([program], tasks, onRun, { patienceMs: FAULT_PATIENCE_MS, retain: false });
    t.not(found.length, 0, `found in ${tasks.length} points`);
    t.comment(found[0] ?? 'nothing');
  });
}
