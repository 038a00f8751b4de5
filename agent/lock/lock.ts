import { Failure } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import { sayLock } from '../values/lock-words.ts';
import { openBoard, type Tell } from './board.ts';
import { clear, type Order } from './clear.ts';
import { heldRecord, type Wish } from './grant.ts';
import { type HeldLock, heldLock, hotByRecord, type Mine, unrecordedLock } from './held.ts';
import { isQuiet } from './look.ts';
import {
  COMMIT_PATIENCE_MS,
  COMMIT_PAUSE_MS,
  guardKeptBy,
  isBeingApplied,
  type Observation,
  observe,
} from './observe.ts';
import { type LockPorts, type LockSettings, openParts, pause } from './parts.ts';
import { type HeldRecord, recordText } from './record.ts';
import {
  examine,
  type FreeLock,
  type HotLock,
  readRecord,
  readWord,
  reclaim,
  reclaimToken,
  type StaleLock,
} from './settle.ts';

/** The outcome of reaching for a lock. */
export type Acquired =
  | { readonly kind: 'got'; readonly held: HeldLock }
  | { readonly kind: 'hot'; readonly lock: LockState };

/** The lock of one config. Methods throw Failure where its files cannot be opened, read or written. */
export interface Lock {
  /** Settles at once, waiting for nobody; see the port's `LockDoor.look` (a glance) and `LockDoor.reach`. */
  look(how?: 'glance' | 'reach'): LockState;
  /** True where a look and a {@link Lock.topUp} would do nothing. */
  quiet(): boolean;
  /** Settles with all patience, and reclaims what is stale. */
  settle(): Promise<LockState>;
  /** Looks as closely as a settle and changes nothing. */
  observe(): Promise<Observation>;
  /** Takes the lock or says who has it; waits only for probes, and for an update that is being applied. */
  acquire(wish: Wish): Promise<Acquired>;
  refused(): void;
  /** Makes it COLD by a person's decision, where that may be; else says how it is. */
  clear(order: Order): Promise<LockState>;
  /** Somebody wrote to the control surface: looks at what it asks for. */
  touched(): Promise<void>;
  /** How it was last found; null before the first look. */
  last(): LockState | null;
  /** Sets tokens aside ahead of need, so that no grant waits for the disk. */
  topUp(): Promise<void>;
  close(): void;
}

/** Fewest tokens that are kept in reserve. */
const TOKENS_AHEAD = 200;

