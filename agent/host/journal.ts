import type { AppendFile, Files } from '../ports/files.ts';
import type { JournalFile, JournalMemory, JournalRecord, Replay } from '../ports/journal.ts';
import type { Sha256 } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';

/** Below this size the journal is never written anew: it costs more wear than it saves. */
const COMPACT_MIN_BYTES = 1024 * 1024;
/** The journal is written anew when it has grown to this many times its own snapshot, where whoever opens it wishes nothing else. */
const GROWTH = 4;
/** Largest journal that is read: far above what compaction leaves, far below what would exhaust a small device. */
const JOURNAL_MAX_BYTES = 256 * 1024 * 1024;
const CHECK_LENGTH = 16;

interface Line {
  readonly records: readonly JournalRecord[];
}

function isRecord(value: unknown): value is JournalRecord {
  return typeof value === 'object' && value !== null && 't' in value && typeof value.t === 'string';
}

function encode(sha256: Sha256, records: readonly JournalRecord[]): Uint8Array {
  const text = JSON.stringify(records);
  return Buffer.from(`${sha256(text).slice(0, CHECK_LENGTH)} ${text}\n`);
}

function decode(sha256: Sha256, line: string): Line | null {
  const text = line.slice(CHECK_LENGTH + 1);
  if (line[CHECK_LENGTH] !== ' ' || sha256(text).slice(0, CHECK_LENGTH) !== line.slice(0, CHECK_LENGTH)) return null;
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) && value.every(isRecord) ? { records: value } : null;
}

/**
 * Replays a journal without changing it: for commands that only look, also while the agent writes.
 * Records of rooms this version does not know go to `foreign`.
 */
export function replayJournal(
  files: Files,
  sha256: Sha256,
  path: string,
  memories: readonly JournalMemory[],
  foreign: JournalRecord[] = [],
): Replay & { readonly goodBytes: number } {
  const byType = new Map(memories.flatMap((memory) => memory.types.map((type) => [type, memory] as const)));
  const content = files.read('journal.open', path, JOURNAL_MAX_BYTES);
  const text = content === null ? Buffer.alloc(0) : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  let lines = 0;
  let damaged = 0;
  let pendingBad = 0;
  let goodBytes = 0;
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf(0x0a, start);
    const end = newline === -1 ? text.length : newline;
    const line = newline === -1 ? null : decode(sha256, text.toString('utf8', start, end));
    if (line === null) {
      pendingBad += 1;
    } else {
      // A bad line is a torn tail only while nothing good follows it.
      damaged += pendingBad;
      pendingBad = 0;
      goodBytes = end + 1;
      lines += 1;
      for (const record of line.records) {
        const memory = byType.get(record.t);
        if (memory === undefined) foreign.push(record);
        else memory.fold(record);
      }
    }
    start = end + 1;
  }
  return { lines, damagedLines: damaged, tornBytes: text.length - goodBytes, goodBytes };
}

