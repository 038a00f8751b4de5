import type { RunEnd, Show } from '../fleet/rollout/context.ts';
import type { Draft } from '../fleet/rollout/draft.ts';
import { type JudgedWave, needed } from '../fleet/rollout/judge.ts';
import type { Plan } from '../fleet/rollout/plan.ts';
import { STANDINGS, type Standing } from '../fleet/rollout/standing.ts';
import { EXIT } from '../values/errors.ts';
import { sayDuration } from '../values/units.ts';
import type { Terminal } from './command.ts';

/** In a wave with more devices than this, those that are well are only counted. */
const NAMED_MAX = 30;
/** Where no line can be redrawn, how often it is said how far it is. */
const LOG_EVERY_MS = 15_000;

/** A device as a person reads it. */
export function sayStanding({ device, state, why, code }: Standing): string {
  const named = code === null || why.includes(code.replaceAll('-', ' ')) ? '' : ` (${code})`;
  return `${device.padEnd(16)} ${state}${why === '' ? '' : `: ${why}`}${named}`;
}

/** Where a roll-out stands. */
export function sayStage({ stage, wave, waves }: Pick<Plan, 'stage' | 'wave' | 'waves'>): string {
  const at = `${waves[wave]?.name} (${wave + 1} of ${waves.length})`;
  switch (stage) {
    case 'waves':
      return `under way at ${at}`;
    case 'paused':
      return `paused at ${at}`;
    case 'undoing':
      return 'being taken back';
    case 'promoting':
    case 'done':
    case 'halted':
      return stage;
  }
}

/** How far a wave is, in one line. */
export function sayProgress({ wave, standings }: JudgedWave): string {
  const counts = STANDINGS.flatMap((state) => {
    const count = standings.filter((one) => one.state === state).length;
    return count === 0 || state === 'confirmed' ? [] : [`${count} ${state}`];
  });
  const well = standings.filter(({ state }) => state === 'confirmed').length;
  const counted = standings.filter(({ state }) => state !== 'skipped').length;
  const need = needed(counted, wave.success);
  return [`${wave.name}: ${well} of ${need} confirmed`, ...counts].join(', ');
}

/** The plan before anything is done: who is changed when. */
export function sayDraft({ plan, fleet, hidden, halted }: Draft): string {
  const { name, config, target, waves, rules, later } = plan;
  const [within, soak] = [rules.within_s, rules.soak_s].map((seconds) => sayDuration(seconds * 1000));
  const lines = waves.map(({ name: wave, group, devices, success }) => {
    const who = devices.length <= 12 ? devices.join(' ') : `${devices.slice(0, 12).join(' ')} …`;
    const part = success === 100 ? '' : `, ${success} % must be well`;
    return `  ${wave.padEnd(8)} ${String(devices.length).padStart(5)}  ${group === null ? '' : `grp/${group}: `}${who}${part}`;
  });
  return [
    `roll-out ${name}: ${config} for ${target}, ${fleet} ${fleet === 1 ? 'device' : 'devices'}`,
    ...lines,
    `  then one base document for ${target}, and the shadows are withdrawn`,
    `  each device has ${within}, each wave stays well for ${soak}${rules.pause ? '; it stops after the canary' : ''}`,
    ...(later.length === 0 ? [] : [`  offline, and so with the promotion: ${later.join(' ')}`]),
    ...hidden.map(({ device, by }) => `  left out: ${device} covered by ${by}`),
    ...halted.slice(0, 12).map(({ device, by }) => `  stops at ${device}: ${by}`),
    ...(halted.length > 12 ? [`  and at ${halted.length - 12} more that a halt holds`] : []),
    '',
  ].join('\n');
}

/** What became of it, for people; and the exit code. */
export function sayEnd(
  end: RunEnd,
  { name, stage }: Pick<Plan, 'name' | 'stage'>,
): { readonly line: string; readonly exit: number } {
  const left = 'left' in end && end.left.length > 0 ? `; not there yet: ${end.left.join(', ')}` : '';
  const go = `locksmith rollout resume ${name}`;
  const after = `. To wait for them again: ${go}; to let it be: locksmith rollout halt ${name}`;
  switch (end.kind) {
    case 'done':
      return {
        line:
          end.left.length === 0
            ? 'done: everybody who is there runs the base'
            : `done: all but these run the base: ${end.left.join(', ')}`,
        exit: EXIT.done,
      };
    case 'paused':
      return { line: `paused after the canary; to go on: ${go}`, exit: EXIT.done };
    case 'held':
      return { line: `stopped: ${end.why}; nothing was taken back. To go on: ${go}`, exit: EXIT.refused };
    case 'failed':
      return { line: `failed: ${end.why}${stage === 'promoting' ? after : left}`, exit: EXIT.failed };
    case 'halted':
      return { line: `halted, and taken back: ${end.why}${left}`, exit: EXIT.refused };
    case 'taken':
      return { line: end.why, exit: EXIT.refused };
  }
}

/** Shows a roll-out as it goes: a line a change, and a line that is redrawn where the terminal can. */
export function openShow(
  terminal: Terminal,
  quiet: boolean,
): Show & { readonly last: () => readonly JudgedWave[]; clear(): void } {
  const said = new Map<string, string>();
  const state: { last: readonly JudgedWave[]; progress: string; saidMs: number } = {
    last: [],
    progress: '',
    saidMs: performance.now(),
  };
  const clear = terminal.live ? '\r\u001b[2K' : '';
  const say = (line: string) => {
    if (quiet) return;
    if (terminal.live) terminal.err(clear);
    terminal.out(`${line}\n`);
  };
  const progress = (text: string) => {
    if (quiet || text === state.progress || text === '') return;
    // A line that is longer than the terminal cannot be taken back.
    if (terminal.live) terminal.err(`${clear}${text.slice(0, (terminal.columns ?? 80) - 3)} …`);
    else if (performance.now() - state.saidMs < LOG_EVERY_MS) return;
    else terminal.out(`${text}\n`);
    state.saidMs = performance.now();
    state.progress = text;
  };
  return {
    note: say,
    progress,
    last: () => state.last,
    clear: () => {
      if (terminal.live && !quiet) terminal.err(clear);
    },
    standings(_plan, waves) {
      state.last = waves;
      for (const { standings } of waves) {
        for (const standing of standings) {
          const { device, state: now } = standing;
          const key = `${now} ${standing.why.replace(/, for [^,]*/, '')}`;
          if (said.get(device) === key) continue;
          said.set(device, key);
          const isLoud = now !== 'unsent' && now !== 'silent' && (now !== 'confirmed' || standings.length <= NAMED_MAX);
          if (isLoud) say(sayStanding(standing));
        }
      }
      const current = waves.at(-1);
      if (current !== undefined) progress(sayProgress(current));
    },
  };
}
