import { type Address, isLayer, type Layer, parseAddress } from '../values/topics.ts';
import { isDigest } from '../values/units.ts';
import type { Confirm, Expectation, When } from '../values/update.ts';
import { whyNoWindow } from '../values/window.ts';
import { misuse, parseTime, readCount, readDuration } from './fleet-options.ts';

/** Options that say when an update is applied, and how it proves itself. */
export const TERMS_OPTIONS = {
  window: { type: 'string' },
  'window-minutes': { type: 'string' },
  'window-tz': { type: 'string' },
  vehicle: { type: 'string' },
  confirm: { type: 'string' },
  'confirm-within': { type: 'string' },
  retry: { type: 'boolean' },
  note: { type: 'string' },
} as const;

/** Options that say what an update is and for whom. */
export const UPDATE_OPTIONS = {
  ...TERMS_OPTIONS,
  to: { type: 'string' },
  layer: { type: 'string', default: 'base' },
  until: { type: 'string' },
  exp: { type: 'string' },
  'expect-digest': { type: 'string' },
  'expect-token': { type: 'string' },
  key: { type: 'string' },
} as const;

/** The help text of {@link UPDATE_OPTIONS}. */
export const UPDATE_HELP = `  --to ADDRESS          dev/ID, grp/GROUP or all
  --key FILE            private key made by \`locksmith keys new\` (or set LOCKSMITH_KEY)
  --layer base|shadow   the fleet's release, or a temporary override (default: base)
  --until T             end of a shadow: a duration from now (4h, 7d) or a time (2026-12-01T06:00:00Z)
  --exp T               not to be applied any more after T, if it still waits
  --expect-digest D     apply only over this content (sha256:…)
  --expect-token N      apply only if the lock has this token
  --window CRON --window-minutes N [--window-tz ZONE]
                        apply only within N minutes of a match of CRON, as in a crontab (default zone: UTC)
  --vehicle safe        apply only while the vehicle is disarmed and landed, also where the settings do not ask for it
  --confirm link|fleet [--confirm-within D]
                        taken back unless the device reaches its broker again, or \`locksmith confirm\` comes, within D (default: 60s)
  --retry               also where this content failed before
  --note TEXT           words for people`;

type UpdateValues = {
  readonly [option in keyof Omit<typeof UPDATE_OPTIONS, 'retry'>]?: string | undefined;
} & { readonly retry?: boolean | undefined };

/** What {@link UPDATE_OPTIONS} say. Times are epoch seconds. */
export interface UpdateWords {
  readonly address: Address;
  readonly layer: Layer;
  readonly until: number | undefined;
  readonly exp: number | undefined;
  readonly expect: Expectation | undefined;
  readonly when: When | undefined;
  readonly confirm: Confirm | undefined;
  readonly retry: true | undefined;
  readonly note: string | undefined;
}

/** Reads {@link UPDATE_OPTIONS}. Throws {@link SaidError} (exit 2). `withdraw`: a shadow needs no end then. */
export function readUpdateWords(command: string, values: UpdateValues, nowS: number, withdraw: boolean): UpdateWords {
  const { to, layer, note } = values;
  const address = to === undefined ? null : parseAddress(to);
  if (address === null) {
    throw misuse(
      command,
      to === undefined ? 'to whom? give --to ADDRESS' : `--to: expected dev/ID, grp/GROUP or all, found '${to}'`,
    );
  }
  if (!isLayer(layer)) throw misuse(command, `--layer: expected base or shadow, found '${layer}'`);
  const time = (option: 'until' | 'exp') => {
    const text = values[option];
    if (text === undefined) return undefined;
    const at = parseTime(text, nowS);
    if (at === null)
      throw misuse(
        command,
        `--${option}: expected a duration like 4h or a time like 2026-12-01T06:00:00Z, found '${text}'`,
      );
    if (at <= nowS) throw misuse(command, `--${option}: ${text} is not in the future`);
    return at;
  };
  const until = time('until');
  if (layer === 'shadow' && until === undefined && !withdraw) throw misuse(command, 'a shadow needs --until T');
  if (layer === 'base' && until !== undefined) throw misuse(command, '--until is for --layer shadow');
  const [expect, when] = [readExpect(command, values), readWhen(command, values)];
  const confirm = readConfirm(command, values);
  const retry = values.retry === true ? true : undefined;
  return { address, layer, until, exp: time('exp'), expect, when, confirm, retry, note };
}

function readConfirm(command: string, values: UpdateValues): Confirm | undefined {
  const { confirm: by, 'confirm-within': within } = values;
  if (by === undefined && within !== undefined)
    throw misuse(command, '--confirm-within goes with --confirm link or fleet');
  if (by === undefined) return undefined;
  if (by !== 'link' && by !== 'fleet') throw misuse(command, `--confirm: expected link or fleet, found '${by}'`);
  return { within_s: Math.ceil(readDuration(command, 'confirm-within', within ?? '60s') / 1000), by };
}

function readWhen(command: string, values: UpdateValues): When | undefined {
  const { window: cron, 'window-minutes': minutes, 'window-tz': tz, vehicle } = values;
  if (vehicle !== undefined && vehicle !== 'safe')
    throw misuse(command, `--vehicle: expected safe, found '${vehicle}': a document can only ask for more`);
  if (cron === undefined && (minutes !== undefined || tz !== undefined))
    throw misuse(command, '--window-minutes and --window-tz go with --window CRON');
  if (cron !== undefined && minutes === undefined)
    throw misuse(command, 'how long is the window open? give --window-minutes N');
  const window =
    cron === undefined || minutes === undefined
      ? undefined
      : { cron, minutes: readCount(command, 'window-minutes', minutes), tz: tz ?? 'UTC' };
  const why = window === undefined ? null : whyNoWindow(window);
  if (why !== null) throw misuse(command, `--window: ${why}`);
  if (window === undefined && vehicle === undefined) return undefined;
  return { ...(window === undefined ? {} : { window }), ...(vehicle === undefined ? {} : { vehicle: 'safe' }) };
}

function readExpect(command: string, values: UpdateValues): Expectation | undefined {
  const { 'expect-digest': digest, 'expect-token': token } = values;
  if (digest !== undefined && !isDigest(digest))
    throw misuse(command, `--expect-digest: expected sha256: and 64 hex digits, found '${digest}'`);
  if (token !== undefined && !/^\d{1,15}$/.test(token))
    throw misuse(command, `--expect-token: expected a whole number, found '${token}'`);
  if (digest === undefined && token === undefined) return undefined;
  return { ...(digest === undefined ? {} : { digest }), ...(token === undefined ? {} : { token: Number(token) }) };
}
