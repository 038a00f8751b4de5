import { parseStrictJson } from '../../values/json.ts';
import { type Plan, parsePlan } from './plan.ts';

/** Reads a plan without a look at who has signed it: to be shown, never to be gone on with. Null if it is none. */
export function readSentPlan(payload: Uint8Array): Plan | null {
  const body = Buffer.from(payload).toString('latin1').split('.')[1] ?? '';
  const json = parseStrictJson(Buffer.from(body, 'base64url').toString('utf8'));
  return json.kind === 'json' ? parsePlan(json.value) : null;
}
