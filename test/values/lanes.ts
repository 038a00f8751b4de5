import t from 'tap';
import { isLane, LANES, sayLanes } from '../../agent/values/lanes.ts';

t.test('what is a lane', async (t) => {
  for (const lane of LANES) t.ok(isLane(lane));
  for (const other of ['evt', '', 'toString', null, 1]) t.notOk(isLane(other));
});

t.test('in words, without those of which there is nothing', async (t) => {
  t.equal(sayLanes({ track: 12, position: 0, hb: 3 }), '12 of track, 3 of hb');
  t.equal(sayLanes({ track: 0, position: 0, hb: 0 }), '');
});
