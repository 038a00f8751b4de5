import type { JournalRecord } from '../ports/journal.ts';
import type { Clock } from '../ports/world.ts';
import { type Code, type Refusal, refuse } from '../values/errors.ts';
import type { ConfirmedBy, EventBody, Outcome, Running } from '../values/report.ts';
import { rfc3339 } from '../values/units.ts';
import { generationRecord } from './generations.ts';
import { allHeld, type Goal, isOpen } from './goal.ts';
import { isNewer, isPinned, wentBackEvent } from './going-back.ts';
import {
  appliedBehindRecord,
  endedRecord,
  type HeldUpdate,
  intentOverRecord,
  type Ledger,
  ranRecord,
  refOf,
  triedRecord,
} from './ledger.ts';
import { unpinnedRecord } from './past.ts';
import { sameDocument } from './ref.ts';
import { about, attemptOf, refusalEvent } from './report.ts';
import { hasFallenOff, type ResolveTime } from './resolve.ts';
import type { Said } from './said.ts';
import { goodRecord, type Trials, trialOverRecord } from './trials.ts';

/** Why a content is put in place that ran already. */
const PUT_BACK = 'put back as it was before somebody edited it by hand';

/** What the endings work with. */
export interface EndingPorts {
  readonly ledger: Ledger;
  readonly trials: Trials;
  readonly clock: Clock;
  readonly said: Said;
  time(): ResolveTime;
  /** A journal record that the `iat` (epoch seconds) of an applied document is past. */
  clockApplied(iatS: number): JournalRecord;
  /** Counts an outcome; with its code if it is a refusal. */
  count(outcome: Outcome, code: Code | null): void;
}

/** The ways a document ends; each makes outcome, state and report durable together. One that a newer document ended meanwhile is left alone. */
export interface Endings {
  /** Refused for good. */
  refuse(held: HeldUpdate, refusal: Refusal): Promise<void>;
  /** Its time is over before it could take effect. */
  expire(held: HeldUpdate, what: 'exp' | 'until'): Promise<void>;
  /** A newer document came while this one was being committed and left it its end; the commit came to nothing. */
  displaced(held: HeldUpdate): Promise<void>;
  /** Given up on for good after it was tried. */
  fail(held: HeldUpdate, refusal: Refusal): Promise<void>;
  /** The goal is on disk, and proved as far as it has to be. `changed`: we put it there. `alarm`: what was not well with it all the same. */
  applied(config: string, goal: Goal, changed: boolean, by: ConfirmedBy, alarm?: Refusal): Promise<void>;
}

/** The content of a document as a generation; its signed form is journalled again only where it is not held any more. */
export function documentGeneration(ledger: Ledger, held: HeldUpdate, outcome: Outcome, at: string): JournalRecord[] {
  // What is gone back to is a generation already.
  if (held.digest === null || held.jws === '') return [];
  const { config, digest, id, version, layer, address, kid, jws } = held;
  const content =
    ledger.signedForm(refOf(held)) === jws ? ({ kind: 'held' } as const) : ({ kind: 'signed', jws } as const);
  const document = { id, version, layer, address, kid };
  return [generationRecord({ config, why: 'update', digest, document, outcome, at, content })];
}

