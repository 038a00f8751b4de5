import { readFileSync, writeFileSync } from 'node:fs';
import { ledgerDir, openVersionLedger } from '../fleet/ledger.ts';
import { connectFleet, type FleetBroker, type FleetLink } from '../fleet/link.ts';
import { readRetainedText } from '../fleet/retained.ts';
import { standingsOf } from '../fleet/rollout/context.ts';
import { readContent, readPlan, ringOf } from '../fleet/rollout/desk.ts';
import type { JudgedWave } from '../fleet/rollout/judge.ts';
import { type Plan, planTopic } from '../fleet/rollout/plan.ts';
import { runRollout } from '../fleet/rollout/run.ts';
import { openScene, type Scene } from '../fleet/rollout/scene.ts';
import type { Content } from '../fleet/rollout/sender.ts';
import { readSigner, type Signer } from '../fleet/signer.ts';
import type { KeyRing } from '../trust/keys.ts';
import { parseUpdate } from '../values/document.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import type { Update } from '../values/update.ts';
import type { Terminal } from './command.ts';
import { BROKER_OPTIONS, misuse, readBroker, readKeyPath } from './fleet-options.ts';
import { openShow, sayEnd, sayStage } from './rollout-words.ts';

/** Options of every verb that goes on with a roll-out. */
export const DESK_OPTIONS = {
  ...BROKER_OPTIONS,
  key: { type: 'string' },
  trust: { type: 'string' },
  report: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

/** The help text of {@link DESK_OPTIONS}, without those of the broker. */
export const DESK_HELP = `  --key FILE            private key made by \`locksmith keys new\` (or set LOCKSMITH_KEY)
  --trust FILE          public keys of colleagues whose roll-outs may be gone on with
  --report FILE         write what became of it, as JSON
  --json                print that at the end, and nothing else`;

type DeskValues = { readonly [option in keyof typeof DESK_OPTIONS]?: string | boolean | undefined };

/** An operator at the broker, with a key. */
export interface Desk {
  readonly root: string;
  readonly broker: FleetBroker;
  readonly signer: Signer;
  readonly ring: KeyRing;
}

/** Reads {@link DESK_OPTIONS}. Throws SaidError (exit 2). */
export async function readDesk(values: DeskValues, terminal: Terminal): Promise<Desk> {
  const text = (value: string | boolean | undefined) => (typeof value === 'string' ? value : undefined);
  const strings = Object.fromEntries(
    Object.entries(values).flatMap(([option, value]) => (typeof value === 'string' ? [[option, value] as const] : [])),
  );
  const { root, ...broker } = readBroker('rollout', strings, terminal.env);
  const signer = await readSigner(readKeyPath('rollout', text(values.key), terminal.env));
  const trust = text(values.trust);
  return { root, broker, signer, ring: ringOf(signer, trust === undefined ? null : readTrust(trust), trust ?? '') };
}

function readTrust(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw misuse('rollout', `--trust: ${path}: cannot be read: ${code}`);
  }
}

/** The scene of a roll-out. */
export function sceneOf(
  { root, ring }: Pick<Desk, 'root' | 'ring'>,
  plan: Pick<Plan, 'name' | 'config' | 'target'>,
): Scene {
  const { name, config, target } = plan;
  const read = (payload: Uint8Array) => {
    const found = readPlan(payload, ring);
    return typeof found === 'string' ? null : found;
  };
  return openScene({ root, config, name, target, readPlan: read });
}

/** The plan that the broker keeps. Throws SaidError: exit 4 if there is none, 3 if nobody we trust has signed it. */
export async function findPlan(
  link: FleetLink,
  { root, ring }: Pick<Desk, 'root' | 'ring'>,
  name: string,
): Promise<Plan> {
  const text = await readRetainedText(link, planTopic(root, name));
  if (text === null) {
    throw new SaidError(EXIT.nothing, `rollout: the broker knows no roll-out ${name}`, 'locksmith rollout status');
  }
  const plan = readPlan(Buffer.from(text), ring);
  if (typeof plan !== 'string') return plan;
  throw new SaidError(
    EXIT.refused,
    `rollout: ${name} was not planned by a key that you trust: ${plan}`,
    'give --trust FILE with the public key of whoever planned it',
  );
}

