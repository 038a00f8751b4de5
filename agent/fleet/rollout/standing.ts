import { isFields } from '../../values/fields.ts';
import { harmless } from '../../values/printable.ts';
import { sayDuration } from '../../values/units.ts';
import type { SeenLock } from '../retained.ts';
import type { SeenDevice } from '../view.ts';

/** A document of a roll-out that the broker keeps, as far as it matters here. */
export interface SentDocument {
  readonly id: string;
  readonly version: number;
  readonly layer: 'base' | 'shadow';
  readonly address: string;
  /** When it was signed, epoch seconds. */
  readonly iat: number;
}

/** How a device of a wave is doing. */
export const STANDINGS = [
  'unsent',
  'silent',
  'waiting',
  'hot',
  'confirmed',
  'failed',
  'worse',
  'late',
  'covered',
  'skipped',
] as const;
export type StandingState = (typeof STANDINGS)[number];

/** How a device stands to the document that was sent to it. */
export interface Standing {
  readonly device: string;
  readonly state: StandingState;
  /** In words; empty where there is nothing to add. */
  readonly why: string;
  readonly code: string | null;
  /** Its time is over: `late`, and a lock that has been HOT all the time. */
  readonly isLate: boolean;
  /** The lock, where it is in the way. */
  readonly lock: SeenLock | null;
}

/** What a standing is judged by. Times are epoch seconds. */
export interface StandingInput {
  readonly device: string;
  readonly config: string;
  /** What the broker keeps of it; null: nothing. */
  readonly seen: SeenDevice | null;
  readonly sent: SentDocument | null;
  readonly nowS: number;
  /** Since when its time counts. */
  readonly sinceS: number;
  readonly withinS: number;
  readonly isSkipped: boolean;
  /** Why it is worse off than before; null if it is not. */
  readonly worse: string | null;
}

const BAD_ENDS = ['refused', 'failed', 'rolled-back', 'superseded', 'withdrawn', 'expired'];

/** How a device stands. Pure. */
export function standingOf(input: StandingInput): Standing {
  const { device, config, seen, sent, isSkipped, worse } = input;
  const say = (state: StandingState, why = '', code: string | null = null, lock: SeenLock | null = null): Standing => ({
    ...{ device, state, why: harmless(why, 400), code, isLate: state === 'late', lock },
  });
  if (sent === null) return say(isSkipped ? 'skipped' : 'unsent');
  const isOver = input.nowS - Math.max(sent.iat, input.sinceS) >= input.withinS;
  const open = (state: 'silent' | 'waiting', why: string) => (isOver ? say('late', why) : say(state, why));

  const reported = seen?.wire.configs[config];
  const { running, last_attempt, pending } = isFields(reported) ? reported : {};
  const offline = seen?.online === false;
  const away = offline ? `offline since ${seen.lastSeen ?? 'some time'}${of(seen.reason)}` : '';
  if (isFields(running) && running.address === sent.address && running.layer === sent.layer) {
    if (running.version === sent.version) {
      if (worse !== null) return say('worse', worse);
      return offline && !isSkipped ? open('silent', `applied it, and is ${away}`) : say('confirmed');
    }
  }
  if (isSkipped) return say('skipped');
  const isPending = isFields(pending) && pending.id === sent.id;
  const last = isFields(last_attempt) && last_attempt.id === sent.id ? last_attempt : null;
  if (last !== null && !isPending && BAD_ENDS.some((end) => end === last.result)) {
    const code = text(last.code);
    return say('failed', `${text(last.result)}${of(text(last.reason))}`, code);
  }
  if (isPending) {
    const gates = Array.isArray(pending.waiting_for) ? pending.waiting_for.map(String) : [];
    const lock = seen?.locks[config] ?? null;
    if (gates.includes('lock') && lock?.state === 'HOT') {
      return { ...say('hot', sayHot(lock, input.nowS), 'lock-mismatch', lock), isLate: isOver };
    }
    return open('waiting', offline ? `waits for ${gates.join(', ')}, ${away}` : `waits for ${gates.join(', ')}`);
  }
  if (isFields(running) && running.layer === 'shadow' && sent.address.startsWith('grp/')) {
    const by = text(running.address) ?? '';
    if (by.startsWith('dev/'))
      return say('covered', `shadow version ${String(running.version)} for ${by} stands above it`);
  }
  return open('silent', offline ? away : 'has not said anything of it');
}

/** Who has a lock, and why it is HOT. Pure. */
export function sayHot({ file, verdict, holder, since, token }: SeenLock, nowS: number): string {
  const start = holder?.start === null || holder === null ? '' : ` start ${holder.start}`;
  const user = holder?.user === null || holder === null ? '' : `, user ${holder.user}`;
  const who =
    holder === null ? 'nobody that can be seen' : `pid ${holder.pid}${start} ${holder.command ?? 'somebody'}${user}`;
  const ms = since === null ? Number.NaN : nowS * 1000 - Date.parse(since);
  return `${file ?? 'its lock'} HOT, ${verdict ?? 'no verdict'}: ${who}${ms >= 0 ? `, for ${sayDuration(ms)}` : ''}, token ${token}`;
}

function of(reason: string | null): string {
  return reason === null || reason === '' ? '' : `: ${reason}`;
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? harmless(value, 300) : null;
}
