import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { FileToSend } from '../fleet/compose.ts';
import { type FleetBroker, LinkFailure } from '../fleet/link.ts';
import { sayLink, stateOfEnd } from '../link/states.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { type Address, isLayer, type Layer, parseAddress } from '../values/topics.ts';
import { isDigest, NAME, parseDurationMs } from '../values/units.ts';
import { DOCUMENT_MAX_BYTES, type Expectation, type When } from '../values/update.ts';
import { whyNoWindow } from '../values/window.ts';

/** Options of every command that talks to the fleet's broker. */
export const BROKER_OPTIONS = {
  broker: { type: 'string' },
  root: { type: 'string', default: 'fleet' },
  user: { type: 'string' },
  'password-file': { type: 'string' },
  'tls-ca': { type: 'string' },
  'tls-cert': { type: 'string' },
  'tls-key': { type: 'string' },
  'tls-servername': { type: 'string' },
  protocol: { type: 'string', default: '3.1.1' },
} as const;

/** The help text of {@link BROKER_OPTIONS}. */
export const BROKER_HELP = `  --broker URL          mqtt://host:port or mqtts://host:port (or set LOCKSMITH_BROKER)
  --root NAME           first level of every topic (default: fleet)
  --user NAME           user at the broker; with --password-file FILE
  --tls-ca FILE         authority of the broker's certificate (default: those of the system)
  --tls-cert FILE --tls-key FILE
                        our own certificate, for mutual TLS
  --tls-servername NAME name expected in the broker's certificate
  --protocol 3.1.1|5    MQTT version (default: 3.1.1)`;

type Values = { readonly [option in keyof typeof BROKER_OPTIONS]?: string | undefined };
type Env = Readonly<Record<string, string | undefined>>;

/** A usage error of a command. */
export function misuse(command: string, why: string): SaidError {
  return new SaidError(EXIT.usage, `${command}: ${why}`, `locksmith ${command} --help`);
}

