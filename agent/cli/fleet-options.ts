import { type FleetBroker, LinkFailure } from '../fleet/link.ts';
import { sayLink, stateOfEnd } from '../link/states.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { NAME, parseDurationMs } from '../values/units.ts';

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

/** Reads a time: a duration from now, or RFC 3339. Epoch seconds; null if it is neither. */
export function parseTime(text: string, nowS: number): number | null {
  const durationMs = parseDurationMs(text);
  if (durationMs !== null) return nowS + Math.ceil(durationMs / 1000);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : Math.floor(ms / 1000);
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
