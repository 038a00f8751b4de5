import * as fs from 'node:fs';
import { basename } from 'node:path';
import type { Inode } from '../ports/kernel.ts';
import type { LockLine, LockSearch, Processes, ProcessInfo } from '../ports/processes.ts';
import { errnoOf } from '../values/errno.ts';

/** Programs whose first argument, a script, says more than they do. */
const INTERPRETERS = /^(node|python[\d.]*|perl|ruby|bash|dash|sh|busybox)$/;
/** Longest name of a program that is passed on. */
const COMMAND_MAX = 64;

/**
 * Reads a file of /proc whole. It stays open, and is read into memory that is used again: Node would take 64 KiB anew each time, for it
 * cannot know the size.
 */
function procReader(path: string): () => string | null {
  const chunk = Buffer.allocUnsafeSlow(8192);
  let fd: number | null = null;
  return () => {
    try {
      fd ??= fs.openSync(path, 'r');
      let text = '';
      let at = 0;
      // To its end: the kernel gives a page at a time.
      for (let got = -1; got !== 0; at += got) {
        got = fs.readSync(fd, chunk, 0, chunk.length, at);
        text += chunk.toString('latin1', 0, got);
      }
      return text;
    } catch {
      if (fd !== null) fs.closeSync(fd);
      fd = null;
      return null;
    }
  };
}

function read(path: string): string | null {
  try {
    return fs.readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}

/** Start time and state out of /proc/PID/stat: counted after the last `)`, for a program may be called `) R 1`. */
export function parseStat(stat: string): { readonly start: number; readonly state: string } | null {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const start = Number(fields[19]);
  return fields[0] !== undefined && Number.isSafeInteger(start) ? { start, state: fields[0] } : null;
}

/** systemd unit or container out of /proc/PID/cgroup; null if it is in none. */
export function parseUnit(cgroup: string): string | null {
  const paths = cgroup.split('\n').flatMap((line) => {
    const match = /^\d+:(|name=systemd|[a-z_,]+):(.*)$/.exec(line);
    return match?.[2] === undefined ? [] : [match[2]];
  });
  for (const path of paths) {
    const container = /(?:docker|libpod|cri-containerd|crio)[-/]([0-9a-f]{12})[0-9a-f]{52}(?:\.scope)?/.exec(path);
    if (container?.[1] !== undefined) return `container ${container[1]}`;
    const lxc = /\/lxc(?:\.payload)?[./]([^/]+)/.exec(path);
    if (lxc?.[1] !== undefined) return `container ${lxc[1]}`;
    const parts = path.split('/').reverse();
    const unit = parts.find((part) => part.endsWith('.service')) ?? parts.find((part) => part.endsWith('.scope'));
    if (unit !== undefined) return unit;
  }
  return null;
}

/** What a person calls a program, out of /proc/PID/cmdline; null for an empty one. Never its arguments: they may hold secrets. */
export function parseCommand(cmdline: string): string | null {
  const [program, ...all] = cmdline.split('\0');
  if (program === undefined || program === '') return null;
  const name = basename(program).replace(/^-/, '');
  // Node's own flags, which the unit gives it: such as carry their value, or have none.
  const [first, second] =
    name === 'node' ? all.slice(all.findIndex((word) => !/^--([a-z-]+=|no-[a-z-]+$)/.test(word))) : all;
  const clean = (text: string) => text.replace(/[^\x21-\x7e ]/g, '?').slice(0, COMMAND_MAX);
  if (!INTERPRETERS.test(name) || first === undefined || first === '' || first.startsWith('-')) return clean(name);
  const script = basename(first);
  if (/^locksmith(\.js|\.ts)?$/.test(script)) return clean(`locksmith ${second ?? ''}`.trim());
  return clean(`${name} ${script}`);
}

/** Granted locks out of /proc/locks; waiting ones (`->`) are nobody's yet. Device numbers are joined as stat(2) gives them. */
export function parseLockLines(text: string): readonly LockLine[] {
  const lines: LockLine[] = [];
  const pattern = /^\d+: (FLOCK|POSIX|OFDLCK) .* (-?\d+) ([0-9a-f]+):([0-9a-f]+):(\d+) \d+ \S+$/gm;
  for (const [, kind, pid, major, minor, ino] of text.matchAll(pattern)) {
    if (major === undefined || minor === undefined) continue;
    const family = kind === 'FLOCK' ? 'flock' : kind === 'POSIX' ? 'posix' : ('ofd' as const);
    lines.push({
      family,
      pid: Number(pid),
      dev: joinDev(Number(`0x${major}`), Number(`0x${minor}`)),
      ino: Number(ino),
    });
  }
  return lines;
}

/** Source: makedev(3). */
function joinDev(major: number, minor: number): number {
  return (minor % 256) + (major % 4096) * 256 + Math.floor(minor / 256) * 2 ** 20 + Math.floor(major / 4096) * 2 ** 44;
}

function namespaceOf(pid: number | 'self', kind: 'pid' | 'time'): number | null {
  try {
    return Number(/\[(\d+)\]/.exec(fs.readlinkSync(`/proc/${pid}/ns/${kind}`))?.[1] ?? Number.NaN) || null;
  } catch {
    return null;
  }
}

function userName(uid: number): string {
  for (const line of (read('/etc/passwd') ?? '').split('\n')) {
    const [name, , number] = line.split(':');
    if (name !== undefined && number === String(uid)) return name;
  }
  return String(uid);
}

/** True unless the process is certainly gone: hidden ones (hidepid) still answer a signal. */
function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ESRCH';
  }
}

