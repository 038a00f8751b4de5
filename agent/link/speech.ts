import type { Journal, JournalRecord } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { Outbox, Saying } from '../ports/outbox.ts';
import type { Cancel, Clock } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import type { LogLevel } from '../values/log-line.ts';
import type { EventBody } from '../values/report.ts';

/** How long the news of a token waits for something to go out with. */
const TOKEN_MS = 200;

/** What speech is made of. */
export interface SpeechInput {
  readonly outbox: Outbox;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  /** An event in plain words. */
  tell(event: EventBody): { readonly level: LogLevel; readonly line: string };
  onFatal(error: unknown): void;
}

/** The one voice of the agent: durable first, then to the fleet, then in the same words to the technician. */
export interface Speech {
  /** Makes records durable together with what is said about them. Throws Failure, and nothing is said then. */
  speak(records: readonly JournalRecord[], events: readonly EventBody[], states?: readonly Saying[]): Promise<void>;
  /** For what nobody waits for: a failure is logged, not lost. */
  later(work: Promise<void>): void;
  /** An own commit moved the token: that goes out with the report of the commit, not with a disk write of its own. */
  tokenMoved(config: string, lock: LockState): void;
}

/** Makes it. */
export function createSpeech(input: SpeechInput): Speech {
  const { outbox, journal, clock, log } = input;
  const moved = new Map<string, LockState>();
  let cancelNews: Cancel = () => {};

  const speak: Speech['speak'] = async (records, events, states = []) => {
    // Not with a document that is only taken in: its commit, which everybody waits for, comes right after.
    const news = events.length + states.length > 0 || records.length === 0 ? [...moved] : [];
    const tokens = news.map(([config, body]): Saying => ({ kind: 'lock', config, body }));
    if (news.length > 0) {
      moved.clear();
      cancelNews();
    }
    const said = events.map((body): Saying => ({ kind: 'evt', body }));
    const stamped = outbox.stamp([...said, ...states, ...tokens]);
    await journal.append([...records, ...stamped]);
    outbox.wake(stamped);
    for (const event of events) {
      const { level, line } = input.tell(event);
      const { event: name, code = null, config = null, update = null, version = null } = event;
      log.say(level, line, { event: name, code, config, update, version });
    }
    // Whoever speaks under a lock goes on to give it back, which is many small calls: the fleet need not wait for those.
    if (stamped.length > 0) await clock.turn();
  };
  const later = (work: Promise<void>) => {
    work.catch((error: unknown) => {
      if (!(error instanceof Failure)) return input.onFatal(error);
      log.say('error', `cannot remember: ${error.message} (${error.code})`);
    });
  };
  return {
    speak,
    later,
    tokenMoved(config, lock) {
      if (moved.size === 0) cancelNews = clock.after(TOKEN_MS, () => later(speak([], [])));
      moved.set(config, lock);
    },
  };
}
