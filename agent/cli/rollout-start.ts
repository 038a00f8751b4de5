import { signWish } from '../fleet/compose.ts';
import { gather } from '../fleet/gather.ts';
import { keepContent, readPlan } from '../fleet/rollout/desk.ts';
import { type Draft, draftPlan, newName } from '../fleet/rollout/draft.ts';
import { readSentPlan } from '../fleet/rollout/list.ts';
import { type Plan, planTopic } from '../fleet/rollout/plan.ts';
import { attend } from '../fleet/rollout/run.ts';
import { sha256 } from '../host/chance.ts';
import { configDigest } from '../values/digest.ts';
import { updatePayload } from '../values/document.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { NAME } from '../values/units.ts';
import type { Update } from '../values/update.ts';
import { readArgs, type Terminal } from './command.ts';
import { FILE_HELP, FILE_OPTIONS, readFilesToSend } from './files-to-send.ts';
import { misuse, parseTime, withLinkWords } from './fleet-options.ts';
import { atBroker, carryOut, contentOf, DESK_HELP, DESK_OPTIONS, readDesk, sceneOf } from './rollout-desk.ts';
import {
  DEFAULT_RULES,
  RULE_HELP,
  RULE_OPTIONS,
  readRules,
  readWaves,
  WAVE_HELP,
  WAVE_OPTIONS,
} from './rollout-options.ts';
import { sayDraft } from './rollout-words.ts';
import { readUpdateWords, TERMS_OPTIONS } from './update-words.ts';

const OPTIONS = {
  ...DESK_OPTIONS,
  ...RULE_OPTIONS,
  ...WAVE_OPTIONS,
  ...FILE_OPTIONS,
  ...TERMS_OPTIONS,
  to: { type: 'string' },
  name: { type: 'string' },
  until: { type: 'string', default: '7d' },
  pause: { type: 'boolean', default: false },
  'leave-covered': { type: 'boolean', default: false },
  'dry-run': { type: 'boolean', default: false },
} as const;

/** What `start` adds to the help. */
export const START_HELP = `  --to all|grp/GROUP    the target: who has it in the end
  --name NAME           what the roll-out is called (default: one is made up)
${WAVE_HELP}
${RULE_HELP}
  --pause               stop after the canary, until \`rollout resume\`
  --until T             when the shadows of the waves fall off by themselves (default: 7d)
  --leave-covered       leave devices out that have a more specific update of their own
  --dry-run             show who would be changed when, and change nothing
  --window, --vehicle, --confirm, --retry, --note and their kin: see \`locksmith push --help\`
${FILE_HELP}
${DESK_HELP}`;