function describe(pid: number): ProcessInfo | null {
  if (!Number.isSafeInteger(pid) || pid <= 0) return null;
  const stat = parseStat(read(`/proc/${pid}/stat`) ?? '');
  if (stat === null && !exists(pid)) return null;
  // The second number of `Uid:` is the effective one, with which the process opens files.
  const uid = /^Uid:\t\d+\t(\d+)/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1];
  return {
    pid,
    start: stat?.start ?? null,
    command: parseCommand(read(`/proc/${pid}/cmdline`) ?? '') ?? read(`/proc/${pid}/comm`)?.trim() ?? null,
    uid: uid === undefined ? null : Number(uid),
    user: uid === undefined ? null : userName(Number(uid)),
    unit: parseUnit(read(`/proc/${pid}/cgroup`) ?? ''),
    pidNamespace: namespaceOf(pid, 'pid'),
    timeNamespace: namespaceOf(pid, 'time'),
    zombie: stat !== null && (stat.state === 'Z' || stat.state === 'X'),
  };
}

/** 'yes' if a descriptor of the process carries a lock on the inode; 'unseen' if it cannot be looked into. */
function carriesLock(pid: number, file: Inode): 'yes' | 'no' | 'unseen' {
  try {
    for (const fd of fs.readdirSync(`/proc/${pid}/fdinfo`)) {
      if (!(read(`/proc/${pid}/fdinfo/${fd}`) ?? '').includes('\nlock:')) continue;
      const stat = fs.statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false });
      if (stat !== undefined && stat.dev === file.dev && stat.ino === file.ino) return 'yes';
    }
    return 'no';
  } catch (error) {
    const errno = errnoOf(error);
    return errno === 'EACCES' || errno === 'EPERM' ? 'unseen' : 'no';
  }
}

function holders(file: Inode, hints: readonly number[], enough: number): LockSearch {
  const others = hints.filter((pid) => pid > 0 && pid !== process.pid);
  const hinted = [...new Set(others)].filter((pid) => carriesLock(pid, file) === 'yes');
  if (hinted.length > 0 && hinted.length >= enough) return { pids: hinted, unseen: [] };
  const pids: number[] = [];
  const unseen: number[] = [];
  for (const name of fs.readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isSafeInteger(pid) || pid === process.pid) continue;
    const answer = carriesLock(pid, file);
    if (answer === 'yes') pids.push(pid);
    if (answer === 'unseen') unseen.push(pid);
  }
  return { pids, unseen };
}

/** The processes of this machine, by /proc. `locks`: the list of kernel locks; another place in tests. */
export function hostProcesses(locks = '/proc/locks'): Processes {
  const readLocks = procReader(locks);
  let known: { readonly text: string; readonly lines: readonly LockLine[] } = { text: '', lines: [] };
  return {
    self: () =>
      describe(process.pid) ?? {
        ...{ pid: process.pid, start: null, command: 'locksmith', uid: process.geteuid?.() ?? null, user: null },
        ...{ unit: null, pidNamespace: namespaceOf('self', 'pid'), timeNamespace: namespaceOf('self', 'time') },
        zombie: false,
      },
    describe,
    lockLines() {
      const text = readLocks();
      if (text === null) return null;
      if (text !== known.text) known = { text, lines: parseLockLines(text) };
      return known.lines;
    },
    holders,
    signal(pid, start, signal) {
      const info = describe(pid);
      if (info === null || info.start !== start) return 'gone';
      try {
        process.kill(pid, signal);
        return 'sent';
      } catch (error) {
        return errnoOf(error) === 'EPERM' ? 'denied' : 'gone';
      }
    },
  };
}
