import t from 'tap';
import { createTrackMemory, type OpenTrack, trackGoesRecord, trackRecord } from '../../agent/telemetry/track-memory.ts';

const OPEN: OpenTrack = {
  ...{
    flight: 'f1',
    seq: 3,
    offsetMs: 1000,
    keys: [[8, 47, 1, 5000]],
    last: null,
    raw: 1,
    correctionM: null,
    gaps: [],
  },
};

t.test('a batch under way, as it grows and ends; a snapshot is the same', async (t) => {
  const memory = createTrackMemory();
  t.same(memory.snapshot(), []);
  memory.fold(trackRecord(OPEN));
  t.same(memory.open(), OPEN);
  memory.fold(
    trackGoesRecord({ keys: [[8, 47, 2, 6000]], last: [8, 47, 3, 7000], raw: 30, correctionM: 2, gaps: [[1, 2]] }),
  );
  const grown = {
    ...OPEN,
    ...{ keys: [...OPEN.keys, [8, 47, 2, 6000]], last: [8, 47, 3, 7000], raw: 30, correctionM: 2, gaps: [[1, 2]] },
  };
  t.same(memory.open(), grown);
  const again = createTrackMemory();
  for (const record of JSON.parse(JSON.stringify(memory.snapshot()))) again.fold(record);
  t.same(again.open(), grown);
  memory.fold(trackRecord(null));
  t.equal(memory.open(), null);
  memory.fold(trackGoesRecord({ keys: [], last: null, raw: 1, correctionM: null, gaps: [] }));
  t.equal(memory.open(), null, 'what belongs to no batch is none');
});

t.test('records that are damaged', async (t) => {
  const memory = createTrackMemory();
  for (const open of [1, {}, { ...OPEN, flight: 1 }, { ...OPEN, offsetMs: 'x' }]) {
    memory.fold({ t: 'track', open });
    t.equal(memory.open(), null);
  }
  memory.fold({ t: 'track', open: { ...OPEN, keys: [[1, 2], 'x', [8, 47, 1, 5000]], gaps: ['x', [1]] } });
  t.same(memory.open(), OPEN, 'what is no point is left out');
});
