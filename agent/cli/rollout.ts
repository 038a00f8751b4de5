import { gather } from '../fleet/gather.ts';
import { isInForce } from '../fleet/kept.ts';
import type { FleetLink } from '../fleet/link.ts';
import { haltOn, isOurs, nowS, sayHalt, standingsOf } from '../fleet/rollout/context.ts';
import { keepPlan } from '../fleet/rollout/desk.ts';
import { readSentPlan } from '../fleet/rollout/list.ts';
import { addressIn, type Plan, planTopic } from '../fleet/rollout/plan.ts';
import { attend, newRunner } from '../fleet/rollout/run.ts';
import { openScene, type Scene } from '../fleet/rollout/scene.ts';
import { sendHalt } from '../fleet/rollout/sender.ts';
import { leaveSign } from '../fleet/rollout/stop-sign.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { NAME } from '../values/units.ts';
import { type Command, readArgs, type Terminal } from './command.ts';
import { BROKER_HELP, BROKER_OPTIONS, misuse, readBroker, withLinkWords } from './fleet-options.ts';
import {
  atBroker,
  carryOut,
  DESK_OPTIONS,
  type Desk,
  findContent,
  findPlan,
  readDesk,
  sceneOf,
} from './rollout-desk.ts';
import { RULE_OPTIONS, readRules } from './rollout-options.ts';
import { START_HELP, start } from './rollout-start.ts';
import { sayProgress, sayStage, sayStanding } from './rollout-words.ts';

/** `locksmith rollout`. */
export const command: Command = {
  help: `Usage: locksmith rollout start CONFIG PATH… --to all|grp/GROUP [options]
       locksmith rollout status [NAME] [--json] [options]
       locksmith rollout resume NAME [--release-orphaned] [--hot WAY] [--within D] [--soak D] [options]
       locksmith rollout halt NAME [--note TEXT] [--keep] [options]

Changes a fleet in waves: a canary first, each further wave only when enough devices have confirmed the new version and are no worse off
than before. The waves are shadows; in the end one base document goes to the target, and the shadows are withdrawn. If too many
fail, what was changed is taken back, and a stop sign stays at the broker. What a roll-out needs is at the broker: whoever has the
key can go on with it, on another machine too.

${START_HELP}
  --keep                halt: take nothing back, only let nobody begin
${BROKER_HELP}

Exit codes: 0 done, or paused as asked; 1 failed, and taken back; 2 wrong usage; 3 halted, a lock is HOT, or refused; 4 nothing to do.

Example:
  locksmith rollout start aim_lock_config ./aim_lock_config.conf --to all --canary grp/canary --waves 10%,50%,100% \\
    --name spring --key ops.key.json --broker mqtts://broker:8883
`,
  async run(argv, terminal) {
    const [verb, ...rest] = argv;
    switch (verb) {
      case 'start':
        return start(rest, terminal);
      case 'resume':
        return resume(rest, terminal);
      case 'halt':
        return halt(rest, terminal);
      case 'status':
        return status(rest, terminal);
      default:
        throw misuse('rollout', `expected start, status, resume or halt, found '${verb ?? ''}'`);
    }
  },
};

function readName(text: string | undefined): string {
  if (text === undefined || !NAME.test(text))
    throw misuse('rollout', `expected the name of a roll-out, found '${text ?? ''}'`);
  return text;
}

