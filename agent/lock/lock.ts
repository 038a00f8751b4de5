import type { Fenced } from '../ports.ts';
import { Failure } from '../values/errors.ts';
import type { Holder, LockState } from '../values/lock.ts';
import { type Change, openBoard } from './board.ts';
import { findHolders, toHolder } from './finder.ts';
import { giveBack, heldRecord, runFenced, stillHeld, type Wish } from './grant.ts';
import { isQuiet } from './look.ts';
import { type LockPorts, type LockSettings, openParts, pause } from './parts.ts';
import { peek } from './peek.ts';
import { type HeldRecord, recordText } from './record.ts';
import { examine, type FreeLock, type HotLock, readRecord, reclaim, reclaimToken, type StaleLock } from './settle.ts';

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

/** The outcome of reaching for a lock. */
export type Acquired =
  | { readonly kind: 'got'; readonly held: HeldLock }
  | { readonly kind: 'hot'; readonly lock: LockState };

/** What a look that changes nothing found, for a person. */
export interface Observation {
  readonly lock: LockState;
  /** Why a stale lock can be reclaimed; null if it is not stale. */
  readonly stale: string | null;
  /** False if not all processes could be looked into: root would see more. */
  readonly complete: boolean;
}

/** The lock of one config. Methods throw Failure where its files cannot be opened, read or written. */
export interface Lock {
  /** Settles at once, waiting for nobody; see the port's `LockDoor.look`. */
  look(): LockState;
  /** Settles with all patience, and reclaims what is stale. */
  settle(): Promise<LockState>;
  /** Looks as closely as a settle and changes nothing. */
  observe(): Promise<Observation>;
  /** Takes the lock or says who has it; waits only for probes, and for an update that is being applied. */
  acquire(wish: Wish): Promise<Acquired>;
  refused(): void;
  /** How it was last found; null before the first look. */
  last(): LockState | null;
  /** Sets tokens aside ahead of need, so that no grant waits for the disk. */
  topUp(): Promise<void>;
  close(): void;
}

/** Fewest tokens that are kept in reserve. */
const TOKENS_AHEAD = 200;
/** How long an update that is being applied is waited for before its lock counts as HOT. */
const COMMIT_PATIENCE_MS = 500;
const COMMIT_PAUSE_MS = 10;

function isBeingApplied(found: FreeLock | StaleLock | HotLock): boolean {
  return found.kind === 'hot' && found.record?.purpose === 'commit' && found.verdict === 'held';
}

