import type { RolloutRules, Wave } from './plan.ts';
import type { Standing } from './standing.ts';

/** A wave that has begun, and how its devices stand. */
export interface JudgedWave {
  readonly wave: Wave;
  readonly standings: readonly Standing[];
}

/** What is to be done next. */
export type Verdict =
  /** `isReady`: enough are well; only the time to stay so is not over. */
  | { readonly kind: 'wait'; readonly isReady: boolean }
  | { readonly kind: 'go' }
  /** Too many have failed. */
  | { readonly kind: 'stop'; readonly why: string }
  /** Too many are HOT in a way that no waiting will mend. */
  | { readonly kind: 'hold'; readonly why: string }
  | { readonly kind: 'skip'; readonly devices: readonly string[] }
  | { readonly kind: 'release'; readonly devices: readonly string[] };

/** HOT for reasons that do not go away by themselves. */
const HOPELESS = ['orphaned', 'unseen'];

/** True for a device that has had its chance and is not well. */
function isBad({ state, isLate }: Standing, hot: RolloutRules['hot']): boolean {
  if (state === 'failed' || state === 'worse' || state === 'late' || state === 'covered') return true;
  return state === 'hot' && isLate && hot === 'wait';
}

/** HOT, and waiting longer is of no use. */
function isStuck({ state, isLate, lock }: Standing): boolean {
  return state === 'hot' && (isLate || HOPELESS.includes(lock?.verdict ?? ''));
}

/** What is known of the devices of the current wave beside how they stand. */
export interface Known {
  /** For how long enough have been well, seconds; null: they are not. */
  readonly readyForS: number | null;
  /** Whose lock a release was tried on, and whether they say that it worked: what they say of the lock may still be on its way. */
  readonly released?: ReadonlyMap<string, boolean>;
  /** Whose heartbeat is still to come since enough have been well. */
  readonly unheard?: ReadonlySet<string>;
}

/** Judges the waves that have begun, the last one being the one that is waited for. Pure. */
export function judge(begun: readonly JudgedWave[], rules: RolloutRules, known: Known): Verdict {
  const { readyForS, released = new Map<string, boolean>(), unheard = new Set<string>() } = known;
  const { hot, release, soak_s, within_s } = rules;
  for (const { wave, standings } of begun) {
    const counted = standings.filter(({ state }) => state !== 'skipped');
    const allowed = counted.length - needed(counted.length, wave.success);
    const bad = counted.filter((one) => isBad(one, hot));
    if (bad.length > allowed) return { kind: 'stop', why: sayBad(wave, bad, allowed) };
  }
  const current = begun.at(-1);
  if (current === undefined) return { kind: 'go' };
  const { wave, standings } = current;
  const counted = standings.filter(({ state }) => state !== 'skipped');
  const orphaned = counted.filter(
    ({ device, state, lock }) => state === 'hot' && lock?.verdict === 'orphaned' && !released.has(device),
  );
  if (release && orphaned.length > 0) return { kind: 'release', devices: orphaned.map(({ device }) => device) };
  const stuck = counted.filter((one) => isStuck(one) && (one.isLate || released.get(one.device) !== true));
  // The rest of the fleet does not follow a canary that nobody was.
  const left = counted.length - (hot === 'skip' ? stuck.length : 0);
  if (left === 0 && begun.length === 1) return { kind: 'hold', why: sayEmpty(wave, stuck) };
  if (stuck.length > 0 && hot === 'skip') return { kind: 'skip', devices: stuck.map(({ device }) => device) };
  const bad = counted.filter((one) => isBad(one, hot));
  const need = needed(counted.length, wave.success);
  const allowed = counted.length - need;
  if (hot === 'stop' && stuck.length + bad.length > allowed && stuck.length > 0) {
    return { kind: 'hold', why: stuck.map(({ device, why }) => `${device}: ${why}`).join('; ') };
  }
  const well = counted.filter(({ state }) => state === 'confirmed');
  const isReady = well.length >= need;
  if (!isReady || readyForS === null || readyForS < soak_s) return { kind: 'wait', isReady };
  const mute = well.filter(({ device }) => unheard.has(device));
  if (well.length - mute.length >= need) return { kind: 'go' };
  if (readyForS < soak_s + within_s) return { kind: 'wait', isReady };
  const why = 'runs it, and no heartbeat has come since';
  return {
    kind: 'stop',
    why: sayBad(
      wave,
      mute.map((one) => ({ ...one, state: 'silent', why })),
      allowed,
    ),
  };
}

/** How many of so many devices must be well. */
export function needed(count: number, success: number): number {
  return Math.ceil((count * success) / 100);
}

function sayEmpty({ name }: Wave, stuck: readonly Standing[]): string {
  const hot = stuck.map(({ device, why }) => `${device}: ${why}`);
  return [`${name}: without those that are HOT nobody would be left to show that it is well`, ...hot].join('; ');
}

function sayBad({ name }: Wave, bad: readonly Standing[], allowed: number): string {
  const [first, ...more] = bad;
  const others = more.length === 0 ? '' : `, and ${more.length} more`;
  const limit = allowed === 0 ? '' : ` (at most ${allowed} may fail)`;
  const code = first?.code == null ? '' : ` (${first.code})`;
  return `${name}: ${first?.device} ${first?.state}: ${first?.why}${code}${others}${limit}`;
}