/** Reads {@link BROKER_OPTIONS}. Throws {@link SaidError} (exit 2). */
export function readBroker(command: string, values: Values, env: Env): FleetBroker & { readonly root: string } {
  const url = values.broker ?? env.LOCKSMITH_BROKER;
  if (url === undefined || url === '')
    throw misuse(command, 'which broker? give --broker URL, or set LOCKSMITH_BROKER');
  if (!/^mqtts?:\/\/[^/@?#]+\/?$/.test(url) || !URL.canParse(url)) {
    throw misuse(command, `--broker: expected mqtt://host:port or mqtts://host:port, found '${url}'`);
  }
  const { protocol, root } = values;
  if (protocol !== '3.1.1' && protocol !== '5')
    throw misuse(command, `--protocol: expected 3.1.1 or 5, found '${protocol}'`);
  if (root === undefined || !NAME.test(root)) throw misuse(command, `--root: expected a name, found '${root}'`);
  const { user = null, 'password-file': passwordFile = null } = values;
  if (passwordFile !== null && user === null) throw misuse(command, '--password-file needs --user');
  const tls = {
    ca: values['tls-ca'] ?? null,
    cert: values['tls-cert'] ?? null,
    key: values['tls-key'] ?? null,
    servername: values['tls-servername'] ?? null,
  };
  if ((tls.cert === null) !== (tls.key === null)) throw misuse(command, '--tls-cert and --tls-key come together');
  if (url.startsWith('mqtt:') && Object.values(tls).some((value) => value !== null)) {
    throw misuse(command, 'the --tls options are for mqtts:// brokers');
  }
  return { url, protocol, username: user, passwordFile, tls, root };
}

/** Reads `--key`, or `LOCKSMITH_KEY`. */
export function readKeyPath(command: string, value: string | undefined, env: Env): string {
  const path = value ?? env.LOCKSMITH_KEY;
  if (path === undefined || path === '') throw misuse(command, 'which key? give --key FILE, or set LOCKSMITH_KEY');
  return path;
}

/** Options that say what an update is and for whom. */
export const UPDATE_OPTIONS = {
  to: { type: 'string' },
  layer: { type: 'string', default: 'base' },
  until: { type: 'string' },
  exp: { type: 'string' },
  'expect-digest': { type: 'string' },
  'expect-token': { type: 'string' },
  window: { type: 'string' },
  'window-minutes': { type: 'string' },
  'window-tz': { type: 'string' },
  vehicle: { type: 'string' },
  note: { type: 'string' },
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
  --note TEXT           words for people`;

type UpdateValues = { readonly [option in keyof typeof UPDATE_OPTIONS]?: string | undefined };

/** What {@link UPDATE_OPTIONS} say. Times are epoch seconds. */
export interface UpdateWords {
  readonly address: Address;
  readonly layer: Layer;
  readonly until: number | undefined;
  readonly exp: number | undefined;
  readonly expect: Expectation | undefined;
  readonly when: When | undefined;
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
  return { address, layer, until, exp: time('exp'), expect, when, note };
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

/** Reads a time: a duration from now, or RFC 3339. Epoch seconds; null if it is neither. */
export function parseTime(text: string, nowS: number): number | null {
  const durationMs = parseDurationMs(text);
  if (durationMs !== null) return nowS + Math.ceil(durationMs / 1000);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
}

/** Options that say more of the files of an update. */
export const FILE_OPTIONS = {
  absent: { type: 'string', multiple: true },
} as const;

/** The help text of {@link FILE_OPTIONS}. */
export const FILE_HELP = `  --absent NAME         a file of the config that is to be removed; again for each`;

/**
 * Reads `PATH` or `NAME=PATH` arguments and {@link FILE_OPTIONS} into the files of an update. Throws {@link SaidError} (exit 2).
 */
export function readFilesToSend(
  command: string,
  args: readonly string[],
  options: { readonly absent?: readonly string[] | undefined },
): readonly FileToSend[] {
  const absent = (options.absent ?? []).map((name) => ({ name, bytes: null }));
  if (args.length + absent.length === 0) throw misuse(command, 'which files? name every file of the config');
  return [...readPaths(command, args), ...absent];
}

function readPaths(command: string, args: readonly string[]): readonly FileToSend[] {
  return args.map((arg) => {
    const renamed = /^([^=/]+)=(.+)$/.exec(arg);
    const path = renamed?.[2] ?? arg;
    try {
      const bytes = readFileSync(path);
      if (bytes.length > DOCUMENT_MAX_BYTES) {
        throw new SaidError(
          EXIT.failed,
          `${path}: ${bytes.length} bytes do not fit into an update of 128 KiB`,
          'make the file smaller, or split the config',
        );
      }
      return { name: renamed?.[1] ?? basename(path), bytes };
    } catch (error) {
      if (error instanceof SaidError) throw error;
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      throw new SaidError(EXIT.usage, `${command}: ${path}: cannot be read: ${code}`, `locksmith ${command} --help`);
    }
  });
}

/** A whole number of at least 1. Throws {@link SaidError} (exit 2). */
export function readCount(command: string, option: string, text: string): number {
  const value = Number(text);
  if (!/^\d{1,15}$/.test(text) || value < 1)
    throw misuse(command, `--${option}: expected a whole number from 1, found '${text}'`);
  return value;
}

/** A duration in milliseconds. Throws {@link SaidError} (exit 2). */
export function readDuration(command: string, option: string, text: string): number {
  const ms = parseDurationMs(text);
  if (ms === null || ms === 0)
    throw misuse(command, `--${option}: expected a duration like 30s, 5m or 2h, found '${text}'`);
  return ms;
}

/** Runs something that needs the broker; a broken link becomes one line that says what is so. */
export async function withLinkWords<T>(broker: FleetBroker, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof LinkFailure)) throw error;
    const { words } = sayLink(stateOfEnd(error.end, broker.protocol), error.end.message);
    throw new SaidError(
      EXIT.failed,
      `${broker.url}: ${words}`,
      'look at --broker and at the user and TLS options (--help)',
    );
  }
}
