import { randomUUID } from 'node:crypto';
import { EXIT, SaidError } from '../../values/errors.ts';
import { type Halt, isLifted, parseHalt } from '../../values/halt.ts';
import { type Address, desiredTopic, type Layer, orderTopic } from '../../values/topics.ts';
import { signWish, type Wish } from '../compose.ts';
import type { VersionLedger } from '../ledger.ts';
import type { FleetLink } from '../link.ts';
import { publishAllSeen, publishSeen } from '../publish.ts';
import type { Signer } from '../signer.ts';
import type { Plan } from './plan.ts';
import type { Scene } from './scene.ts';

/** What every document of a roll-out has in common. */
export type Content = Pick<Wish, 'files' | 'when' | 'confirm' | 'retry' | 'note' | 'exp'>;

/** What is needed to publish documents of a roll-out. */
export interface SenderInput {
  readonly root: string;
  readonly signer: Signer;
  readonly ledger: VersionLedger;
  readonly scene: Scene;
  readonly content: Content;
}

/** One document to be published. */
export interface Send {
  readonly address: Address;
  readonly layer: Layer;
  /** Take back what is there. */
  readonly withdraw: boolean;
}

/** How many documents are on their way at once. */
const AT_ONCE = 32;

/**
 * Signs documents with the next version of each place, publishes them, and waits until the broker shows them back; none any more once it
 * is stopped: a big wave takes its time. Throws {@link SaidError} if the broker does not take one; rejects with LinkFailure.
 */
export async function sendAll(
  link: FleetLink,
  plan: Plan,
  sends: readonly Send[],
  input: SenderInput & { isStopped(): boolean },
): Promise<void> {
  const { root, signer, ledger, scene, content, isStopped } = input;
  const { config, name, until } = plan;
  const sign = async ({ address, layer, withdraw }: Send) => {
    const version = ledger.take({ root, address, config, layer }, scene.highest(address, layer));
    const iat = Math.floor(Date.now() / 1000);
    const place = { config, address, layer, version, iat, rollout: name };
    const wish: Wish = withdraw
      ? { ...place, files: null, note: `roll-out ${name} is taken back here` }
      : { ...place, ...content, ...(layer === 'shadow' ? { until } : {}) };
    const { update, jws } = await signWish(wish, signer);
    return { update, topic: desiredTopic(root, address, config, layer), jws, retain: true, onSent: () => {} };
  };
  for (let at = 0; at < sends.length; at += AT_ONCE) {
    const signed = await Promise.all(sends.slice(at, at + AT_ONCE).map(sign));
    if (isStopped()) return;
    await publishAllSeen(link, signed);
    for (const { update, topic } of signed) {
      const kept = scene.kept(update.aud, update.layer);
      // What somebody else has put there since is looked at by whoever judges.
      if (kept !== null && (kept.id === update.id || kept.version > update.version)) continue;
      throw new SaidError(
        EXIT.failed,
        `what became of the document on ${topic} cannot be seen: this user may not read it`,
        'give the user of --user the right to write and read that topic at the broker, then: locksmith rollout resume',
      );
    }
  }
}

/** Publishes the stop sign of a roll-out, or lifts it. Throws {@link SaidError}; rejects with LinkFailure. */
export async function sendHalt(
  link: FleetLink,
  plan: Plan,
  how: { readonly lift: boolean; readonly note: string },
  { root, signer, scene }: Pick<SenderInput, 'root' | 'signer' | 'scene'>,
): Promise<void> {
  const iat = Math.floor(Date.now() / 1000);
  // The time is higher than any version of a halt that the broker may have forgotten.
  const version = Math.max((scene.halt()?.version ?? 0) + 1, iat);
  const halt = parseHalt({
    ...{ v: 1, id: randomUUID(), aud: plan.target, version, iat, note: how.note.slice(0, 256) },
    ...(how.lift ? { lift: true } : { rollout: plan.name }),
  });
  if ('kind' in halt) throw new SaidError(EXIT.usage, `rollout: ${halt.reason}`, 'locksmith rollout --help');
  const topic = orderTopic(root, plan.target, 'halt');
  await publishSeen(link, { topic, jws: await signer.signHalt(halt), retain: true, onSent: () => {} });
}

/** The halt in force at the target that holds the updates of this roll-out; null if there is none. Pure. */
export function haltOver(halt: Halt | null, plan: Pick<Plan, 'name' | 'config'>, nowS: number): Halt | null {
  if (halt === null || isLifted(halt, nowS)) return null;
  if (halt.rollout !== undefined) return halt.rollout === plan.name ? halt : null;
  return halt.configs === undefined || halt.configs.includes(plan.config) ? halt : null;
}
