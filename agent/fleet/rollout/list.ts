import { bodyOf } from '../kept.ts';
import { type Plan, parsePlan } from './plan.ts';

/** Reads a plan without a look at who has signed it: to be shown, never to be gone on with. Null if it is none. */
export function readSentPlan(payload: Uint8Array): Plan | null {
  return parsePlan(bodyOf(payload));
}