async function resume(argv: readonly string[], terminal: Terminal): Promise<number> {
  const options = { ...DESK_OPTIONS, ...RULE_OPTIONS } as const;
  const { values, positionals } = readArgs('rollout', argv, options, { min: 1, max: 1, names: 'resume NAME' });
  const name = readName(positionals[0]);
  const desk = await readDesk(values, terminal);
  return withLinkWords(desk.broker, () =>
    atBroker(desk.broker, async (link) => {
      const kept = await findPlan(link, desk, name);
      const scene = sceneOf(desk, kept);
      await attend(link, { scene });
      if (kept.stage === 'done' && !isBehind(scene, kept)) {
        terminal.err(`roll-out ${name} is done\n`);
        return EXIT.nothing;
      }
      const content = await findContent(link, desk, name);
      const next: Plan = { ...kept, ...again(kept) };
      const stopped = haltOn(scene, next);
      if (stopped !== null && kept.stage !== 'undoing') {
        if (stopped.rollout !== name || stopped.aud !== kept.target) {
          throw new SaidError(
            EXIT.refused,
            `rollout: ${sayHalt(stopped)}`,
            `locksmith halt --to ${stopped.aud} --lift`,
          );
        }
        await sendHalt(link, kept, { lift: true, note: `roll-out ${name} goes on` }, { ...desk, scene });
      }
      const rules = { ...readRules(values, kept.rules), pause: kept.stage === 'paused' ? false : kept.rules.pause };
      const plan: Plan = { ...next, rules, runner: newRunner(), since: nowS() };
      return carryOut(link, desk, { plan, scene, content, byHand: false }, values, terminal);
    }),
  );
}

/** True where a device that was away at the promotion is back, and still has the shadow over the base. */
function isBehind(scene: Scene, plan: Plan): boolean {
  // One that was let be is over, and so is one whose base is not the newest any more.
  if (plan.why !== null || !isOurs(scene.kept(plan.target, 'base'), plan)) return false;
  return plan.waves.some((wave) =>
    wave.devices.some((device) => {
      const shadow = scene.kept(addressIn(wave, device), 'shadow');
      return isOurs(shadow, plan) && isInForce(shadow, nowS()) && scene.devices().get(device)?.online === true;
    }),
  );
}

/** Where a roll-out goes on: where it stood; one that was taken back begins anew. */
function again({ stage }: Plan): Partial<Plan> {
  if (stage === 'done') return { stage: 'promoting' };
  if (stage === 'paused') return { stage: 'waves', why: null };
  return stage === 'halted' ? { stage: 'waves', wave: 0, skipped: [], why: null } : {};
}

async function halt(argv: readonly string[], terminal: Terminal): Promise<number> {
  const options = { ...DESK_OPTIONS, note: { type: 'string' }, keep: { type: 'boolean', default: false } } as const;
  const { values, positionals } = readArgs('rollout', argv, options, { min: 1, max: 1, names: 'halt NAME' });
  const name = readName(positionals[0]);
  const desk = await readDesk(values, terminal);
  const note = values.note ?? 'halted by hand';
  return withLinkWords(desk.broker, () =>
    atBroker(desk.broker, async (link) => {
      const kept = await findPlan(link, desk, name);
      const scene = sceneOf(desk, kept);
      await attend(link, { scene });
      const isPromoted = kept.stage === 'promoting' || kept.stage === 'done';
      if (isPromoted || values.keep) {
        const noSign = await leaveSign(link, { ...desk, scene, plan: kept }, note);
        const version = Math.max(kept.version, scene.plan()?.version ?? 0) + 1;
        const stopped: Plan = { ...kept, why: note, version, iat: nowS(), runner: newRunner() };
        // Whoever is at it elsewhere stops by the plan, also where there is no room for a stop sign.
        if (kept.stage === 'waves') await keepPlan(link, desk.root, { ...stopped, stage: 'paused' }, desk.signer);
        const why = isPromoted
          ? 'it is promoted already: to go back, push the old content to the target'
          : 'nothing was taken back';
        terminal.err(`roll-out ${name}: ${noSign ?? 'whoever has not begun waits'}; ${why}\n`);
        if (kept.stage === 'promoting') await letBe(link, { ...desk, scene }, { ...stopped, stage: 'done' }, terminal);
        return noSign === null ? EXIT.done : EXIT.refused;
      }
      if (kept.stage === 'halted') {
        terminal.err(`roll-out ${name} is halted already\n`);
        return EXIT.nothing;
      }
      const plan: Plan = { ...kept, stage: 'undoing', why: note, runner: newRunner(), since: nowS() };
      return carryOut(link, desk, { plan, scene, content: { files: [] }, byHand: true }, values, terminal);
    }),
  );
}

