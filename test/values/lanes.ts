import t from 'tap';
import { isLane, LANES } from '../../agent/values/lanes.ts';

t.test('what is a lane', async (t) => {
  for (const lane of LANES) t.ok(isLane(lane));
  for (const other of ['evt', '', 'toString', null, 1]) t.notOk(isLane(other));
});
