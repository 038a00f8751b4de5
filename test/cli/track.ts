import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { createJournal } from '../../agent/host/journal.ts';
import { createLaneMemory, gotRecord, keptRecord } from '../../agent/link/lane-memory.ts';
import { createTrackMemory, trackRecord } from '../../agent/telemetry/track-memory.ts';
import { type LoneDevice, loneDevice } from '../fixtures/lone-device.ts';

const properties = {
  ...{ error_m: 1, raw_points: 600, largest_correction_m: 0.4, boot_ms: 5000, gaps_ms: [], end: 'time' },
};
const feature = (flight: string, seq: number, coordinates: readonly (readonly number[])[]) => ({
  type: 'Feature',
  geometry: { type: 'LineString', coordinates },
  properties: { flight, seq, ...properties },
});
const MS = Date.UTC(2026, 10, 27, 1, 0, 0);

/** What an agent leaves that was killed in its second flight; of the first it has one batch. */
async function fly(device: LoneDevice, seq = 1) {
  const journal = createJournal({
    ...{ files: hostFiles(), sha256, path: join(device.state, 'telemetry') },
    onLost: (error) => t.fail(String(error)),
    onTrouble() {},
  });
  await journal.open([createLaneMemory('b'), createTrackMemory()]);
  await journal.append([
    keptRecord(
      1,
      'track',
      0,
      feature('one', seq, [
        [8, 47, 10, MS],
        [8.1, 47, 11, MS + 60_000],
      ]),
    ),
    keptRecord(2, 'hb', 0, { seq: 1 }),
    keptRecord(
      3,
      'track',
      0,
      feature('two', 1, [
        [9, 46, 5, MS + 3_600_000],
        [9.1, 46, 6, MS + 3_660_000],
      ]),
    ),
    gotRecord([1]),
    trackRecord({
      ...{
        flight: 'two',
        seq: 2,
        offsetMs: 0,
        keys: [[9.1, 46, 6, MS + 3_660_000]],
        last: [9.2, 46, 7, MS + 3_690_000],
      },
      ...{ raw: 300, correctionM: null, gaps: [] },
    }),
  ]);
  await journal.close();
}

t.test('a device that never flew', async (t) => {
  const device = loneDevice(t);
  const { code, stdout, stderr } = await device.locksmith(['track']);
  t.same([code, stdout, stderr], [4, '', 'no flight is on record\n']);
  t.equal((await device.locksmith(['track', '--json'])).stdout, '[]\n');
});

t.test('the flights, sent or not, and the one that goes on; the daemon is dead', async (t) => {
  const device = loneDevice(t);
  await fly(device);
  const { code, stdout } = await device.locksmith(['track']);
  t.equal(code, 0);
  t.equal(
    stdout,
    `one  2026-11-27 01:00:00 UTC  1 min  2 of 600 points, within 1 m
two  2026-11-27 02:00:00 UTC  1 min  3 of 900 points, within 1 m, goes on
`,
  );
  const list = JSON.parse((await device.locksmith(['track', '--json'])).stdout);
  t.match(list, [
    { flight: 'one', points: 2 },
    { flight: 'two', open: true },
  ]);
});

t.test('a flight of which the device has not all', async (t) => {
  for (const [seq, gone] of [
    [2, '1 batch of it is gone'],
    [3, '2 batches of it are gone'],
  ] as const) {
    const device = loneDevice(t);
    await fly(device, seq);
    const [one] = (await device.locksmith(['track'])).stdout.split('\n');
    t.equal(one, `one  2026-11-27 01:00:00 UTC  1 min  2 of 601 points, within 1 m, ${gone}`);
  }
});

t.test('one of them for a map: the last, or the one that is named', async (t) => {
  const device = loneDevice(t);
  await fly(device);
  const gpx = (await device.locksmith(['track', '--gpx'])).stdout;
  t.match(gpx, '<name>two</name>');
  t.match(gpx, '<trkpt lat="46" lon="9.2"><ele>7</ele><time>2026-11-27T02:01:30.000Z</time></trkpt>');
  const json = JSON.parse((await device.locksmith(['track', 'one', '--geojson'])).stdout);
  t.same(json.geometry, {
    type: 'LineString',
    coordinates: [
      [8, 47, 10, MS],
      [8.1, 47, 11, MS + 60_000],
    ],
  });
  const none = await device.locksmith(['track', 'three', '--gpx']);
  t.same([none.code, none.stderr], [4, "no flight 'three' is on record; locksmith track lists them\n"]);
  const both = await device.locksmith(['track', '--gpx', '--json']);
  t.equal(both.code, 2);
  t.match(both.stderr, /Try: locksmith track --help/);
});
