import type { LockState } from './values/lock.ts';
import type { Op } from './values/ops.ts';

/** Called before every single system call of an effect; a test may stop the process there. Costs nothing when absent. */
export type Trace = (op: Op, step: string) => void;

/** Stops what a timer or a listener would do; calling it twice is harmless. */
export type Cancel = () => void;

/** Time. The wall clock may jump; the boot-time clock counts from boot, also in sleep, and never jumps. */
export interface Clock {
  wallMs(): number;
  /** Milliseconds since boot (CLOCK_BOOTTIME, as /proc/uptime). */
  bootMs(): number;
  /** /proc/sys/kernel/random/boot_id. */
  readonly bootId: string;
  /** Calls `fn` once after `ms` on the monotonic clock. Does not keep the process alive. */
  after(ms: number, fn: () => void): Cancel;
}

/**
 * Runs something at every match of a cron expression, from when it has been loaded until it is cancelled. A wall clock that jumps
 * costs one run. The expression has been checked.
 */
export type Cron = (expression: string, run: () => void) => Cancel;

/**
 * Tells whoever watches over the agent that something is under way and within how many milliseconds it has to be over; calling what
 * comes back tells that it is, once or more often.
 */
export type Begin = (what: string, withinMs: number) => () => void;

/** Chance and digests, passed in so that a test can repeat a run. */
export interface Chance {
  /** Uniform in [0, 1). */
  unit(): number;
  uuid(): string;
  /** Lower-case hex of `n` random bytes. */
  hex(n: number): string;
}

/**
 * Is this an Ed25519 signature (64 bytes) of `data` by the key whose public half is `x` (32 bytes in base64url)? False also for an `x`
 * that is no key.
 */
export type Ed25519 = (x: string, data: Uint8Array, signature: Uint8Array) => boolean;

/** SHA-256 of `bytes` as 64 lower-case hex digits, without prefix. */
export type Sha256 = (bytes: Uint8Array | string) => string;

/** Levels of the device's own story, as journald knows them. */
export type LogLevel = 'error' | 'warning' | 'notice' | 'info' | 'debug';

/** The device's own story: one plain line an event. Never throws: a log that cannot be written is said on stderr. */
export interface Log {
  say(level: LogLevel, line: string, fields?: Readonly<Record<string, string | number | boolean | null>>): void;
}

/** What the file system says of a path, symlinks not followed. */
export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'other';
  readonly bytes: number;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly dev: number;
  readonly ino: number;
  readonly modifiedMs: number;
}

/**
 * Files. Cheap calls are synchronous, whatever waits for the disk is a promise. Every method throws {@link Failure} with
 * one of the codes disk-full, read-only, no-permission, missing-directory, unsafe-path, io.
 */
export interface Files {
  /** Whole content; null if there is no such file. Refuses more than `maxBytes` (Failure io). */
  read(op: Op, path: string, maxBytes?: number): Uint8Array | null;
  stat(op: Op, path: string): FileStat | null;
  /** Names in a directory; empty if it does not exist. */
  list(op: Op, dir: string): readonly string[];
  /** Creates the directory and its parents; does nothing if it exists. */
  makeDir(op: Op, dir: string, mode: number): void;
  /** Removes a file; does nothing if it does not exist. */
  remove(op: Op, path: string): void;
  /** Removes the temp files that a crash left in a directory: those of writers that are gone. Does nothing if there is no directory. */
  removeTemps(op: Op, dir: string): void;
  rename(op: Op, from: string, to: string): void;
  /** THE durable write: temp file beside it, mode, write, fsync, rename, fsync of the directory. */
  writeDurably(op: Op, path: string, bytes: Uint8Array | string, mode: number): Promise<void>;
  /** Atomic for readers (temp and rename) but not synced: for what a reboot may clear. */
  writeView(op: Op, path: string, text: string, mode: number): void;
  /** fsync of a directory, so that a rename in it survives a power cut. */
  syncDir(op: Op, dir: string): Promise<void>;
  /** Opens a file that only grows; creates it (and syncs its directory) if needed. */
  openAppend(op: Op, path: string, mode: number): Promise<AppendFile>;
}

/** A file that only grows at its end. */
export interface AppendFile {
  bytes(): number;
  append(op: Op, bytes: Uint8Array): void;
  /** fdatasync. */
  sync(op: Op): Promise<void>;
  /** Cuts a torn tail off. */
  truncate(op: Op, bytes: number): void;
  close(): void;
}

/** The files of configs, which belong to others. Throws {@link Failure} like {@link Files}. */
export interface Targets {
  /**
   * Opens the directory of a config file. Every directory on the way must be writable only by root, the agent or the file's
   * owner (sticky is fine), and no part a symlink (with `follow`: only links made by root), else Failure unsafe-path.
   */
  open(op: Op, path: string, how: { readonly follow: boolean }): Target;
}