/** Makes the endings. */
export function createEndings(ports: EndingPorts): Endings {
  const { ledger, said } = ports;
  const at = () => rfc3339(ports.clock.wallMs());

  const end = async (
    held: HeldUpdate,
    outcome: 'refused' | 'expired' | 'failed',
    event: EventBody,
    refusal: Refusal,
  ) => {
    if (!isOpen(ledger, held)) return;
    const lastAttempt = attemptOf(held, outcome, at(), refusal);
    said.rests(held.config);
    ports.count(outcome, outcome === 'refused' ? refusal.code : null);
    const records = [endedRecord(held, outcome, null), triedRecord(held.config, { attempt: lastAttempt, key: '' })];
    await said.tell(held.config, records, [event], { lastAttempt });
  };

  /** A shadow that ran until now and whose life is over is said to have fallen off; its own outcome was `applied` long ago. */
  const fallOff = (config: string, before: Running, time: ResolveTime): readonly EventBody[] =>
    allHeld(ledger, config)
      .filter(({ layer, address, version }) => {
        return layer === before.layer && address === before.address && version === before.version;
      })
      .filter((held) => hasFallenOff(held, time))
      .slice(0, 1)
      .map((held) => ({ event: 'expired', ...about(held), reason: 'until has passed: the shadow falls off' }));

  const generationOf = ({ held }: Goal, since: string) =>
    held === null ? [] : documentGeneration(ledger, held, 'applied', since);

  return {
    refuse: (held, refusal) => end(held, 'refused', refusalEvent(held, refusal), refusal),
    fail(held, refusal) {
      const { code, reason } = refusal;
      return end(held, 'failed', { event: 'failed', ...about(held), code, reason, final: true }, refusal);
    },
    expire(held, what) {
      const refusal = refuse('expired', `${what} has passed while it waited`);
      const { code, reason } = refusal;
      return end(held, 'expired', { event: 'expired', ...about(held), code, reason, final: true }, refusal);
    },
    async displaced(held) {
      const newest = ledger.place(held.config, held.address, held.layer)?.latest;
      if (newest === undefined || newest.version < held.version) {
        const refusal = refuse('unknown-key', `the key ${held.kid} that signed it was revoked`);
        ports.count('refused', refusal.code);
        return said.tell(held.config, [], [refusalEvent(held, refusal)]);
      }
      const outcome = newest.digest === null ? 'withdrawn' : 'superseded';
      const reason = `by version ${newest.version}`;
      ports.count(outcome, null);
      await said.tell(held.config, [], [{ event: outcome, ...about(held), reason, final: true }]);
    },
    async applied(config, goal, changed, by, alarm) {
      const { held } = goal;
      const intent = ledger.intent(config);
      const trial = ports.trials.of(config);
      const of = held && refOf(held);
      const ours = [intent, trial].some((one) => one !== null && sameDocument(one.of, of));
      if (held !== null && held.ended === null && !ours && !isOpen(ledger, held)) return;
      const time = ports.time();
      const view = said.view(config);
      const since = at();
      const running: Running = {
        version: held?.version ?? 0,
        layer: held?.layer ?? null,
        address: held?.address ?? null,
        digest: goal.digest,
        since,
      };
      const records = [...generationOf(goal, since), ranRecord(config, running, by)];
      if (intent !== null) records.push(intentOverRecord(config));
      if (trial !== null) records.push(trialOverRecord(config));
      if (ports.trials.isBad(config, goal.digest) && alarm === undefined) records.push(goodRecord(config, goal.digest));
      const events = [...fallOff(config, view.running, time)];
      if (alarm !== undefined) {
        const { code, reason } = alarm;
        events.push({ event: 'alarm', ...(held === null ? { config } : about(held)), code, reason });
      }
      const what = { digest: goal.digest, changed } as const;
      // What runs already can only have been put in place again because somebody had changed it.
      const { version, layer, address, since: ranSince } = view.running;
      const same = version === running.version && layer === running.layer && address === running.address;
      const putBack = changed && ranSince !== null && same;
      let { lastAttempt } = view;
      const pin = ledger.pin(config);
      const pinned = pin !== null && isPinned(pin, goal.digest, held);
      // Something newer than what somebody went back to has proved itself: what was taken back is past.
      if (pin !== null && held !== null && isNewer(pin, held)) records.push(unpinnedRecord(config));
      if (pinned && !same) {
        events.push(wentBackEvent(ledger, config, pin, changed));
      } else if (held === null) {
        const reason = putBack ? PUT_BACK : 'as it was before Locksmith';
        events.push({ event: 'applied', config, version: 0, ...what, reason });
      } else {
        lastAttempt = attemptOf(held, 'applied', since, null);
        records.push(triedRecord(config, { attempt: lastAttempt, key: '' }));
        if (held.ended === null) {
          ports.count('applied', null);
          const newest = isOpen(ledger, held);
          records.push(newest ? endedRecord(held, 'applied', time.poweredS) : appliedBehindRecord(held, time.poweredS));
          records.push(ports.clockApplied(held.iat));
          events.push({ event: 'applied', ...about(held), ...what, final: true });
        } else {
          const reason = putBack ? PUT_BACK : 'nothing stands above it any more';
          events.push({ event: 'applied', ...about(held), ...what, reason });
        }
      }
      said.rests(config);
      await said.tell(config, records, events, { running, lastAttempt, confirmedBy: by });
    },
  };
}
