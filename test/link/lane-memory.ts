import t from 'tap';
import {
  bootRecord,
  coarserRecord,
  createLaneMemory,
  gotRecord,
  keptRecord,
  lostRecord,
  nowRecord,
  toldRecord,
} from '../../agent/link/lane-memory.ts';

const NONE = { track: 0, position: 0, hb: 0 };

function filled(boot = 'b') {
  const memory = createLaneMemory(boot);
  memory.fold(bootRecord('b'));
  memory.fold(keptRecord(1, 'hb', 100, { seq: 1 }));
  memory.fold(keptRecord(2, 'position', 200, { lat: 1 }));
  memory.fold(keptRecord(3, 'track', 300, { line: [1, 2, 3] }));
  return memory;
}

t.test('what waits, in order, with its size', async (t) => {
  const memory = filled();
  t.same(
    [...memory.waiting.values()].map(({ n, lane, bootMs }) => [n, lane, bootMs]),
    [
      [1, 'hb', 100],
      [2, 'position', 200],
      [3, 'track', 300],
    ],
  );
  t.equal(memory.bytes(), '{"seq":1}{"lat":1}{"line":[1,2,3]}'.length);
  t.equal(memory.waitingIn('track'), 1);
  memory.fold(gotRecord([1, 2]));
  t.same([...memory.waiting.keys()], [3]);
  t.equal(memory.bytes(), '{"line":[1,2,3]}'.length);
  memory.fold(coarserRecord(3, { line: [] }));
  t.equal(memory.bytes(), '{"line":[]}'.length);
  memory.fold(lostRecord([3], { ...NONE, track: 1 }));
  t.equal(memory.bytes(), 0);
  t.same(memory.lost(), { ...NONE, track: 1 });
  memory.fold(toldRecord({ ...NONE, track: 1 }));
  t.same(memory.lost(), NONE);
  t.equal(memory.lastN(), 3);
});

t.test('what was given up while the rest was being told is still to be told', async (t) => {
  const memory = filled();
  memory.fold(lostRecord([1], { ...NONE, hb: 1 }));
  const told = toldRecord(memory.lost());
  memory.fold(lostRecord([2], { ...NONE, position: 1, hb: 2 }));
  const again = createLaneMemory('b');
  for (const record of JSON.parse(JSON.stringify(memory.snapshot()))) again.fold(record);
  for (const it of [memory, again]) {
    it.fold(JSON.parse(JSON.stringify(told)));
    t.same(it.lost(), { ...NONE, position: 1, hb: 2 });
  }
  memory.fold({ t: 'lane-told' });
  t.same(memory.lost(), NONE, 'as an older agent has written it');
});

t.test('a snapshot brings another memory to the same state, the numbers too', async (t) => {
  const memory = filled();
  memory.fold(lostRecord([1], { ...NONE, hb: 1 }));
  memory.fold(gotRecord([3]));
  memory.fold(nowRecord('position', 2));
  const again = createLaneMemory('b');
  for (const record of JSON.parse(JSON.stringify(memory.snapshot()))) again.fold(record);
  t.same([...again.waiting], [...memory.waiting]);
  t.same([again.lastN(), again.bytes(), again.lost()], [3, memory.bytes(), { ...NONE, hb: 1 }]);
  t.same([again.now('position'), again.now('hb')], [2, 0]);
});

t.test('after a reboot the age of what is there counts from the boot', async (t) => {
  t.same(
    [...filled('another').waiting.values()].map(({ bootMs }) => bootMs),
    [0, 0, 0],
  );
});

t.test('records that are damaged are no messages', async (t) => {
  const memory = createLaneMemory('b');
  for (const record of [
    { t: 'lane', n: 'x', lane: 'hb', body: {} },
    { t: 'lane', n: 1, lane: 'evt', body: {} },
    { t: 'lane', n: 1, lane: 'hb', body: null },
    { t: 'lane-got', ranges: 'all' },
    { t: 'lane-got', ranges: [7, ['a', 1]] },
    { t: 'lane-coarser', n: 9, body: {} },
    { t: 'lane-now', lane: 'evt', n: 9 },
    { t: 'lane-now', lane: 'hb', n: '9' },
    { t: 'lane-lost', ranges: [], lost: { hb: 'many' } },
  ])
    memory.fold(record);
  t.equal(memory.waiting.size, 0);
  t.equal(memory.now('hb'), 0);
  t.same(memory.lost(), NONE);
});