/** Opens the lock of a config. `tell` hears of each change, never while the guard is ours. Throws Failure. */
export function openLock(
  ports: LockPorts,
  settings: LockSettings,
  config: string,
  tell: (change: Change) => void,
): Lock {
  const parts = openParts(ports, settings, config);
  const { files, processes, clock, log, paths, guard, hands, tokens, surface, self, fileName } = parts;
  const board = openBoard(parts, tell);
  const state: { mine: HeldRecord | null } = { mine: null };

  const scene = () => ({ ...parts, hints: board.hints() });
  const leave = () => {
    guard.leave();
    board.flush();
  };
  const show = (found: FreeLock | StaleLock | HotLock): LockState => {
    const lock = board.note(found);
    surface.show(lock);
    return lock;
  };
  const last = (): LockState =>
    board.last() ?? { state: 'COLD', verdict: null, holder: null, since: null, token: 0, refusals: 0, file: fileName };

  /** Somebody stays in the guard: that keeps everybody from the lock, and they are named. */
  const guardKept = (): HotLock => {
    const file = guard.file();
    const finding = file === null ? null : findHolders(processes, file, board.hints());
    const holder = finding?.holders[0];
    return {
      ...{ kind: 'hot', verdict: holder === undefined ? 'unseen' : 'held', token: last().token, record: null },
      ...{ holder: holder === undefined ? null : toHolder(holder), leakedBy: null, path: paths.guard },
      complete: finding?.complete ?? false,
    };
  };
  const noteGuardKept = (): LockState => {
    const lock = board.note(guardKept());
    board.flush();
    return lock;
  };

  const reclaimNow = (stale: StaleLock): FreeLock => {
    const free = reclaim(parts, stale);
    log.say('notice', `${fileName}: lock reclaimed, token ${stale.token} -> ${free.token}: ${stale.why}`);
    board.reclaimed(free.reclaimed);
    return free;
  };

  /** Reclaims, setting tokens aside first if need be; under the guard. */
  const reclaimInTime = async (stale: StaleLock): Promise<FreeLock> => {
    const token = reclaimToken(stale);
    if (!tokens.covers(token)) await tokens.reserve(token);
    return reclaimNow(stale);
  };

  const settle = async (): Promise<LockState> => {
    if (state.mine !== null) return last();
    if (!(await guard.enter())) return noteGuardKept();
    try {
      if (state.mine !== null) return last();
      const examined = examine(scene());
      const found = examined.kind === 'stale' ? await reclaimInTime(examined) : examined;
      if (found.kind === 'free' && readRecord(files, paths.record) === null) {
        // So that the next look need not ask the disk for the token.
        const record = recordText({ mode: 'free', token: found.token, boot: clock.bootId, reclaimed: null });
        files.writeView('lock.record', paths.record, record, 0o644);
      }
      return show(found);
    } finally {
      hands.drop();
      leave();
    }
  };

  const look = (): LockState => {
    if (state.mine !== null || isQuiet(parts, board.last()) || !guard.tryEnter()) return last();
    const rest: { needsDisk: boolean } = { needsDisk: false };
    try {
      const found = examine(scene());
      if (found.kind !== 'stale') return show(found);
      if (tokens.covers(reclaimToken(found))) return show(reclaimNow(found));
      rest.needsDisk = true;
      return show(found);
    } finally {
      hands.drop();
      leave();
      // The token of the reclaim needs a write to the disk, which nobody shall wait for here.
      if (rest.needsDisk) settle().catch((error) => log.say('error', `${fileName}: lock not reclaimed: ${error}`));
    }
  };

  /** Writes the grant down: token, record, bit. Under the guard, the kernel locks in our hands. Throws Failure. */
  const record = async (wish: Wish, found: FreeLock | StaleLock): Promise<HeldRecord> => {
    const free = found.kind === 'free' ? found : await reclaimInTime(found);
    const before = board.last();
    if (before === null || before.state !== 'COLD' || free !== found) show(free);
    const token = free.token + 1;
    if (!tokens.covers(token)) await tokens.reserve(token);
    const held = heldRecord(wish, { token, sidecar: sidecarInHand(), reclaimed: free.reclaimed }, self, clock);
    files.writeView('lock.record', paths.record, recordText(held), 0o644);
    surface.bit('1');
    return held;
  };

  const sidecarInHand = () => {
    const sidecar = hands.sidecar();
    if (sidecar === null) throw new Error('the lock is free without its sidecar in hand');
    return sidecar;
  };

  const tryAcquire = async (wish: Wish): Promise<HeldLock | HotLock> => {
    if (!(guard.tryEnter() || (await guard.enter()))) return guardKept();
    if (state.mine !== null) throw new Error(`the lock of ${config} is asked for while we have it`);
    try {
      const found = examine(scene());
      if (found.kind === 'hot') return found;
      try {
        state.mine = await record(wish, found);
        if (wish.purpose === 'hold') show(hotOf(state.mine));
        return heldLock(state.mine);
      } catch (error) {
        // A member of the lock group may take the kernel locks, which is what excludes others, but not write the record.
        const kernelAlone = wish.purpose === 'hold' && wish.kind === 'kernel';
        if (!kernelAlone || !(error instanceof Failure) || error.code !== 'no-permission') throw error;
        const given = { token: found.token + 1, sidecar: sidecarInHand(), reclaimed: null };
        state.mine = heldRecord(wish, given, self, clock);
        return unrecordedLock(given.token);
      }
    } finally {
      if (state.mine === null) hands.drop();
      leave();
    }
  };

  const hotOf = (record: HeldRecord): HotLock => ({
    ...{ kind: 'hot', verdict: 'held', holder: record.holder, token: record.token, record },
    ...{ leakedBy: null, path: null, complete: true },
  });

  const heldLock = ({ token, kind, purpose }: HeldRecord): HeldLock => ({
    ...{ token, tokenBefore: token - 1, recorded: true, cover: hands.cover, descriptors: hands.descriptors },
    mine: () => state.mine !== null && stillHeld(parts, token),
    async fenced(step) {
      const fenced = await runFenced(parts, token, step);
      if (fenced.kind === 'lost') {
        hands.drop();
        state.mine = null;
        board.note(guardKept());
      }
      return fenced;
    },
    async name(holder) {
      if (state.mine === null) return;
      const named = { ...state.mine, holder };
      await runFenced(parts, token, () => {
        files.writeView('lock.record', paths.record, recordText(named), 0o644);
        show(hotOf(named));
      });
      state.mine = named;
      board.flush();
    },
    async release() {
      if (state.mine === null) return;
      const failed = kind === 'lease' ? hands.drop() : await giveBack(parts, state.mine);
      state.mine = null;
      if (typeof failed === 'string')
        log.say('warning', `${fileName}: the record of its lock was left as it is: ${failed}`);
      if (purpose === 'commit') board.token(token);
      else if (kind === 'kernel') look();
      board.flush();
    },
  });

  /** A lock by its kernel locks alone. */
  const unrecordedLock = (token: number): HeldLock => ({
    ...{ token, tokenBefore: token - 1, recorded: false, cover: hands.cover, descriptors: hands.descriptors },
    mine: hands.intact,
    fenced: async () => ({ kind: 'lost', why: 'the lock is not on record' }),
    name: async () => {},
    async release() {
      hands.drop();
      state.mine = null;
    },
  });

  const observe = async (): Promise<Observation> => {
    for (let waitedMs = 0; ; waitedMs += COMMIT_PAUSE_MS) {
      const entered = await guard.enter();
      try {
        const found = entered ? examine(scene()) : guardKept();
        if (!isBeingApplied(found) || waitedMs >= COMMIT_PATIENCE_MS) {
          const stale = found.kind === 'stale' ? found.why : null;
          return { lock: board.note(found), stale, complete: found.kind !== 'hot' || found.complete };
        }
      } finally {
        hands.drop();
        if (entered) guard.leave();
      }
      await pause(clock, COMMIT_PAUSE_MS);
    }
  };

  return {
    look,
    settle,
    last: board.last,
    refused: board.refused,
    async acquire(wish) {
      for (let waitedMs = 0; ; waitedMs += COMMIT_PAUSE_MS) {
        const outcome = await tryAcquire(wish);
        if (!('kind' in outcome)) return { kind: 'got', held: outcome };
        if (!isBeingApplied(outcome) || waitedMs >= COMMIT_PATIENCE_MS) {
          const lock = show(outcome);
          board.flush();
          return { kind: 'hot', lock };
        }
        await pause(clock, COMMIT_PAUSE_MS);
      }
    },
    async observe() {
      try {
        return await observe();
      } catch (error) {
        const barred =
          error instanceof Failure && (error.code === 'no-permission' || error.code === 'missing-directory');
        if (!barred) throw error;
        return { lock: peek(parts), stale: null, complete: false };
      }
    },
    async topUp() {
      const ahead = last().token + TOKENS_AHEAD;
      if (tokens.covers(ahead) || !(await guard.enter())) return;
      try {
        await tokens.reserve(ahead);
      } finally {
        leave();
      }
    },
    close() {
      hands.close();
      guard.close();
    },
  };
}
