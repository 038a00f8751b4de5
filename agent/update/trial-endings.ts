import type { JournalRecord } from '../ports/journal.ts';
import type { Refusal } from '../values/errors.ts';
import type { EventBody, Outcome } from '../values/report.ts';
import { rfc3339 } from '../values/units.ts';
import { documentGeneration, type EndingPorts } from './endings.ts';
import type { Goal } from './goal.ts';
import { isOpen } from './goal.ts';
import { endedRecord, intentOverRecord, triedRecord } from './ledger.ts';
import { about, attemptOf } from './report.ts';
import { badRecord, type Trial, trialOverRecord, trialRecord } from './trials.ts';
import type { Intent } from './under-way.ts';

/** The turns of a trial; each makes what is so and what is said durable together. */
export interface TrialEndings {
  /** It is in place, and has to prove itself. */
  begin(goal: Goal, intent: Intent): Promise<void>;
  /** It failed: it is marked as bad where it is to blame, and will be taken back. */
  failed(trial: Trial, why: Pick<Refusal, 'code' | 'reason'>, brands: boolean): Promise<void>;
  /** What was there before is in place again. */
  restored(trial: Trial): Promise<void>;
  /** It is taken back, and the first error is told. `more`: why not even that went well. */
  over(trial: Trial, more: string | null): Promise<void>;
}

/** Makes them. */
export function createTrialEndings(ports: EndingPorts): TrialEndings {
  const { ledger, trials, said } = ports;
  const at = () => rfc3339(ports.clock.wallMs());
  return {
    async begin({ held, digest }, intent) {
      const { config, of, trial: plan } = intent;
      if (plan === undefined) throw new Error('a trial without a plan');
      const begun = { phase: 'hooks', deadline: null, why: null, deferred: false } as const;
      // The trial first: it takes over the document that is under way.
      const records: JournalRecord[] = [
        trialRecord({ ...plan, ...begun, config, of, digest }, held?.jws === '' ? held : null),
        intentOverRecord(config),
      ];
      said.waits(config, { id: held?.id ?? null, version: held?.version ?? 0, waiting_for: ['confirm'] }, '', []);
      const document = held === null ? { config, version: 0 } : about(held);
      const event: EventBody = { event: 'applying', ...document, digest };
      if (held === null || held.ended !== null) return said.tell(config, records, [event]);
      const reason = 'it is in place, and has to prove itself';
      const attempt = attemptOf(held, 'waiting', at(), { code: null, reason });
      const tried = triedRecord(config, { attempt, key: '' });
      return said.tell(config, [...records, tried], [event], { lastAttempt: attempt });
    },
    failed(trial, { code, reason }, brands) {
      const { config, digest } = trial;
      const bad = brands ? [badRecord(config, digest, code)] : [];
      const back = trialRecord({ ...trial, phase: 'back', deadline: null, why: { code, reason } });
      return said.tell(config, [...bad, back], []);
    },
    restored: (trial) =>
      said.tell(trial.config, [trialRecord({ ...trial, phase: 'restored' }), intentOverRecord(trial.config)], []),
    async over(trial, more) {
      const { config, why } = trial;
      const held = trials.held(config);
      const outcome: Outcome = more === null ? 'rolled-back' : 'failed';
      const first = why?.reason ?? 'it was not proved good';
      const code = more === null ? (why?.code ?? 'unconfirmed') : 'inconsistent';
      const reason = more === null ? first : `${first}; and then ${more}`;
      const records: JournalRecord[] = [trialOverRecord(config)];
      said.rests(config);
      if (held === null) return said.tell(config, records, [{ event: outcome, config, code, reason }]);
      // One whose place a newer one has taken has only its report left.
      if (isOpen(ledger, held)) records.unshift(endedRecord(held, outcome, null));
      const lastAttempt = attemptOf(held, outcome, at(), { code, reason });
      records.unshift(...documentGeneration(ledger, held, outcome, lastAttempt.at));
      records.push(triedRecord(config, { attempt: lastAttempt, key: '' }));
      ports.count(outcome, null);
      const event: EventBody = { event: outcome, ...about(held), code, reason, final: true };
      return said.tell(config, records, [event], { lastAttempt });
    },
  };
}