/** Makes a descriptor durable: `all` is fsync, `data` is fdatasync. Rejects with the error of the system call. */
export type DiskSync = (fd: number, how: 'all' | 'data') => Promise<void>;

/** One config file, reached through its directory held open, so that nobody can swap it between a check and its use. */
export interface Target {
  /** A path to a name in this very directory, whatever the directory is called meanwhile; the file itself by default. */
  path(name?: string): string;
  /** Content of the file, never through a symlink; null if it does not exist; Failure unsafe-path if it is no regular file with one link. */
  read(op: Op): Uint8Array | null;
  /**
   * Writes the new content beside the file (`.NAME.<random>.locksmith`, O_EXCL) with the mode (never setuid), owner and extended
   * attributes of the present one (else 0644 and the directory's owner), and syncs it. Returns the name it got.
   */
  stage(op: Op, bytes: Uint8Array): Promise<string>;
  /** Renames a staged file over the config file. */
  put(op: Op, staged: string): void;
  /** Removes the config file. */
  remove(op: Op): void;
  /** Removes a staged file; does nothing if it is gone. */
  discard(op: Op, staged: string): void;
  /** Names of staged files of this config file that were left behind. */
  leftovers(op: Op): readonly string[];
  /** Content of a staged file; null if it is gone. */
  readStaged(op: Op, staged: string): Uint8Array | null;
  /** fsync of the directory. */
  sync(op: Op): Promise<void>;
  close(): void;
}

/** Readers of the formats a config file can have; each is loaded when first used. */
export interface Parsers {
  /** The value in `text`; rejects with an error that says where it went wrong. ini: sections are objects, values strings, duplicate keys an error. */
  parse(format: 'json' | 'yaml' | 'toml' | 'ini', text: string): Promise<unknown>;
}

/** One line of the journal. `t` says which room it belongs to; the rest is that room's. */
export interface JournalRecord {
  readonly t: string;
  readonly [key: string]: unknown;
}

/**
 * The agent's durable memory: one append-only file of checked lines. What several rooms must remember together goes in one
 * `append`, so it is either all there after a power cut or not at all.
 */
export interface Journal {
  /** Adds records in order; resolves when they are on disk. All of one call survive together or not at all. */
  append(records: readonly JournalRecord[]): Promise<void>;
  /** Adds records that may be lost by a power cut (not by a crash of the process); the next `append` makes them durable. */
  note(records: readonly JournalRecord[]): void;
}

/** A room's part of the journal: what it remembers, and how that reads when the journal is written anew. */
export interface JournalMemory {
  /** The `t` of the records that belong to this room. */
  readonly types: readonly string[];
  /** Takes one record in: replayed at the start, and right after each write. */
  fold(record: JournalRecord): void;
  /** The shortest records that bring a fresh memory to the present state. */
  snapshot(): readonly JournalRecord[];
}

/** The identity of a file: what a path leads to now, or what a descriptor holds on to. */
export interface Inode {
  readonly dev: number;
  readonly ino: number;
}

/** What a replay found. */
export interface Replay {
  readonly lines: number;
  /** Bytes of a last line that a crash cut short; they were never acknowledged. */
  readonly tornBytes: number;
  /** Lines in the middle that do not fit their check: the disk or a person damaged the file. */
  readonly damagedLines: number;
}

/** The journal as the hall opens and closes it; before `open` it refuses every write. */
export interface JournalFile extends Journal {
  /** Replays the file into the memories and starts taking writes. A damaged file is first put aside as `journal.damaged-<n>`. */
  open(memories: readonly JournalMemory[]): Promise<Replay & { readonly putAside: string | null }>;
  bytes(): number;
  close(): Promise<void>;
}

/** An opened descriptor that can carry kernel locks. */
export interface LockFd extends Inode {
  readonly fd: number;
  /** Owner of the file. */
  readonly uid: number;
  /** Opened without the right to write: its record lock is a shared one. */
  readonly readOnly: boolean;
}

/** How {@link KernelLocks.open} opens a file. */
export interface LockOpen {
  /** Creates the file with this mode if it is missing. */
  readonly create?: number;
  /** Group a file created here is given to; a group that does not exist is a Failure. */
  readonly group?: string | undefined;
  readonly readOnly?: boolean;
  /** Goes through a symlink. */
  readonly follow?: boolean;
}

