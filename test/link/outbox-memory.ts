import t from 'tap';
import { createOutboxMemory, outRecord, sentRecord, shedRecord } from '../../agent/link/outbox-memory.ts';
import type { JournalRecord } from '../../agent/ports/journal.ts';

const evt = (seq: number, more: object = {}) => outRecord(seq, 'evt', undefined, { seq, event: 'started', ...more });
const reported = (seq: number, config = 'camera') => outRecord(seq, 'reported', config, { seq, config });

function remember(records: readonly JournalRecord[]) {
  const memory = createOutboxMemory();
  for (const record of records) memory.fold(record);
  return memory;
}

const seqs = (memory: ReturnType<typeof createOutboxMemory>) => [...memory.pending.keys()];

t.test('what the broker has is no longer pending, but stays in the history', async (t) => {
  const memory = remember([evt(1, { config: 'camera' }), evt(2), reported(3), evt(4), sentRecord(3)]);
  t.same(seqs(memory), [4]);
  t.equal(memory.lastSeq(), 4);
  t.same(
    memory.history().map(({ seq }) => seq),
    [1, 2, 4],
  );
  t.same(
    memory.history('camera').map(({ seq }) => seq),
    [1],
  );
  t.match(memory.lastReported('camera'), { seq: 3 });
  t.equal(memory.lastReported('radio'), null);
  t.equal(memory.lastLock('camera'), null);
  t.equal(memory.pendingBytes(), JSON.stringify({ seq: 4, event: 'started' }).length);
});

t.test('what was given up goes, and what stands for others says how many', async (t) => {
  const records = [evt(1), evt(2), evt(3), evt(4), evt(5), shedRecord([1, 2, 4], new Map([[5, 3]]))];
  const memory = remember(records);
  t.same(seqs(memory), [3, 5]);
  t.match(JSON.parse(memory.pending.get(5)?.text ?? ''), { seq: 5, count: 3 });
  t.equal(
    memory.pendingBytes(),
    [...memory.pending.values()].reduce((sum, { text }) => sum + text.length, 0),
  );
});

t.test('a snapshot brings a fresh memory to the same state', async (t) => {
  const records = [
    ...Array.from({ length: 30 }, (_, i) =>
      i % 5 === 0 ? reported(i + 1, i % 2 === 0 ? 'camera' : 'radio') : evt(i + 1),
    ),
    sentRecord(10),
    shedRecord([12, 13, 20, 30], new Map([[14, 3]])),
    outRecord(31, 'lock', 'camera', { seq: 31, token: 4 }),
  ];
  const first = remember(records);
  const second = remember(first.snapshot());
  t.same([...second.pending], [...first.pending]);
  t.equal(second.lastSeq(), first.lastSeq());
  t.equal(second.pendingBytes(), first.pendingBytes());
  t.same(
    second.history().map(({ seq }) => seq),
    first.history().map(({ seq }) => seq),
  );
  t.same(second.lastReported('radio'), first.lastReported('radio'));
  t.match(second.lastLock('camera'), { token: 4 });
  t.same(remember(second.snapshot()).snapshot(), second.snapshot());
});

t.test('numbers go on after everything was sent and written anew', async (t) => {
  const memory = remember([evt(1), evt(2), sentRecord(2)]);
  t.equal(remember(memory.snapshot()).lastSeq(), 2);
});

t.test('the history and the snapshot are bounded', async (t) => {
  const memory = createOutboxMemory();
  for (let seq = 1; seq <= 5000; seq += 1) {
    memory.fold(evt(seq));
    memory.fold(sentRecord(seq));
  }
  t.equal(memory.history().length, 1000);
  t.equal(memory.history()[0]?.seq, 4001);
  t.ok(memory.snapshot().length <= 1002);
});

t.test('records of nobody are left alone', async (t) => {
  const memory = remember([
    { t: 'out', seq: 'x' },
    { t: 'out', seq: 1, kind: 'other', body: {} },
    { t: 'out', seq: 1, kind: 'evt', body: null },
    { t: 'sent' },
    { t: 'shed', ranges: 3, counts: [[1], 'x', [1, 'y']] },
  ]);
  t.equal(memory.pending.size, 0);
  t.equal(memory.lastSeq(), 0);
});
