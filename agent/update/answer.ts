import type { Code } from '../values/errors.ts';
import type { Taken } from './intake.ts';
import type { Ledger } from './ledger.ts';
import type { ConfigView } from './said.ts';

/** What the line answers to a document from a file. */
export interface ApplyAnswer {
  /** An outcome, or `waiting`, or `covered`. */
  readonly result: string;
  readonly code: Code | null;
  readonly reason: string | null;
}

/** Words for what became of a document, once the line has come to rest over it. Pure. */
export function answerTo(taken: Taken, ledger: Ledger, view: (config: string) => ConfigView): ApplyAnswer {
  if (taken.kind === 'refusal') return { result: 'refused', code: taken.code, reason: taken.reason };
  if (taken.kind === 'empty') return { result: 'refused', code: 'malformed', reason: 'the document is empty' };
  const { held } = taken;
  if (held === null) {
    return { result: 'refused', code: null, reason: 'this document was refused before; see: locksmith history' };
  }
  const place = ledger.place(held.config, held.address, held.layer);
  const now = place?.latest.id === held.id ? place.latest : held;
  const { lastAttempt, pending } = view(held.config);
  const about = lastAttempt?.id === held.id ? lastAttempt : null;
  if (now.ended !== null) return { result: now.ended, code: about?.code ?? null, reason: about?.reason ?? null };
  if (pending?.id === held.id && pending.waiting_for.join() === 'confirm') {
    return {
      result: 'applying',
      code: null,
      reason: 'it is in place; what proves it good or takes it back is under way',
    };
  }
  if (pending?.id === held.id) {
    const why = about?.reason ?? `it waits for ${pending.waiting_for.join(', ')}`;
    return { result: 'waiting', code: about?.code ?? null, reason: `${why}; it is applied by itself later` };
  }
  const reason = now.covered ? 'a more specific update stands above it' : null;
  return { result: now.covered ? 'covered' : 'waiting', code: null, reason };
}