/** Kernel locks of both families (flock and open-file-description locks). Throws Failure like {@link Files}. */
export interface KernelLocks {
  /** Opens a regular file read-write, close-on-exec, never through a symlink unless asked to. */
  open(op: Op, path: string, how: LockOpen): LockFd;
  /** flock EX alone, non-blocking. */
  tryFlock(op: Op, file: LockFd): boolean;
  /** OFD write lock (shared on a read-only descriptor) alone, non-blocking. */
  tryRecordLock(op: Op, file: LockFd): boolean;
  /** Frees both families, also for whoever else has the descriptor. */
  drop(op: Op, file: LockFd): void;
  /** Closes the descriptor; its locks live on as long as somebody else has it. */
  close(op: Op, file: LockFd): void;
  /** What a path leads to now, symlinks followed if asked to; null if nothing. */
  inode(op: Op, path: string, follow?: boolean): Inode | null;
}

/** A process as /proc describes it; null where it cannot be read. */
export interface ProcessInfo {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks since boot, in the time namespace of the reader. */
  readonly start: number | null;
  /** Base name of its program, with the script for an interpreter; never all of its arguments. */
  readonly command: string | null;
  readonly uid: number | null;
  readonly user: string | null;
  /** systemd unit or container from its cgroup. */
  readonly unit: string | null;
  /** Inodes of its namespaces. */
  readonly pidNamespace: number | null;
  readonly timeNamespace: number | null;
  /** Ended, but not yet reaped: it has no descriptor any more. */
  readonly zombie: boolean;
}

/** One granted lock out of /proc/locks. */
export interface LockLine extends Inode {
  readonly family: 'flock' | 'posix' | 'ofd';
  /** Who took it; -1 for OFD locks, and it may be long dead. */
  readonly pid: number;
}

/** Who has a descriptor that carries a lock on an inode. */
export interface LockSearch {
  readonly pids: readonly number[];
  /** Processes that could not be looked into (we are not root, or they are shielded): they may have it too. */
  readonly unseen: readonly number[];
}

/** Processes of this machine. Reading only; nothing here throws but for our own bugs. */
export interface Processes {
  /** The process we are. */
  self(): ProcessInfo;
  /** A process; null only if it is certainly gone. */
  describe(pid: number): ProcessInfo | null;
  /** Granted locks that /proc/locks shows in our pid namespace. */
  lockLines(): readonly LockLine[];
  /**
   * Processes whose descriptors carry a lock on the inode, ourselves left out. Looks at `hints` first and only if those are fewer than
   * `enough` at all of /proc (30-100 ms at 300 processes).
   */
  holders(file: Inode, hints: readonly number[], enough: number): LockSearch;
  /** Sends a signal to a process, unless its pid was given to another one meanwhile; false if it is gone. */
  signal(pid: number, start: number | null, signal: 'SIGTERM' | 'SIGKILL'): boolean;
}

/** Calls back with the base name of whatever changes in a directory, until cancelled. Never throws. */
export type WatchDir = (dir: string, changed: (name: string) => void) => Cancel;

/** Services of this machine that may write a config. */
export interface Units {
  running(unit: string): Promise<boolean>;
  /** Stops a service and waits until it is down. Throws Failure io. */
  stop(unit: string): Promise<void>;
  /** Starts a service. Throws Failure io. */
  start(unit: string): Promise<void>;
}

/** What the update line gets from the lock room. */
export interface LockDoor {
  /** Settles the lock and says how it is now. Grants nothing, and takes no kernel lock while nothing speaks against COLD. */
  look(config: string): LockState;
  /**
   * Settles the lock by reaching for its kernel locks, held for microseconds: what admission asks before an override. Cheaper than
   * {@link LockDoor.look}, whose /proc/locks makes the kernel wait for all its cores (about 10 ms).
   */
  reach(config: string): LockState;
  /**
   * Runs `section` with the lock of the config held (sidecar, then the inodes of all its existing files), or says who has it.
   * The lock is dropped when `section` ends, however it ends. Sections of one config never overlap. Throws Failure where record or
   * token cannot be written; the lock is free then.
   */
  hold<T>(config: string, section: (grant: Grant) => Promise<T>): Promise<Held<T>>;
  /** Counts a refusal because this config is HOT, for {@link LockState.refusals}; tells no listener. */
  refused(config: string): void;
  /** From now on the lock is tried every second until it is COLD (then listeners are told) or the caller cancels. */
  expectCold(config: string): Cancel;
}

/** The outcome of {@link LockDoor.hold}. */
export type Held<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'hot'; readonly lock: LockState };

/** The outcome of {@link Grant.fenced}. `lost`: the lock was broken (or cannot be shown to be ours), nothing was run. */
export type Fenced<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'lost'; readonly why: string };

