import { HOT_WAYS, type HotWay, type RolloutRules } from '../fleet/rollout/plan.ts';
import { parseCanary, parseWave, type WaveWish } from '../fleet/rollout/waves.ts';
import { parseDurationMs } from '../values/units.ts';
import { misuse, readDuration } from './fleet-options.ts';

/** Options that say how a roll-out is judged; `start` and `resume` have them. */
export const RULE_OPTIONS = {
  within: { type: 'string' },
  soak: { type: 'string' },
  hot: { type: 'string' },
  'release-orphaned': { type: 'boolean' },
  'keep-failed': { type: 'boolean' },
} as const;

/** The help text of {@link RULE_OPTIONS}. */
export const RULE_HELP = `  --within D            time a device has to confirm; longer counts as failed (default: 10m)
  --soak D              how long a wave must stay well before the next one (default: 1m)
  --hot stop|wait|skip  a lock that stays HOT: stop the roll-out and name the holder (default), wait, or go on without the device
  --release-orphaned    release locks whose owner is gone, and end the process that was left with them
  --keep-failed         when it fails, take nothing back`;

/** Options that say who is changed when. */
export const WAVE_OPTIONS = {
  canary: { type: 'string' },
  waves: { type: 'string', default: '1,10%,50%,100%' },
  success: { type: 'string', default: '100%' },
  offline: { type: 'string', default: 'later' },
} as const;

/** The help text of {@link WAVE_OPTIONS}. */
export const WAVE_HELP = `  --canary WHO          who goes first: devices with commas between, a number, or grp/GROUP; all of it must be well
  --waves LIST          then so many, or so much of the fleet, in all; or grp/GROUP (default: 1,10%,50%,100%). Ends with 100%
  --success P%          how much of a wave must be well (default: 100%); the rest may fail
  --offline later|wait  a device that is offline gets it with the promotion (default), or has its place in a wave`;

type RuleValues = {
  readonly within?: string | undefined;
  readonly soak?: string | undefined;
  readonly hot?: string | undefined;
  readonly 'release-orphaned'?: boolean | undefined;
  readonly 'keep-failed'?: boolean | undefined;
};

/** What a roll-out is judged by where nobody says anything else. */
export const DEFAULT_RULES: RolloutRules = {
  ...{ within_s: 600, soak_s: 60, pause: false, hot: 'stop', release: false, undo: true },
};

/** Reads {@link RULE_OPTIONS} on top of what holds so far. Throws SaidError (exit 2). */
export function readRules(values: RuleValues, before: RolloutRules): RolloutRules {
  const seconds = (option: 'within' | 'soak', text: string): number => {
    // A soak of nothing is asked for now and then.
    if (option === 'soak' && parseDurationMs(text) === 0) return 0;
    return Math.ceil(readDuration('rollout', option, text) / 1000);
  };
  const { within, soak, hot } = values;
  return {
    ...before,
    within_s: within === undefined ? before.within_s : seconds('within', within),
    soak_s: soak === undefined ? before.soak_s : seconds('soak', soak),
    hot: hot === undefined ? before.hot : readHot(hot),
    release: values['release-orphaned'] ?? before.release,
    undo: values['keep-failed'] === undefined ? before.undo : !values['keep-failed'],
  };
}

function readHot(text: string): HotWay {
  const way = HOT_WAYS.find((one) => one === text);
  if (way === undefined) throw misuse('rollout', `--hot: expected ${HOT_WAYS.join(', ')}, found '${text}'`);
  return way;
}

/** Reads {@link WAVE_OPTIONS}. Throws SaidError (exit 2). */
export function readWaves(values: {
  readonly canary?: string | undefined;
  readonly waves: string;
  readonly success: string;
  readonly offline: string;
}): { readonly waves: readonly WaveWish[]; readonly success: number; readonly withOffline: boolean } {
  const waves = values.waves.split(',').map((text) => {
    const wave = parseWave(text.trim());
    if (wave === null)
      throw misuse('rollout', `--waves: expected numbers, percentages or grp/GROUP like 3,10%,100%, found '${text}'`);
    return wave;
  });
  const last = waves.at(-1);
  if (last?.kind !== 'percent' || last.percent !== 100) {
    throw misuse('rollout', '--waves: must end with 100%: the promotion is for every device of the target');
  }
  const canary = values.canary === undefined ? null : parseCanary(values.canary);
  if (values.canary !== undefined && canary === null) {
    throw misuse('rollout', `--canary: expected devices, a number or grp/GROUP, found '${values.canary}'`);
  }
  const success = Number(/^(\d{1,3})%?$/.exec(values.success)?.[1] ?? 0);
  if (success < 1 || success > 100) {
    throw misuse('rollout', `--success: expected a percentage from 1% to 100%, found '${values.success}'`);
  }
  const { offline } = values;
  if (offline !== 'later' && offline !== 'wait')
    throw misuse('rollout', `--offline: expected later or wait, found '${offline}'`);
  return { waves: canary === null ? waves : [canary, ...waves], success, withOffline: offline === 'wait' };
}
