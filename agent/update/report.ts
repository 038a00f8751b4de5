import type { Saying } from '../ports/outbox.ts';
import type { Code, Refusal } from '../values/errors.ts';
import type { EventBody, LastAttempt, Outcome, ReportedBody } from '../values/report.ts';
import type { HeldUpdate } from './ledger.ts';
import type { ConfigView } from './said.ts';

/** What an event says of the document it is about. */
export function about(held: Pick<HeldUpdate, 'config' | 'id' | 'version' | 'layer' | 'address'>) {
  return { config: held.config, update: held.id, version: held.version, layer: held.layer, address: held.address };
}

/** The refusal of a held document, as an event. */
export function refusalEvent(held: HeldUpdate, refusal: Refusal): EventBody {
  return {
    event: 'refused',
    ...about(held),
    code: refusal.code,
    reason: refusal.reason,
    final: refusal.final,
    ...(refusal.mismatch === undefined ? {} : { mismatch: refusal.mismatch }),
  };
}

/** What was tried, for `last_attempt`. */
export function attemptOf(
  held: HeldUpdate,
  result: Outcome | 'waiting',
  at: string,
  refusal: { readonly code: Code | null; readonly reason: string } | null,
): LastAttempt {
  return {
    id: held.id,
    version: held.version,
    layer: held.layer,
    address: held.address,
    digest: held.digest ?? '',
    result,
    code: refusal?.code ?? null,
    reason: refusal?.reason ?? null,
    at,
  };
}

/** The state of a config as a message for the fleet. */
export function sayReported(config: string, view: ConfigView): Saying {
  const { running, lastAttempt, pending, drift, pinned, confirmedBy } = view;
  const body: ReportedBody = {
    running,
    last_attempt: lastAttempt,
    pending,
    drift,
    pinned,
    confirmed_by: running.version === 0 ? null : confirmedBy,
  };
  return { kind: 'reported', config, body };
}