/** The lock while it is ours. */
export interface Grant {
  readonly token: number;
  /** The token found before this grant: what `expect.token` is compared with. */
  readonly tokenBefore: number;
  /** True while record and sidecar still say the lock is ours. For a look only: what replaces a file goes through {@link Grant.fenced}. */
  mine(): boolean;
  /** Locks a staged file before it is renamed in, so that a newcomer meets a lock; held as long as the grant. */
  cover(path: string): void;
  /**
   * Runs `replace` (the renames, nothing that waits) under the guard, after checking under the guard that the lock is still ours:
   * whoever breaks a lock takes the guard too, so nobody can break it between check and rename.
   */
  fenced<T>(replace: () => T): Promise<Fenced<T>>;
}

/** A message as it came from the broker. */
export interface Frame {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

/** What the rest of the agent asks of the outbox: records are stamped, journalled, and sent in order as the link allows. */
export interface Outbox {
  /** Journal records for these messages, stamped with the next `seq`; the caller appends them, then calls {@link Outbox.wake}. */
  stamp(messages: readonly Saying[]): readonly JournalRecord[];
  /** These records of {@link Outbox.stamp} are on disk (their append has resolved), and so is all before them: they may be sent. */
  wake(records: readonly JournalRecord[]): void;
}

/** A message for the fleet before it is stamped. */
export interface Saying {
  readonly kind: 'evt' | 'reported' | 'lock';
  /** For `reported` and `lock`. */
  readonly config?: string;
  readonly body: object;
}

/** What one attempt to reach a broker needs. Files are read anew at every attempt, so that they can be renewed without a restart. */
export interface ConnectWish {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  readonly url: string;
  readonly clientId: string;
  readonly protocol: '3.1.1' | '5';
  readonly keepaliveS: number;
  readonly connectTimeoutMs: number;
  readonly username: string | null;
  readonly passwordFile: string | null;
  /** PEM files; null where not used. */
  readonly tls: { readonly [part in 'ca' | 'cert' | 'key' | 'servername']: string | null };
  /** Published, retained, by the broker if the connection ends without a goodbye; null for who is no device. */
  readonly will: { readonly topic: string; readonly payload: string } | null;
}

/** Why a connection, or an attempt at one, ended. */
export type LinkCause =
  /** `code`: errno name or TLS error code. */
  | { readonly kind: 'system'; readonly code: string }
  /** CONNACK with this code. */
  | { readonly kind: 'refused'; readonly code: number }
  /** DISCONNECT of the broker with this reason code (MQTT 5). */
  | { readonly kind: 'told'; readonly code: number }
  /** No answer within the time allowed. */
  | { readonly kind: 'silent' }
  /** Closed by the other side without a word. */
  | { readonly kind: 'closed' }
  /** A file of ours cannot be read or used. */
  | { readonly kind: 'file'; readonly path: string }
  /** A message could not be kept, so it was not acknowledged and the connection dropped. */
  | { readonly kind: 'not-kept' }
  /** We left. */
  | { readonly kind: 'left' };

/** How a connection, or an attempt at one, ended. */
export interface LinkEnd {
  readonly cause: LinkCause;
  /** True if it had been connected. */
  readonly connected: boolean;
  /** What the library or the system said. */
  readonly message: string;
}

/** What a connection says. Nothing is said after `ended`, which comes exactly once. */
export interface ConnectionEvents {
  connected(): void;
  /**
   * A message; it is acknowledged when the promise resolves, and only on the connection it came on. A rejection drops the
   * connection. Must not wait for anything that travels over the link.
   */
  frame(frame: Frame): Promise<void>;
  /** Milliseconds from a question to its answer. */
  roundTrip(ms: number): void;
  ended(end: LinkEnd): void;
}

/** A message to the broker. */
export interface PublishOptions {
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** One connection to a broker, or the attempt at one. */
export interface Connection {
  /** Codes the broker granted, in the order of `filters`; 128 and more: refused. Rejects if the connection ends. */
  subscribe(filters: readonly string[]): Promise<readonly number[]>;
  /**
   * Resolves with 0 when the broker has it (QoS 1) or when it is written (QoS 0), or with the reason code of a refusal (MQTT 5).
   * Rejects if the connection ends first.
   */
  publish(topic: string, payload: string, options: PublishOptions): Promise<number>;
  /** Says goodbye, so that the broker does not publish the will; `ended` follows. */
  close(): void;
  /** Ends it at once, without goodbye. */
  drop(): void;
}

/** A broker somewhere. */
export interface Broker {
  /** Starts one attempt. Never throws: whatever goes wrong is said by `ended`. */
  connect(wish: ConnectWish, events: ConnectionEvents): Connection;
}
