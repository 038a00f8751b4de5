import t from 'tap';
import type { HeldRecord } from '../../agent/lock/record.ts';
import { decide, type Evidence, type OwnerState } from '../../agent/lock/verdict.ts';

const BOOT = 'this boot';
const kernel: HeldRecord = {
  ...{ mode: 'held', kind: 'kernel', purpose: 'hold', token: 7, boot: BOOT },
  holder: { pid: 4711, start: 1, command: 'flock', user: 'root', unit: null },
  ...{ pidNamespace: 1, timeNamespace: 1, sidecar: { dev: 1, ino: 1 }, since: '2026-01-01T00:00:00.000Z' },
  ...{ sinceBootMs: 0, reason: null, deadlineBootMs: 1000, reclaims: [] },
};
const lease: HeldRecord = { ...kernel, kind: 'lease' };
const free = { mode: 'free', token: 7, boot: BOOT, reclaims: [] } as const;
const base: Evidence = {
  ...{ kernel: 'got', record: free, bit: false, boot: BOOT, sameSidecar: true, owner: 'none', late: false },
  ...{ found: false, takerGone: false },
};

const OWNERS: readonly OwnerState[] = ['alive', 'gone', 'unknown', 'none'];
const BOTH = [false, true];
const say = (evidence: Partial<Evidence>) => {
  const decision = decide({ ...base, ...evidence });
  return decision.kind === 'hot' ? `${decision.verdict} by ${decision.by}` : decision.kind;
};

t.test('the table of the design', async (t) => {
  const rows: readonly (readonly [string, Partial<Evidence>, string])[] = [
    ['got, free', {}, 'cold'],
    ['got, no record', { record: null }, 'cold'],
    ['got, a bit nobody stands behind', { bit: true }, 'reclaim'],
    ['got, no record but a bit', { record: null, bit: true }, 'reclaim'],
    ['got, unreadable', { record: 'unreadable' }, 'reclaim'],
    ['got, held by kernel', { record: kernel, owner: 'gone' }, 'reclaim'],
    ['got, held by kernel, pid still there: it is just exiting', { record: kernel, owner: 'alive' }, 'reclaim'],
    ['got, lease in time', { record: lease, owner: 'alive' }, 'held by record'],
    ['got, lease of nobody in time', { record: lease, owner: 'none' }, 'held by record'],
    ['got, lease whose owner cannot be seen', { record: lease, owner: 'unknown' }, 'held by record'],
    ['got, lease past its time', { record: lease, owner: 'alive', late: true }, 'reclaim'],
    ['got, lease whose owner is gone', { record: lease, owner: 'gone' }, 'reclaim'],
    ['got, lease of another boot', { record: { ...lease, boot: 'before' }, owner: 'alive' }, 'reclaim'],
    ['got, kernel of another boot', { record: { ...kernel, boot: 'before' }, owner: 'alive' }, 'reclaim'],
    ['refused, owner alive', { kernel: 'sidecar', record: kernel, owner: 'alive', found: true }, 'held by record'],
    [
      'refused, owner alive but late',
      { kernel: 'sidecar', record: kernel, owner: 'alive', late: true },
      'overdue by record',
    ],
    [
      'refused, owner gone, child found',
      { kernel: 'sidecar', record: kernel, owner: 'gone', found: true },
      'orphaned by found',
    ],
    ['refused, owner gone, nobody found', { kernel: 'sidecar', record: kernel, owner: 'gone' }, 'unseen by nobody'],
    [
      'refused, owner unknown, somebody found',
      { kernel: 'sidecar', record: kernel, owner: 'unknown', found: true },
      'held by found',
    ],
    [
      'refused, owner unknown, nobody found',
      { kernel: 'sidecar', record: kernel, owner: 'unknown' },
      'unseen by record',
    ],
    ['refused, foreign', { kernel: 'sidecar', found: true }, 'held by found'],
    ['refused, foreign, left to a child', { kernel: 'sidecar', found: true, takerGone: true }, 'orphaned by found'],
    ['refused, foreign, invisible', { kernel: 'file' }, 'unseen by nobody'],
    [
      'refused on the file, stale record',
      { kernel: 'file', record: kernel, owner: 'gone', found: true },
      'held by found',
    ],
    ['refused, lease in time', { kernel: 'file', record: lease, owner: 'none', found: true }, 'held by record'],
    ['refused, lease past its time', { kernel: 'file', record: lease, late: true, found: true }, 'held by found'],
  ];
  for (const [name, evidence, expected] of rows) t.equal(say(evidence), expected, name);
});

t.test('a replaced sidecar proves nothing about the old one', async (t) => {
  const replaced = { record: kernel, sameSidecar: false };
  t.equal(say({ ...replaced, owner: 'alive' }), 'held by record');
  t.equal(say({ ...replaced, owner: 'gone', found: true }), 'orphaned by found');
  t.equal(say({ ...replaced, owner: 'unknown' }), 'unseen by record');
  t.equal(say({ ...replaced, owner: 'gone' }), 'reclaim');
});

t.test(
  'over the whole space: never reclaimed nor COLD without the kernel locks, nor from a live holder of a lease in time',
  async (t) => {
    let seen = 0;
    for (const record of [
      free,
      kernel,
      lease,
      { ...kernel, boot: 'before' },
      { ...lease, boot: 'before' },
      null,
      'unreadable',
    ] as const)
      for (const by of ['got', 'sidecar', 'file'] as const)
        for (const owner of OWNERS)
          for (const late of BOTH)
            for (const found of BOTH)
              for (const takerGone of BOTH)
                for (const sameSidecar of BOTH)
                  for (const bit of BOTH) {
                    const evidence = { ...base, record, kernel: by, owner, late, found, takerGone, sameSidecar, bit };
                    const decision = decide(evidence);
                    seen += 1;
                    if (by !== 'got' && decision.kind !== 'hot') t.fail(JSON.stringify(evidence));
                    const inTime = record === lease && owner !== 'gone' && !late;
                    if (inTime && decision.kind !== 'hot') t.fail(JSON.stringify(evidence));
                    if (decision.kind === 'hot' && decision.by === 'found' && !found) t.fail(JSON.stringify(evidence));
                    if (decision.kind === 'hot' && decision.by === 'record' && record !== kernel && record !== lease)
                      t.fail(JSON.stringify(evidence));
                  }
    t.equal(seen, 7 * 3 * 4 * 2 ** 5);
  },
);
