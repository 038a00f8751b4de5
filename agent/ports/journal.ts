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
  /**
   * Replays the file into the memories and starts taking writes. A damaged file is first put aside as `journal.damaged-<n>`.
   * `growth`: how many times as long as what is remembered the file may become before it is written anew.
   */
  open(memories: readonly JournalMemory[], growth?: number): Promise<Replay & { readonly putAside: string | null }>;
  bytes(): number;
  /** Resolves when everything noted so far is on disk. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