/** The agent's journal in the file `path`. */
export function createJournal(input: {
  readonly files: Files;
  readonly sha256: Sha256;
  readonly path: string;
  /** Called once when a sync failed: what is on disk is then unknown, and only a restart can tell. Every later write is refused. */
  readonly onLost: (failure: unknown) => void;
  /** Called when the journal could not be written anew; it still takes appends, and tries again when it has doubled. */
  readonly onTrouble: (failure: Failure) => void;
}): JournalFile {
  const { files, sha256, path } = input;
  const dir = path.slice(0, path.lastIndexOf('/'));
  const byType = new Map<string, JournalMemory>();
  const foreign: JournalRecord[] = [];
  let memories: readonly JournalMemory[] = [];
  let file: AppendFile | null = null;
  /** Lines written since a compaction took its snapshot; null when none is under way. */
  let alongside: Uint8Array[] | null = null;
  let compacting: Promise<void> | null = null;
  let snapshotBytes = 0;
  let growth = GROWTH;
  let syncing: Promise<void> | null = null;
  let syncNext: Promise<void> | null = null;
  let lost = false;
  /** Where a write that failed half-way began, if it could not be cut off yet. */
  let tornAt: number | null = null;
  let closing = false;

  const opened = (): AppendFile => {
    if (lost || file === null) {
      const why = lost ? 'a sync failed, only a restart can tell what is on disk' : 'the journal is not open';
      throw new Failure('io', 'journal.append', path, `${path}: ${why}`, { retry: false });
    }
    return file;
  };
  /** The kernel reports a lost page once: a later sync that succeeds proves nothing. */
  const lose = (error: unknown): never => {
    if (!lost) {
      lost = true;
      input.onLost(error);
    }
    throw error;
  };

  const runSync = (): Promise<void> => {
    const run = opened()
      .sync('journal.sync')
      .catch(lose)
      .finally(() => {
        if (syncing === run) syncing = null;
      });
    syncing = run;
    return run;
  };
  /** Resolves after a sync that began after this call: all who wait meanwhile share the next one. */
  const durable = async (): Promise<void> => {
    // One sync at a time: between the end of one and the begin of the next that is already asked for, nobody starts a third.
    if (syncNext === null && syncing === null) return runSync();
    syncNext ??= Promise.resolve(syncing)
      .catch(() => {})
      .then(() => {
        syncNext = null;
        return runSync();
      });
    return syncNext;
  };

  const write = (records: readonly JournalRecord[]) => {
    const target = opened();
    const line = encode(sha256, records);
    if (tornAt !== null) target.truncate('journal.append', tornAt);
    tornAt = null;
    const before = target.bytes();
    try {
      target.append('journal.append', line);
    } catch (error) {
      try {
        target.truncate('journal.append', before);
      } catch {
        // The next write cuts it off, or is refused: a line behind half a line would be lost with it.
        tornAt = before;
      }
      throw error;
    }
    alongside?.push(line);
    for (const record of records) byType.get(record.t)?.fold(record);
  };

  const snapshot = (): Uint8Array => {
    const records = [...foreign, ...memories.flatMap((memory) => memory.snapshot())];
    return Buffer.concat(records.map((record) => encode(sha256, [record])));
  };

  const compact = async () => {
    const temp = `${path}.new`;
    files.remove('journal.compact', temp);
    const next = await files.openAppend('journal.compact', temp, 0o600);
    try {
      alongside = [];
      next.append('journal.compact', snapshot());
      snapshotBytes = next.bytes();
      await next.sync('journal.compact');
      for (let late = alongside; late.length > 0; late = alongside) {
        alongside = [];
        next.append('journal.compact', Buffer.concat(late));
        await next.sync('journal.compact');
      }
      files.rename('journal.compact', temp, path);
    } catch (error) {
      next.close();
      // Half a copy must not take room on a disk that may be full.
      files.remove('journal.compact', temp);
      throw error;
    } finally {
      alongside = null;
    }
    const old = file;
    file = next;
    // What was torn is in the old file.
    tornAt = null;
    // Whoever syncs the old file meanwhile has its lines in the new one too.
    await syncing?.catch(() => {});
    old?.close();
    await files.syncDir('journal.compact', dir).catch(lose);
  };

  const compactIfGrown = () => {
    if (closing || lost || compacting !== null || file === null) return;
    if (file.bytes() < Math.max(COMPACT_MIN_BYTES, growth * snapshotBytes)) return;
    compacting = compact()
      .catch((error: unknown) => {
        // Who waits for this compaction looks at `lost` afterwards.
        if (lost) return;
        if (!(error instanceof Failure)) throw error;
        snapshotBytes = Math.ceil((2 * opened().bytes()) / growth);
        input.onTrouble(error);
      })
      .finally(() => {
        compacting = null;
      });
  };

  const sync = async () => {
    await durable();
    // After a compaction's rename the directory must be synced too before a line in the new file can be called durable.
    if (compacting !== null) await compacting;
    if (lost) opened();
    compactIfGrown();
  };

  return {
    async open(given, wished = GROWTH) {
      memories = given;
      growth = wished;
      for (const memory of given) for (const type of memory.types) byType.set(type, memory);
      const found = replayJournal(files, sha256, path, memories, foreign);
      let putAside: string | null = null;
      if (found.damagedLines > 0) {
        const taken = new Set(files.list('journal.quarantine', dir));
        const base = path.slice(dir.length + 1);
        let n = 1;
        while (taken.has(`${base}.damaged-${n}`)) n += 1;
        putAside = `${path}.damaged-${n}`;
        await files.writeDurably('journal.quarantine', putAside, files.read('journal.quarantine', path) ?? '', 0o600);
        await files.writeDurably('journal.quarantine', path, snapshot(), 0o600);
      }
      // A copy that a crash cut short.
      files.remove('journal.open', `${path}.new`);
      file = await files.openAppend('journal.open', path, 0o600);
      if (putAside === null && found.tornBytes > 0) file.truncate('journal.open', found.goodBytes);
      snapshotBytes = 0;
      compactIfGrown();
      return { ...found, putAside };
    },
    async append(records) {
      write(records);
      await sync();
    },
    note(records) {
      write(records);
    },
    sync,
    bytes: () => opened().bytes(),
    async close() {
      closing = true;
      if (compacting !== null) await compacting;
      try {
        await durable();
      } finally {
        file?.close();
        file = null;
      }
    },
  };
}
