import type { HookEnd, Hooks } from '../ports/hooks.ts';
import type { Units } from '../ports/processes.ts';
import type { Cancel, Clock } from '../ports/world.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import { type Code, Failure } from '../values/errors.ts';
import type { CommitFile } from './commit.ts';

/** How long one look at the health may take, in milliseconds; the rules of the settings leave room for it. */
const LOOK_MAX_MS = 5_000;

/** What the hooks of a config are asked with. */
export interface AskPorts {
  readonly hooks: Hooks;
  readonly units: Pick<Units, 'reload'>;
  readonly clock: Clock;
}

/** Whether hooks may be asked: none is while the vehicle is not safe. */
export interface Safety {
  isSafe(): boolean;
  /** Told whenever that may have changed. */
  onChange(listener: () => void): Cancel;
}

/** What a hook answered. `stopped`: it was ended because the agent leaves. `unsafe`: the vehicle is not safe any more. */
export type Answer =
  | { readonly kind: 'good' | 'stopped' | 'unsafe' }
  /** `brands`: the content is to blame, as far as one can tell: it was asked about, and the answer was no. */
  | { readonly kind: 'failed'; readonly code: Code; readonly reason: string; readonly brands: boolean };

/** The hooks of a config; one that has none is good. */
export interface Ask {
  /** About what is staged and not in place yet; ended as soon as it is not safe any more. */
  check(settings: ConfigSettings, files: readonly CommitFile[], safety: Safety): Promise<Answer>;
  /** Comes to its end once it has begun: half a reload is worse than one in the air. */
  reload(settings: ConfigSettings): Promise<Answer>;
  /** Looks until all was well so many times in a row, or the time is over; only while it is safe. */
  health(settings: ConfigSettings, safety: Safety): Promise<Answer>;
}

function answer(code: Code, what: string, { kind, words }: HookEnd): Answer {
  if (kind === 'good' || kind === 'stopped') return { kind };
  return { kind: 'failed', code, reason: `${what} ${words}`, brands: kind === 'bad' };
}

/** Puts the paths of the staged files into the words of a check. */
function staged(argv: readonly string[], files: readonly CommitFile[]): readonly string[] {
  const pathOf = (name: string | undefined): string | null => {
    const file = files.find((one) => name === undefined || one.name === name);
    // A file that is to be removed has nothing staged: it is looked for where it will not be.
    return file === undefined ? null : file.target.shownPath(file.staged ?? file.name);
  };
  return argv.map((word) => word.replace(/\{staged(?::([^}]*))?\}/g, (all, name) => pathOf(name) ?? all));
}

/** Makes it. */
export function createAsk({ hooks, units, clock }: AskPorts): Ask {
  const pause = (ms: number) => new Promise<void>((resolve) => void clock.after(ms, resolve));
  /** Ends a program that runs as soon as it is not safe any more. */
  const onArming = (safety: Safety) => (end: () => void) => {
    const look = () => {
      if (!safety.isSafe()) end();
    };
    look();
    return safety.onChange(look);
  };
  const look = (health: NonNullable<ConfigSettings['health']>, withinMs: number, safety: Safety): Promise<HookEnd> => {
    if (health.http !== undefined) return hooks.http('hook.health', health.http, withinMs);
    if (health.tcp !== undefined) return hooks.tcp('hook.health', health.tcp, withinMs);
    return hooks.run('hook.health', health.argv ?? [], withinMs, onArming(safety));
  };
  return {
    async check({ check }, files, safety) {
      if (check === undefined) return { kind: 'good' };
      // Validating and staging took their time.
      if (!safety.isSafe()) return { kind: 'unsafe' };
      const end = await hooks.run('hook.check', staged(check.argv, files), check.within_s * 1000, onArming(safety));
      if (end.kind === 'stopped' && !safety.isSafe()) return { kind: 'unsafe' };
      return answer('check-failed', `check ${check.argv[0]}`, end);
    },
    async reload({ reload }) {
      if (reload === undefined) return { kind: 'good' };
      const withinMs = reload.within_s * 1000;
      if (reload.unit === undefined) {
        const end = await hooks.run('hook.reload', reload.argv ?? [], withinMs);
        return answer('reload-failed', `reload ${reload.argv?.[0]}`, end);
      }
      try {
        await units.reload(reload.unit, withinMs);
        return { kind: 'good' };
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        return { kind: 'failed', code: 'reload-failed', reason: error.message, brands: true };
      }
    },
    async health({ health }, safety) {
      if (health === undefined) return { kind: 'good' };
      const endMs = clock.bootMs() + health.within_s * 1000;
      let well = 0;
      let last: HookEnd = { kind: 'not-started', words: 'there was no time to look' };
      for (;;) {
        if (!safety.isSafe()) return { kind: 'unsafe' };
        const leftMs = endMs - clock.bootMs();
        if (leftMs <= 0) {
          const reason = `not well ${health.times === 1 ? 'once' : `${health.times} times in a row`} within ${health.within_s} s: ${last.words}`;
          return { kind: 'failed', code: 'health-failed', reason, brands: last.kind !== 'not-started' };
        }
        last = await look(health, Math.min(LOOK_MAX_MS, leftMs), safety);
        if (last.kind === 'stopped') return { kind: safety.isSafe() ? 'stopped' : 'unsafe' };
        well = last.kind === 'good' ? well + 1 : 0;
        if (well >= health.times) return { kind: 'good' };
        await pause(Math.min(health.every_s * 1000, Math.max(0, endMs - clock.bootMs())));
      }
    },
  };
}