/** `locksmith rollout start`. */
export async function start(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArgs('rollout', argv, OPTIONS, { min: 2, max: 257, names: 'start CONFIG PATH…' });
  const [config = '', ...paths] = positionals;
  if (!NAME.test(config)) throw misuse('rollout', `expected a config, found '${config}'`);
  const name = values.name ?? newName(config);
  if (!NAME.test(name)) throw misuse('rollout', `--name: expected a name, found '${name}'`);
  const { to } = values;
  const iat = Math.floor(Date.now() / 1000);
  const words = readUpdateWords('rollout', { ...values, to: to ?? '', layer: 'base', until: undefined }, iat, false);
  const target = targetOf(words.address);
  const until = parseTime(values.until, iat);
  if (until === null || until <= iat)
    throw misuse('rollout', `--until: expected a duration like 7d, found '${values.until}'`);
  const dealt = readWaves(values);
  const rules = { ...readRules(values, DEFAULT_RULES), pause: values.pause };
  const files = readFilesToSend('rollout', paths, values);
  const desk = await readDesk(values, terminal);
  const { when, confirm, retry, note } = words;
  const made = { config, address: target, layer: 'base' as const, version: 1, iat, files, when, confirm, retry, note };
  const { update } = await signWish({ ...made, rollout: name }, desk.signer);
  const digest = digestOf(update);
  const wish = { name, config, target, digest, until, rules, ...dealt };
  const scene = sceneOf(desk, { name, config, target });
  return withLinkWords(desk.broker, () =>
    atBroker(desk.broker, async (link) => {
      const others = new Map<string, Plan>();
      const over: string[] = [];
      await gather(link, [planTopic(desk.root, '+')], ({ payload }) => {
        const plan = readSentPlan(payload);
        if (plan !== null) others.set(plan.name, plan);
        const trusted = readPlan(payload, desk.ring);
        const isOver = typeof trusted !== 'string' && trusted.config === config && trusted.stage === 'done';
        if (isOver) over.push(trusted.name);
      });
      await attend(link, { scene });
      const draft = draftPlan(scene, { ...wish, over });
      if (values['dry-run']) {
        if (values.json) terminal.out(`${JSON.stringify(draft)}\n`);
        else terminal.out(sayDraft(draft));
      }
      refuse(draft, [...others.values()], values['leave-covered']);
      if (draft.isDone) {
        terminal.err(`every device of ${target} runs it already\n`);
        return EXIT.nothing;
      }
      if (values['dry-run']) {
        terminal.err('nothing was done; to carry it out, leave --dry-run out\n');
        return EXIT.done;
      }
      if (!values.json) terminal.out(sayDraft(draft));
      // The content first: whoever finds a plan must find what it is about.
      await keepContent(link, desk.root, name, updatePayload(update), desk.signer);
      const how = { plan: draft.plan, scene, content: contentOf(update), byHand: false };
      return carryOut(link, desk, how, values, terminal);
    }),
  );
}

function targetOf(address: string): Plan['target'] {
  if (address === 'all') return 'all';
  if (address.startsWith('grp/')) return `grp/${address.slice('grp/'.length)}`;
  throw misuse('rollout', 'a roll-out ends in one base document: give --to all or --to grp/GROUP');
}

function digestOf({ files }: Update): string {
  const named = files.map((file) => ({ name: file.name, digest: 'absent' in file ? null : file.digest }));
  return configDigest(named, sha256);
}

/** What stands in the way of a plan. Throws SaidError (exit 3 or 4). */
function refuse(draft: Draft, others: readonly Plan[], leaveCovered: boolean): void {
  const { plan, fleet, hidden, missing } = draft;
  const no = (why: string, remedy: string, exit: number = EXIT.refused): never => {
    throw new SaidError(exit, `rollout: ${why}`, remedy);
  };
  const same = others.find(({ name }) => name === plan.name);
  if (same !== undefined) {
    no(
      `there is a roll-out ${plan.name} already (${same.stage})`,
      `locksmith rollout resume ${plan.name}, or another --name`,
    );
  }
  const busy = others.find(({ config, stage }) => config === plan.config && stage !== 'done' && stage !== 'halted');
  if (busy !== undefined) {
    no(
      `roll-out ${busy.name} of ${plan.config} is under way (${busy.stage})`,
      `locksmith rollout status ${busy.name}; rollout halt ends it`,
    );
  }
  if (hidden.length > 0 && !leaveCovered) {
    const some = hidden.slice(0, 5).map(({ device, by }) => `${device} by ${by}`);
    no(
      `${hidden.length} of the devices would not get it, something more specific covers it: ${some.join('; ')}`,
      'locksmith withdraw what covers it, or leave those devices out with --leave-covered',
    );
  }
  if (fleet === 0) no(`no device of ${plan.target} has the config ${plan.config}`, 'locksmith fleet', EXIT.nothing);
  if (missing.length > 0) {
    no(
      `not there, offline or left out: ${missing.join(', ')}`,
      'locksmith fleet; --offline wait gives those that are offline a place in a wave',
    );
  }
  if (plan.waves.length === 0) no('every device is offline', 'push to the target, or give --offline wait');
}
