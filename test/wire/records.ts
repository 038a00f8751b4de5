import type { FromSchema } from 'json-schema-to-ts';
import t from 'tap';
import type { Heartbeat } from '../../agent/telemetry/heartbeat.ts';
import type { Position } from '../../agent/telemetry/position.ts';
import type { Evt, LockReport, Reported } from '../../agent/values/report.ts';
import type { TrackFeature } from '../../agent/values/track.ts';
import type { POSITION_SCHEMA, TRACK_SCHEMA } from '../../agent/wire/places.ts';
import { EVT_SCHEMA, LOCK_SCHEMA, REPORTED_SCHEMA } from '../../agent/wire/records.ts';
import type { HB_SCHEMA } from '../../agent/wire/telemetry.ts';

/** The same without `readonly`, which JSON knows nothing of. */
type Plain<T> = { -readonly [K in keyof T]: Plain<T[K]> };

/** Does not compile where what the agent says is not what the schema says. */
function says<Schema>() {
  return {
    all<Said extends Schema>(keys: readonly (keyof Said)[]) {
      return keys;
    },
  };
}

t.test('what the code says is what the schemas say, as far as types go', async (t) => {
  const evt = says<FromSchema<typeof EVT_SCHEMA>>().all<Plain<Evt>>(['event', 'seq']);
  const reported = says<FromSchema<typeof REPORTED_SCHEMA>>().all<Plain<Reported>>(['running', 'pending']);
  const lock = says<FromSchema<typeof LOCK_SCHEMA>>().all<Plain<LockReport>>(['state', 'token']);
  says<FromSchema<typeof HB_SCHEMA>>().all<Plain<Heartbeat>>([]);
  says<FromSchema<typeof POSITION_SCHEMA>>().all<Plain<Position>>([]);
  says<FromSchema<typeof TRACK_SCHEMA>>().all<Plain<TrackFeature>>([]);
  for (const key of evt) t.ok(key in EVT_SCHEMA.properties, key);
  for (const key of reported) t.ok(key in REPORTED_SCHEMA.properties, key);
  for (const key of lock) t.ok(key in LOCK_SCHEMA.properties, key);
});
