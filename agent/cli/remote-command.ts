import { type CommandBody, type CommandEnd, sendCommand } from '../fleet/command.ts';
import { connectFleet, type FleetLink } from '../fleet/link.ts';
import { namedHolder, readRetained, readSeenLock } from '../fleet/retained.ts';
import { readSigner } from '../fleet/signer.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { remedyOf } from '../values/remedy.ts';
import { deviceTopic } from '../values/topics.ts';
import { NAME } from '../values/units.ts';
import type { Terminal } from './command.ts';
import {
  BROKER_HELP,
  BROKER_OPTIONS,
  misuse,
  readBroker,
  readDuration,
  readKeyPath,
  withLinkWords,
} from './fleet-options.ts';

/** Options of every command that is carried out by a device far away. */
export const REMOTE_OPTIONS = {
  ...BROKER_OPTIONS,
  device: { type: 'string' },
  key: { type: 'string' },
  within: { type: 'string', default: '30s' },
  json: { type: 'boolean', default: false },
} as const;

/** The help text of {@link REMOTE_OPTIONS}. */
export const REMOTE_HELP = `  --device ID           the device that is to do it; it must be online
  --key FILE            private key made by \`locksmith keys new\` (or set LOCKSMITH_KEY)
  --within D            how long to wait for its answer (default: 30s)
  --json                print one JSON object at the end
${BROKER_HELP}`;

type Values = { readonly [option in keyof typeof REMOTE_OPTIONS]?: string | boolean | undefined };

/** Signs a command, sends it, waits for the answer and tells it; the exit code. `make` may look at the broker first. Throws SaidError. */
export async function sendRemote(
  command: string,
  make: (link: FleetLink, at: { readonly root: string; readonly device: string }) => Promise<CommandBody>,
  values: Values,
  terminal: Terminal,
): Promise<number> {
  const text = (option: keyof Values) => {
    const value = values[option];
    return typeof value === 'string' ? value : undefined;
  };
  const device = text('device');
  if (device === undefined || !NAME.test(device)) throw misuse(command, 'which device? give --device ID');
  const strings = Object.fromEntries(
    Object.entries(values).flatMap(([option, value]) => (typeof value === 'string' ? [[option, value] as const] : [])),
  );
  const { root, ...broker } = readBroker(command, strings, terminal.env);
  const withinMs = readDuration(command, 'within', text('within') ?? '30s');
  const signer = await readSigner(readKeyPath(command, text('key'), terminal.env));
  return withLinkWords(broker, async () => {
    const link = await connectFleet(broker);
    try {
      const body = await make(link, { root, device });
      const onPublished = () => values.json === true || terminal.err(`sent to ${device}, waiting for its answer\n`);
      const end = await sendCommand(link, { root, device, body, signer, withinMs, onPublished });
      if (values.json === true) terminal.out(`${JSON.stringify({ device, cmd: body.cmd, ...end })}\n`);
      return tell(end, { device, config: body.config ?? null }, values.json !== true, terminal);
    } finally {
      link.close();
    }
  });
}

/** What a release is bound to: the token that is given, else the one the device last reported, with the holder it reported. */
export async function boundRelease(
  link: FleetLink,
  at: { readonly root: string; readonly device: string },
  wish: {
    readonly config: string;
    readonly token: number | null;
    readonly endHolder: boolean;
    readonly reason: string;
  },
): Promise<CommandBody> {
  const { config, endHolder, reason } = wish;
  const lock = readSeenLock(await readRetained(link, deviceTopic(at.root, at.device, 'lock', config)));
  const token = wish.token ?? lock?.token;
  if (token === undefined) {
    throw new SaidError(
      EXIT.failed,
      `the broker keeps no lock of ${config} on ${at.device}: its token is not known`,
      `locksmith refresh --device ${at.device} …, or give --token N`,
    );
  }
  const holder = lock === null ? null : namedHolder(lock);
  if (endHolder && holder === null) {
    throw new SaidError(
      EXIT.refused,
      `${at.device} reports no holder of ${config}: there is nobody to end`,
      'leave --end-holder out',
    );
  }
  return {
    ...{ cmd: 'release', config, token, reason },
    ...(holder === null ? {} : { holder }),
    ...(endHolder ? { end_holder: true } : {}),
  };
}

function tell(
  end: CommandEnd,
  { device, config }: { readonly device: string; readonly config: string | null },
  aloud: boolean,
  terminal: Terminal,
): number {
  const say = (line: string) => aloud && terminal.out(`${line}\n`);
  switch (end.kind) {
    case 'answered': {
      const { state, code, reason, oldToken, token, changed } = end.answer;
      const why = reason === null ? '' : `: ${reason}`;
      if (state === 'refused') say(`${device} refused${code === null ? '' : ` (${code})`}${why}`);
      else if (state === 'failed') say(`${device} failed${code === null ? '' : ` (${code})`}${why}`);
      else if (changed === false) say(`${device}: the lock is COLD already, token ${token}`);
      else say(state === 'released' ? `${device} released; token ${oldToken} → ${token}` : `${device} ${state}`);
      const remedy = code === null ? null : remedyOf(code, config);
      if (remedy !== null && aloud) terminal.err(`Try: ${remedy}\n`);
      if (state === 'refused') return EXIT.refused;
      if (state === 'failed') return EXIT.failed;
      return changed === false ? EXIT.nothing : EXIT.done;
    }
    case 'away':
      throw new SaidError(
        EXIT.failed,
        `${device} is offline since ${end.at ?? 'some time'} (${end.reason ?? 'no reason given'}): nothing was sent, it would be lost`,
        'try again when it is online, or go there: locksmith release works without a network',
      );
    case 'silent': {
      const known = end.status === null ? 'the broker knows no device of that name' : 'it says it is online';
      const why = end.linkLost
        ? 'the link to the broker was lost after the command was sent'
        : `no answer in time; ${known}`;
      throw new SaidError(
        EXIT.failed,
        `${device}: ${why}`,
        'look at its lock and status at the broker, then send it anew',
      );
    }
    case 'sent':
      return EXIT.done;
  }
}
