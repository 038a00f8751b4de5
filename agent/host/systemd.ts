import * as fs from 'node:fs';
import koffi from 'koffi';
import type { Supervisor } from '../ports/supervisor.ts';
import type { LogLevel } from '../values/log-line.ts';

// Source of the numbers: <sys/socket.h>; the same on every Linux this runs on.
const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
/** Neither a signal nor a wait: a supervisor or a journal that stands still must not make the agent stand still. */
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
/** sizeof(sun_path). */
const PATH_BYTES = 108;

/** Where journald takes entries with fields. Source: systemd's page "Native Journal Protocol". */
const JOURNAL_SOCKET = '/run/systemd/journal/socket';
/** Source: syslog(3). */
const PRIORITY: Readonly<Record<LogLevel, number>> = { error: 3, warning: 4, notice: 5, info: 6, debug: 7 };

/** An address as the kernel reads it; `@` starts an abstract one. Null if it does not fit. */
function unixAddress(path: string): Uint8Array | null {
  const name = Buffer.from(path, 'utf8');
  const abstract = path.startsWith('@');
  if (name.length === 0 || name.length >= PATH_BYTES) return null;
  const bytes = Buffer.alloc(2 + name.length + (abstract ? 0 : 1));
  bytes.writeUInt16LE(AF_UNIX, 0);
  name.copy(bytes, 2);
  if (abstract) bytes[2] = 0;
  return bytes;
}

/** Sends datagrams to a unix socket, by libc, for Node has none. False: it was not taken. */
function datagramsTo(path: string): (bytes: Uint8Array) => boolean {
  const address = unixAddress(path);
  if (address === null) return () => false;
  const libc = koffi.load(null);
  const open: (domain: number, type: number, protocol: number) => number = libc.func(
    'int socket(int domain, int type, int protocol)',
  );
  const send: (fd: number, bytes: Uint8Array, size: number, flags: number, to: Uint8Array, length: number) => number =
    libc.func('sendto', 'intptr_t', ['int', 'void *', 'size_t', 'int', 'void *', 'uint32_t']);
  const fd = open(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  return (bytes) => fd >= 0 && send(fd, bytes, bytes.length, MSG_DONTWAIT_NOSIGNAL, address, address.length) >= 0;
}

/** systemd, where it has started this process with `Type=notify` (sd_notify(3)); null for any other start. */
export function systemdSupervisor(env: Readonly<Record<string, string | undefined>>): Supervisor | null {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: watchdog } = env;
  if (socket === undefined || socket === '') return null;
  const send = datagramsTo(socket);
  const tell = (text: string) => void send(Buffer.from(text, 'utf8'));
  const withinMs = Math.floor(Number(watchdog) / 1000);
  return {
    aliveWithinMs: withinMs > 0 ? withinMs : null,
    ready: () => tell('READY=1'),
    alive: () => {
      if (watchdog !== undefined) tell('WATCHDOG=1');
    },
    status: (line) => tell(`STATUS=${line.replaceAll('\n', ' ')}`),
    stopping: () => tell('STOPPING=1'),
  };
}

/** Writes one entry with its fields; false if it was not taken, so that it is to be said elsewhere. */
export type JournalEntry = (
  level: LogLevel,
  text: string,
  fields: Readonly<Record<string, string | number | boolean | null>>,
) => boolean;

/** One entry in the journal's own form: a field a line, or with its length where it has several lines. Pure. */
export function journalEntry(...[level, text, fields]: Parameters<JournalEntry>): Uint8Array {
  const own = Object.entries(fields).flatMap(([name, value]) =>
    value === null ? [] : [[`LOCKSMITH_${name.toUpperCase()}`, String(value)] as const],
  );
  const all = [
    ['MESSAGE', text] as const,
    ['PRIORITY', String(PRIORITY[level])] as const,
    ['SYSLOG_IDENTIFIER', 'locksmith'] as const,
    ...own,
  ];
  return Buffer.concat(
    all.map(([name, value]) => {
      if (!value.includes('\n')) return Buffer.from(`${name}=${value}\n`);
      const bytes = Buffer.from(value);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(bytes.length));
      return Buffer.concat([Buffer.from(`${name}\n`), length, bytes, Buffer.from('\n')]);
    }),
  );
}

/**
 * The journal, where systemd has connected this process's stderr (`fd` 2) to it: there a line would lose level and fields. Null
 * everywhere else, also where somebody has led stderr into a file since.
 */
export function systemdJournal(
  env: Readonly<Record<string, string | undefined>>,
  fd = 2,
  socket = JOURNAL_SOCKET,
): JournalEntry | null {
  const { dev, ino } = fs.fstatSync(fd);
  if (env.JOURNAL_STREAM !== `${dev}:${ino}`) return null;
  const send = datagramsTo(socket);
  return (...entry) => send(journalEntry(...entry));
}
