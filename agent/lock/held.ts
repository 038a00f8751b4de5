import type { Fenced } from '../ports/lock.ts';
import type { Holder } from '../values/lock.ts';
import type { Board } from './board.ts';
import { giveBack, runFenced, stillHeld } from './grant.ts';
import type { Parts } from './parts.ts';
import { type HeldRecord, recordText } from './record.ts';
import type { HotLock } from './settle.ts';

/** A lock that was given to us. */
export interface HeldLock {
  readonly token: number;
  readonly tokenBefore: number;
  /** False for a member of the lock group who may not write the record: the kernel locks alone hold. */
  readonly recorded: boolean;
  /** True while record and sidecar still say so. */
  mine(): boolean;
  cover(path: string): void;
  fenced<T>(step: () => T): Promise<Fenced<T>>;
  /** Puts another process on the record: one that has got {@link HeldLock.descriptors}. */
  name(holder: Holder): Promise<void>;
  descriptors(): readonly number[];
  /** Gives it back; for a lease, only the kernel locks: the record goes on. */
  release(): Promise<void>;
}

/** The lock as this process has it now; null: it has not. */
export interface Mine {
  record: HeldRecord | null;
}

/** What somebody holds by its record, as a look would find it. */
export function hotByRecord(record: HeldRecord): HotLock {
  return {
    ...{ kind: 'hot', verdict: 'held', holder: record.holder, token: record.token, record },
    ...{ leakedBy: null, path: null, complete: true, reclaims: record.reclaims },
  };
}

/** The lock that was just put on record. `look`: settles the lock anew after it was given back or lost. */
export function heldLock(parts: Parts, board: Board, mine: Mine, record: HeldRecord, look: () => void): HeldLock {
  const { hands, files, paths, surface, log, fileName } = parts;
  const { token, kind, purpose } = record;
  return {
    ...{ token, tokenBefore: token - 1, recorded: true, cover: hands.cover, descriptors: hands.descriptors },
    mine: () => mine.record !== null && stillHeld(parts, token),
    async fenced(step) {
      const fenced = await runFenced(parts, token, step);
      if (fenced.kind === 'lost') {
        log.say('warning', `${fileName}: ${fenced.why}`);
        if (mine.record !== null) await giveBack(parts, mine.record);
        mine.record = null;
        look();
      }
      return fenced;
    },
    async name(holder) {
      if (mine.record === null) return;
      const named = { ...mine.record, holder };
      await runFenced(parts, token, () => {
        files.writeView('lock.record', paths.record, recordText(named), 0o644);
        surface.show(board.note(hotByRecord(named)));
        mine.record = named;
      });
      board.flush();
    },
    async release() {
      if (mine.record === null) return;
      const failed = kind === 'lease' ? hands.drop() : await giveBack(parts, mine.record);
      mine.record = null;
      if (typeof failed === 'string')
        log.say('warning', `${fileName}: the record of its lock was left as it is: ${failed}`);
      if (purpose === 'commit') board.token(token);
      else if (kind === 'kernel') look();
      board.flush();
    },
  };
}

/** A lock by its kernel locks alone, for who may not write the record. */
export function unrecordedLock({ hands }: Parts, mine: Mine, token: number): HeldLock {
  return {
    ...{ token, tokenBefore: token - 1, recorded: false, cover: hands.cover, descriptors: hands.descriptors },
    mine: hands.intact,
    fenced: async () => ({ kind: 'lost', why: 'the lock is not on record' }),
    name: async () => {},
    async release() {
      hands.drop();
      mine.record = null;
    },
  };
}
