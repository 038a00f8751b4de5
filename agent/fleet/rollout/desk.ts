import { hostEd25519 } from '../../host/ed25519.ts';
import { type KeyRing, parseKeys } from '../../trust/keys.ts';
import { verifyDocument } from '../../trust/verify.ts';
import { EXIT, SaidError } from '../../values/errors.ts';
import { isFields } from '../../values/fields.ts';
import { DOCUMENT_MAX_BYTES } from '../../values/update.ts';
import type { FleetLink } from '../link.ts';
import { publishSeen } from '../publish.ts';
import { readRetainedText } from '../retained.ts';
import type { Signer } from '../signer.ts';
import { contentTopic, type Plan, parsePlan, planTopic } from './plan.ts';

/** Whose plans are believed: what is read from a broker is going to be signed again. */
export function ringOf(signer: Signer, trusted: string | null, path: string): KeyRing {
  const own = parseKeys(JSON.stringify({ keys: [signer.publicJwk] }), 'the key given with --key');
  if (trusted === null) return own;
  const more = parseKeys(trusted, path);
  return { keys: [...own.keys, ...more.keys], find: (kid) => own.find(kid) ?? more.find(kid) };
}

/** Reads a plan if one of these keys has signed it; else why not. */
export function readPlan(payload: Uint8Array, ring: KeyRing): Plan | string {
  const verified = verifyDocument(Buffer.from(payload).toString('latin1'), 'rollout', ring, hostEd25519());
  if (verified.kind === 'refusal') return `${verified.reason} (${verified.code})`;
  return parsePlan(verified.payload) ?? 'not a plan that this version can read';
}

/** Signs a plan and has the broker keep it. Throws {@link SaidError} if it is too large or not let in; rejects with LinkFailure. */
export async function keepPlan(link: FleetLink, root: string, plan: Plan, signer: Signer): Promise<void> {
  const jws = await signer.signRollout(plan);
  if (jws.length > DOCUMENT_MAX_BYTES) {
    throw new SaidError(
      EXIT.usage,
      `rollout: the plan of ${plan.name} has ${jws.length} bytes, more than a message of 128 KiB holds`,
      'put the devices into groups and give those as waves: --waves grp/one,grp/two,100%',
    );
  }
  await publishSeen(link, { topic: planTopic(root, plan.name), jws, retain: true, onSent: () => {} });
}

/** Has the broker keep the content of a roll-out: an update as it is signed, but of a type that no device takes. */
export async function keepContent(
  link: FleetLink,
  root: string,
  name: string,
  content: object,
  signer: Signer,
): Promise<void> {
  const jws = await signer.signRollout({ v: 1, name, content });
  await publishSeen(link, { topic: contentTopic(root, name), jws, retain: true, onSent: () => {} });
}

/** Reads the content again. Throws {@link SaidError} if there is none that one of these keys has signed; rejects with LinkFailure. */
export async function readContent(link: FleetLink, root: string, name: string, ring: KeyRing): Promise<unknown> {
  const bad = (why: string): never => {
    throw new SaidError(EXIT.failed, `rollout: the content of ${name}: ${why}`, `locksmith rollout status ${name}`);
  };
  const text = await readRetainedText(link, contentTopic(root, name));
  if (text === null) return bad('the broker keeps none');
  const verified = verifyDocument(text, 'rollout', ring, hostEd25519());
  if (verified.kind === 'refusal') return bad(`${verified.reason} (${verified.code})`);
  const { payload } = verified;
  if (!isFields(payload) || payload.name !== name) return bad('it belongs to another roll-out');
  return payload.content;
}