/** Ends a promotion that some device does not take part in; else nobody could ever begin with another roll-out of the config. */
async function letBe(
  link: FleetLink,
  { root, signer, scene }: Desk & { readonly scene: Scene },
  plan: Plan,
  terminal: Terminal,
): Promise<void> {
  await keepPlan(link, root, plan, signer);
  const left = scene.allKept().flatMap((one) => (one.layer === 'shadow' && isOurs(one, plan) ? [one.address] : []));
  if (left.length === 0) return;
  const some = `${left.slice(0, 5).join(', ')}${left.length > 5 ? ` and ${left.length - 5} more` : ''}`;
  terminal.err(
    `it still has shadows at ${some}, until they end or are withdrawn (locksmith withdraw --layer shadow)\n`,
  );
}

async function status(argv: readonly string[], terminal: Terminal): Promise<number> {
  const options = { ...BROKER_OPTIONS, json: { type: 'boolean', default: false } } as const;
  const { values, positionals } = readArgs('rollout', argv, options, { min: 0, max: 1, names: 'status [NAME]' });
  const name = positionals[0] === undefined ? null : readName(positionals[0]);
  const { root, ...broker } = readBroker('rollout', values, terminal.env);
  return withLinkWords(broker, () =>
    atBroker(broker, async (link) => {
      const plans = new Map<string, Plan>();
      await gather(link, [planTopic(root, name ?? '+')], ({ payload }) => {
        const plan = readSentPlan(payload);
        if (plan !== null) plans.set(plan.name, plan);
      });
      const all = [...plans.values()].sort((a, b) => a.iat - b.iat);
      if (name === null) {
        if (values.json) terminal.out(`${JSON.stringify(all)}\n`);
        else for (const plan of all) terminal.out(`${sayPlan(plan)}\n`);
        if (all.length === 0) terminal.err('the broker knows of no roll-out\n');
        return all.length === 0 ? EXIT.nothing : EXIT.done;
      }
      const plan = all[0];
      if (plan === undefined) {
        throw new SaidError(EXIT.nothing, `rollout: the broker knows no roll-out ${name}`, 'locksmith rollout status');
      }
      const { config, target } = plan;
      const scene = openScene({ root, config, name, target, readPlan: readSentPlan });
      await gather(link, scene.retained, scene.take);
      const waves = plan.waves.map((wave) => ({ wave, standings: standingsOf(wave, plan, scene) }));
      if (values.json) {
        const devices = waves.flatMap(({ wave, standings }) => standings.map((one) => ({ wave: wave.name, ...one })));
        terminal.out(`${JSON.stringify({ plan, halt: scene.halt(), devices })}\n`);
        return EXIT.done;
      }
      terminal.out(`${sayPlan(plan)}\n`);
      // The shadows are going, or gone, or something newer has the place of the base: the table of the fleet has who runs what.
      const isPast = waves.every(({ standings }) => standings.every(({ state }) => state === 'covered'));
      if (plan.stage === 'promoting' || plan.stage === 'halted' || isPast) return EXIT.done;
      for (const one of waves) {
        terminal.out(`${sayProgress(one)}\n`);
        for (const standing of one.standings) {
          if (standing.state !== 'confirmed' && standing.state !== 'unsent')
            terminal.out(`  ${sayStanding(standing)}\n`);
        }
      }
      return EXIT.done;
    }),
  );
}

function sayPlan(plan: Plan): string {
  const { name, config, target, why } = plan;
  return `${name}  ${config} for ${target}  ${sayStage(plan)}${why === null ? '' : `: ${why}`}`;
}
