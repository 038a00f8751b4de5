import { type Halt, isLifted } from '../../values/halt.ts';
import { parseDesiredTopic } from '../../values/topics.ts';
import { gather } from '../gather.ts';
import { isInForce, type KeptDocument, readKept } from '../kept.ts';
import type { FleetLink } from '../link.ts';
import { readRetainedText } from '../retained.ts';
import { isOurs, nowS } from './context.ts';
import { readSentPlan } from './list.ts';
import { type Plan, planTopic } from './plan.ts';
import { haltOver, type SenderInput, sendHalt } from './sender.ts';

/** What a stop sign is left with. */
export type SignInput = Pick<SenderInput, 'root' | 'signer' | 'scene'> & { readonly plan: Plan };

/**
 * Leaves the stop sign of a roll-out at its target, unless one is there that holds it. An address has room for one halt: null, or why
 * there is no room. Throws SaidError; rejects with LinkFailure.
 */
export async function leaveSign(link: FleetLink, input: SignInput, note: string): Promise<string | null> {
  const { plan, scene } = input;
  const halt = scene.halt();
  if (haltOver(halt, plan, nowS()) !== null) return null;
  if (halt !== null && !isLifted(halt, nowS()) && !(await holdsNothing(link, input, halt))) {
    return `no stop sign is left, ${plan.target} has another one (version ${halt.version})`;
  }
  await sendHalt(link, plan, { lift: false, note }, input);
  return null;
}

/**
 * True for the stop sign of a roll-out that is over: that of a roll-out of last month must not keep the next one from leaving its own.
 * Rejects with LinkFailure.
 */
async function holdsNothing(link: FleetLink, input: SignInput, { rollout }: Halt): Promise<boolean> {
  const { root, plan, scene } = input;
  if (rollout === undefined) return false;
  const text = await readRetainedText(link, planTopic(root, rollout));
  const other = text === null ? null : readSentPlan(Buffer.from(text));
  if (other === null) return false;
  // What an operator who was cut off has published after all must not come into force with the end of its stop sign.
  if (other.stage === 'halted') return !(await hasShadows(link, input, other));
  // It was promoted and then stopped: once another base has the place of its own, nobody can begin with it any more.
  const isEnded = other.stage === 'done' && other.config === plan.config && other.target === plan.target;
  return isEnded && !isOurs(scene.kept(plan.target, 'base'), other);
}

async function hasShadows(link: FleetLink, { root, plan, scene }: SignInput, other: Plan): Promise<boolean> {
  const all = new Map(
    scene.allKept().map((kept): [string, KeptDocument | null] => [`${kept.address} ${kept.layer}`, kept]),
  );
  if (other.config !== plan.config) {
    all.clear();
    const filters = ['dev/+', 'grp/+', 'all'].map((at) => `${root}/v1/${at}/desired/${other.config}/shadow`);
    await gather(link, filters, ({ topic, payload }) => {
      const place = parseDesiredTopic(root, topic);
      if (place !== null && place.config === other.config) all.set(topic, readKept(payload, place));
    });
  }
  return [...all.values()].some(
    (kept) => kept !== null && kept.layer === 'shadow' && isOurs(kept, other) && isInForce(kept, nowS()),
  );
}