/** The content of an update as the documents of a roll-out carry it. */
export function contentOf({ files, when, confirm, retry, note }: Update): Content {
  return { files, when, confirm, retry, note };
}

/** The content that the broker keeps. Throws SaidError. */
export async function findContent(link: FleetLink, { root, ring }: Desk, name: string): Promise<Content> {
  const update = parseUpdate(await readContent(link, root, name, ring));
  if ('kind' in update) {
    throw new SaidError(
      EXIT.failed,
      `rollout: the content of ${name}: ${update.reason}`,
      'start it anew under another name',
    );
  }
  return contentOf(update);
}

/** Goes on with a plan to its end, and tells; the exit code. */
export async function carryOut(
  link: FleetLink,
  desk: Desk,
  how: { readonly plan: Plan; readonly scene: Scene; readonly content: Content; readonly byHand: boolean },
  values: DeskValues,
  terminal: Terminal,
): Promise<number> {
  const { root, broker, signer } = desk;
  const show = openShow(terminal, values.json === true);
  const startedMs = Date.now();
  const ledger = openVersionLedger(ledgerDir(terminal.env));
  const report = (plan: Plan, end: string, exit: number, words: string, left: readonly string[]) => {
    const made = {
      ...{ rollout: plan.name, config: plan.config, target: plan.target, digest: plan.digest, end, exit, words, left },
      ...{ later: plan.later, skipped: plan.skipped, started_at: new Date(startedMs).toISOString() },
      ...{ ended_at: new Date().toISOString(), devices: devicesOf(plan, how.scene, show.last()), plan },
    };
    if (values.json === true) terminal.out(`${JSON.stringify(made)}\n`);
    if (typeof values.report === 'string') writeReport(values.report, made);
  };
  const wish = { ...{ root, signer, ledger, show, ...how }, connect: () => connectFleet(broker) };
  const onKept = () => {
    show.note(`roll-out ${how.plan.name}: ${how.plan.config} for ${how.plan.target}, ${sayStage(how.plan)}`);
    show.note(`if this ends before it does: locksmith rollout resume ${how.plan.name}`);
  };
  try {
    const { end, plan } = await runRollout(link, { ...wish, onKept });
    show.clear();
    const { line, exit: usual } = sayEnd(end, plan);
    // Halting is what was asked for.
    const exit = how.byHand && end.kind === 'halted' ? EXIT.done : usual;
    report(plan, end.kind, exit, line, 'left' in end ? end.left : []);
    if (values.json !== true) (exit === EXIT.done ? terminal.out : terminal.err)(`${line}\n`);
    return exit;
  } catch (error) {
    show.clear();
    if (error instanceof SaidError) report(how.scene.plan() ?? how.plan, 'error', error.exit, error.message, []);
    throw error;
  }
}

/** How each device stands at the end: to the base from the promotion on, else as it was seen last. */
function devicesOf(plan: Plan, scene: Scene, last: readonly JudgedWave[]): readonly object[] {
  const isPromoted = plan.stage === 'promoting' || plan.stage === 'done';
  const now = plan.waves.map((wave) => ({ wave, standings: standingsOf(wave, plan, scene) }));
  const waves = isPromoted || last.length === 0 ? now : last;
  return waves.flatMap(({ wave, standings }) =>
    standings.map(({ device, state, why, code }) => ({ device, wave: wave.name, state, why, code })),
  );
}

function writeReport(path: string, report: object): void {
  try {
    writeFileSync(path, `${JSON.stringify(report, null, 2)}\n`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new SaidError(
      EXIT.failed,
      `rollout: the report cannot be written: ${path}: ${code}`,
      'locksmith rollout status NAME --json',
    );
  }
}

/** Connects, looks at all that is kept, and does something with it. */
export async function atBroker<T>(broker: FleetBroker, work: (link: FleetLink) => Promise<T>): Promise<T> {
  const link = await connectFleet(broker);
  try {
    return await work(link);
  } finally {
    link.close();
  }
}