/** Opens the lock of a config. `tell` hears of each change, never while the guard is ours. Throws Failure. */
export function openLock(ports: LockPorts, settings: LockSettings, config: string, tell: Tell): Lock {
  const parts = openParts(ports, settings, config);
  const { files, clock, log, paths, guard, hands, tokens, surface, self, fileName } = parts;
  const board = openBoard(parts, tell);
  const mine: Mine = { record: null };

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

  const ahead = () => last().token + TOKENS_AHEAD;
  const guardKept = () => guardKeptBy(parts, board.hints(), last().token);
  const noteGuardKept = (): LockState => {
    const lock = board.note(guardKept());
    board.flush();
    return lock;
  };

  const reclaimNow = (stale: StaleLock): FreeLock => {
    const free = reclaim(parts, stale);
    log.say('notice', `${fileName}: lock reclaimed, token ${stale.token} -> ${free.token}: ${stale.why}`);
    return free;
  };

  /** Reclaims, setting tokens aside first if need be; under the guard. */
  const reclaimInTime = async (stale: StaleLock): Promise<FreeLock> => {
    const token = reclaimToken(stale);
    if (!tokens.covers(token)) await tokens.reserve(token);
    return reclaimNow(stale);
  };

  const settle = async (): Promise<LockState> => {
    if (mine.record !== null) return last();
    if (!(await guard.enter())) return noteGuardKept();
    try {
      if (mine.record !== null) return last();
      const examined = examine(scene());
      const found = examined.kind === 'stale' ? await reclaimInTime(examined) : examined;
      if (found.kind === 'free' && readRecord(files, paths.record) === null) {
        // So that the next look need not ask the disk for the token.
        const record = recordText({ mode: 'free', token: found.token, boot: clock.bootId, reclaims: [] });
        files.writeView('lock.record', paths.record, record, 0o644);
      }
      return show(found);
    } finally {
      hands.drop();
      leave();
    }
  };

  /** Looks at the lock; the guard is ours when it begins and not when it ends. */
  const inspect = (): LockState => {
    const rest = { needsDisk: false, asked: false };
    try {
      const found = examine(scene());
      if (found.kind === 'free' && !board.isNews(found)) return last();
      if (found.kind === 'stale' && tokens.covers(reclaimToken(found))) return show(reclaimNow(found));
      rest.needsDisk = found.kind === 'stale';
      const lock = show(found);
      rest.asked = found.kind === 'hot' && surface.asked();
      return lock;
    } finally {
      hands.drop();
      leave();
      // The token of the reclaim needs a write to the disk, which nobody shall wait for here.
      if (rest.asked) answer().catch((error) => log.say('error', `${fileName}: lock not released: ${error}`));
      if (rest.needsDisk) settle().catch((error) => log.say('error', `${fileName}: lock not reclaimed: ${error}`));
    }
  };
  const look = (how: 'glance' | 'reach' = 'glance'): LockState => {
    if (mine.record !== null || (how === 'glance' && isQuiet(parts, board.last())) || !guard.tryEnter()) return last();
    return inspect();
  };

  /** Writes the grant down: token, record, bit. Under the guard, the kernel locks in our hands. Throws Failure. */
  const putOnRecord = async (wish: Wish, found: FreeLock | StaleLock): Promise<HeldRecord> => {
    const free = found.kind === 'free' ? found : await reclaimInTime(found);
    const before = board.last();
    if (before === null || before.state !== 'COLD' || free !== found) show(free);
    const token = free.token + 1;
    if (!tokens.covers(token)) await tokens.reserve(token);
    const held = heldRecord(
      wish,
      { token, sidecar: sidecarInHand(), reclaims: board.untold(free.reclaims) },
      self,
      clock,
    );
    files.writeView('lock.record', paths.record, recordText(held), 0o644);
    surface.bit('1');
    return held;
  };

  const clearNow = async (order: Order): Promise<LockState> => {
    if (mine.record !== null || !(await guard.enter())) return mine.record === null ? noteGuardKept() : last();
    try {
      return show(await clear(parts, board.hints(), order));
    } finally {
      hands.drop();
      leave();
    }
  };

  /** Somebody wrote 0 into `conf_locked`: granted if nobody has the kernel locks. */
  const answer = async (): Promise<void> => {
    const lock = await clearNow({ by: 'conf_locked', why: 'somebody wrote 0 into conf_locked', breakIt: false });
    if (lock.state === 'HOT') surface.refuse(lock, `not released, ${sayLock(lock, clock.wallMs())}`);
  };

  const sidecarInHand = () => {
    const sidecar = hands.sidecar();
    if (sidecar === null) throw new Error('the lock is free without its sidecar in hand');
    return sidecar;
  };

  const tryAcquire = async (wish: Wish): Promise<HeldLock | HotLock> => {
    if (!(guard.tryEnter() || (await guard.enter()))) return guardKept();
    if (mine.record !== null) throw new Error(`the lock of ${config} is asked for while we have it`);
    try {
      const found = examine(scene());
      if (found.kind === 'hot') return found;
      try {
        const record = await putOnRecord(wish, found);
        mine.record = record;
        if (wish.purpose === 'hold') show(hotByRecord(record));
        return heldLock(parts, board, mine, record, look);
      } catch (error) {
        // A member of the lock group may take the kernel locks, which is what excludes others, but not write the record.
        const kernelAlone = wish.purpose === 'hold' && wish.kind === 'kernel';
        if (!kernelAlone || !(error instanceof Failure) || error.code !== 'no-permission') throw error;
        const given = { token: found.token + 1, sidecar: sidecarInHand(), reclaims: [] };
        mine.record = heldRecord(wish, given, self, clock);
        return unrecordedLock(parts, mine, given.token);
      }
    } finally {
      if (mine.record === null) hands.drop();
      leave();
    }
  };

  return {
    ...{ look, settle, last: board.last, refused: board.refused, clear: clearNow },
    quiet: () => mine.record === null && isQuiet(parts, board.last()) && tokens.covers(ahead()),
    async touched() {
      const bit = readWord(files, paths.bit);
      const isNew = bit !== '' && (bit !== (last().state === 'HOT' ? '1' : '0') || surface.asked());
      // Whoever took the lock a moment ago may still be in the guard: waited for, or the request would lie until the next round.
      if (mine.record !== null || !isNew || !(await guard.enter())) return;
      if (mine.record === null) inspect();
      else leave();
    },
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
    observe: () => observe(parts, board, guardKept),
    async topUp() {
      if (tokens.covers(ahead()) || !(await guard.enter())) return;
      try {
        await tokens.reserve(ahead());
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
