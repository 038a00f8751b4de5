import t from 'tap';
import { hostProcesses } from '../../agent/host/processes.ts';
import { findHolders, mayBlock, ownerState, toHolder } from '../../agent/lock/finder.ts';
import type { HeldRecord } from '../../agent/lock/record.ts';
import type { Processes, ProcessInfo } from '../../agent/ports/processes.ts';

const file = { fd: 3, dev: 1, ino: 2, uid: 1000, readOnly: false };
const one: ProcessInfo = {
  ...{ pid: 50, start: 9, command: 'flock', uid: 1001, user: 'eve', unit: null },
  ...{ pidNamespace: 1, timeNamespace: 1, zombie: false },
};
const world = (more: Partial<Processes>): Processes => ({
  ...{ self: () => ({ ...one, pid: 1, uid: 7 }), describe: (pid) => (pid === 50 ? one : null), lockLines: () => [] },
  holders: () => ({ pids: [], unseen: [] }),
  signal: () => 'gone',
  ...more,
});

t.test('whoever took the lock and is gone is told from whoever has it', async (t) => {
  const line = { dev: 1, ino: 2, family: 'flock', pid: 49 } as const;
  const processes = world({ lockLines: () => [line], holders: () => ({ pids: [50], unseen: [] }) });
  t.match(findHolders(processes, file, []), { holders: [one], takerGone: 49, attributed: true });
  t.match(findHolders(world({}), file, []), { holders: [], takerGone: null, attributed: false });
  const two = world({ lockLines: () => [line, { ...line, pid: 50 }], holders: () => ({ pids: [50], unseen: [] }) });
  t.match(findHolders(two, file, []), { attributed: false }, 'one process for two locks does not account for both');
  const blind = world({ lockLines: () => null, holders: () => ({ pids: [50], unseen: [] }) });
  t.match(findHolders(blind, file, []), { holders: [one], attributed: false }, 'nor one where the locks are not known');
  const barred = world({ lockLines: () => [{ ...line, pid: 50 }], holders: () => ({ pids: [], unseen: [50] }) });
  t.match(
    findHolders(barred, file, []),
    { holders: [one], complete: false },
    'without root the lock line is all there is',
  );
  const other = world({ lockLines: () => [{ ...line, pid: 50 }], holders: () => ({ pids: [], unseen: [1] }) });
  t.match(findHolders(other, file, []), { holders: [], complete: false }, 'who can be looked into has passed it on');
});

t.test('whose lock on a config file counts', async (t) => {
  const self = world({}).self();
  t.equal(mayBlock(one, file, self, []), false);
  for (const uid of [0, 7, 1000, null]) t.equal(mayBlock({ ...one, uid }, file, self, []), true, `uid ${uid}`);
  t.equal(mayBlock(one, file, self, ['eve']), true);
  t.equal(mayBlock({ ...one, user: null }, file, self, []), true);
});

t.test('what cannot be compared is unknown, and unknown is not gone', async (t) => {
  const self = world({}).self();
  const record: HeldRecord = {
    ...{ mode: 'held', kind: 'lease', purpose: 'hold', token: 7, boot: 'b', holder: toHolder(one) },
    ...{ pidNamespace: 1, timeNamespace: 1, sidecar: { dev: 1, ino: 1 }, since: '2026-01-01T00:00:00.000Z' },
    ...{ sinceBootMs: 0, reason: null, deadlineBootMs: null, reclaims: [] },
  };
  const of = (more: Partial<HeldRecord>, describe: ProcessInfo | null = one) =>
    ownerState({ ...record, ...more }, world({ describe: () => describe }), self);
  t.equal(of({}), 'alive');
  t.equal(of({}, null), 'gone');
  t.equal(of({}, { ...one, zombie: true }), 'gone');
  t.equal(of({}, { ...one, start: 10 }), 'gone', 'the pid was given to another process');
  t.equal(of({ pidNamespace: 2 }, null), 'unknown');
  t.equal(of({ pidNamespace: null }, null), 'unknown');
  t.equal(of({ timeNamespace: 2 }, { ...one, start: 10 }), 'unknown');
  t.equal(of({}, { ...one, start: null }), 'unknown');
  t.equal(of({ holder: { ...toHolder(one), pid: 0 } }), 'none');
  t.equal(of({ kind: 'kernel', holder: { ...toHolder(one), pid: 0 } }), 'unknown');
});

t.test('the process we are is alive', async (t) => {
  const processes = hostProcesses();
  const self = processes.self();
  const record: HeldRecord = {
    ...{ mode: 'held', kind: 'lease', purpose: 'hold', token: 7, boot: 'b', holder: toHolder(self) },
    ...{ pidNamespace: self.pidNamespace, timeNamespace: self.timeNamespace, sidecar: { dev: 1, ino: 1 } },
    ...{ since: '2026-01-01T00:00:00.000Z', sinceBootMs: 0, reason: null, deadlineBootMs: null, reclaims: [] },
  };
  t.equal(ownerState(record, processes, self), 'alive');
  const reused = { ...record, holder: { ...record.holder, start: (self.start ?? 0) - 1 } };
  t.equal(ownerState(reused, processes, self), 'gone');
});
