import type { LockState, Verdict } from '../values/lock.ts';
import { VERDICTS } from '../values/lock.ts';
import { toHolder } from './finder.ts';
import type { Parts } from './parts.ts';
import { readRecord, readWord } from './settle.ts';
import { stateOf } from './shown.ts';

function asVerdict(word: string | null): Verdict {
  return VERDICTS.find((verdict) => verdict === word) ?? 'held';
}

/**
 * What somebody sees of a lock who may not open its files: the record, the kernel's list, and what the control surface says of the last
 * look of the agent. Takes nothing, proves nothing. Throws Failure where not even those can be read.
 */
export function peek(parts: Parts): LockState {
  const { files, kernel, processes, clock, paths, guarded, fileName, surface } = parts;
  const record = readRecord(files, paths.record);
  const token = record === null || record === 'unreadable' ? Number(readWord(files, paths.token) ?? 0) : record.token;
  const cold: LockState = {
    ...{ state: 'COLD', verdict: null, holder: null, since: null, refusals: 0, file: fileName },
    token: Number.isSafeInteger(token) ? token : 0,
  };
  const dated = (lock: LockState): LockState => ({
    ...lock,
    since: surface.since(lock),
    refusals: surface.refusals(lock),
  });
  if (record !== null && record !== 'unreadable' && record.mode === 'held' && record.boot === clock.bootId) {
    const { holder } = record;
    const hot = { ...({ kind: 'hot', verdict: 'held', holder, token: record.token, record, leakedBy: null } as const) };
    return { ...stateOf({ ...hot, path: null, complete: false }, fileName, clock), since: record.since };
  }
  const inodes = [{ path: paths.sidecar }, ...guarded].flatMap(
    ({ path }) => kernel.inode('lock.inode', path)?.ino ?? [],
  );
  const line = processes.lockLines().find(({ ino }) => inodes.includes(ino));
  if (line !== undefined) {
    const process = processes.describe(line.pid);
    return dated({ ...cold, state: 'HOT', verdict: 'held', holder: process === null ? null : toHolder(process) });
  }
  if (readWord(files, paths.state) !== 'HOT') return dated(cold);
  return dated({ ...cold, state: 'HOT', verdict: asVerdict(readWord(files, paths.verdict)) });
}
