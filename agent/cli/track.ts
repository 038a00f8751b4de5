import { sha256 } from '../host/chance.ts';
import { hostClock } from '../host/clock.ts';
import { hostFiles } from '../host/files.ts';
import { replayJournal } from '../host/journal.ts';
import { createLaneMemory } from '../link/lane-memory.ts';
import { readSettings } from '../settings.ts';
import type { Settings } from '../settings-schema.ts';
import { type Flight, flightsOf, geojsonOf, gpxOf } from '../telemetry/flights.ts';
import { createTrackMemory } from '../telemetry/track-memory.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { parseTrackFeature, type TrackFeature } from '../values/track.ts';
import { sayDuration } from '../values/units.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';

/** The batches of flights that this device still has, and the flights they make. Throws Failure. */
export function readTracks(settings: Settings): {
  readonly features: readonly TrackFeature[];
  readonly flights: readonly Flight[];
} {
  const lanes = createLaneMemory(hostClock().bootId);
  const track = createTrackMemory();
  replayJournal(hostFiles(), sha256, `${settings.paths.state}/telemetry`, [lanes, track]);
  const features = lanes.tracks().flatMap(({ text }) => parseTrackFeature(JSON.parse(text)) ?? []);
  return { features, flights: flightsOf(features, track.open(), settings.telemetry.track.error_m) };
}

function sayFlight({ flight, from_ms, to_ms, points, raw_points, error_m, missing, open }: Flight): string {
  const at = `${new Date(from_ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const gone = missing === 1 ? '1 batch of it is gone' : `${missing} batches of it are gone`;
  const more = [...(missing > 0 ? [gone] : []), ...(open ? ['goes on'] : [])];
  return `${flight}  ${at}  ${sayDuration(to_ms - from_ms)}  ${points} of ${raw_points} points, within ${error_m} m${more.map((one) => `, ${one}`).join('')}`;
}

/** `locksmith track`. */
export const command: Command = {
  help: `Usage: locksmith track [FLIGHT] [--gpx | --geojson] [--settings FILE] [--json]

The flights that this device still has, oldest first: when, how long, how many points of how many, and how near they are to the
way it really went. --gpx or --geojson prints one of them, the last unless FLIGHT names another: for a map, or any program that
reads tracks. Works with the daemon dead and without a network. The newest fifteen hours or so of flight are there, also after
the fleet has them.
Exit code: 0, or 4 if there is none.

Example: locksmith track --gpx > last-flight.gpx`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs(
      'track',
      argv,
      {
        settings: { type: 'string', default: SETTINGS_PATH },
        json: { type: 'boolean', default: false },
        gpx: { type: 'boolean', default: false },
        geojson: { type: 'boolean', default: false },
      },
      { min: 0, max: 1, names: 'at most one FLIGHT' },
    );
    if ([values.gpx, values.geojson, values.json].filter(Boolean).length > 1) {
      throw new SaidError(EXIT.usage, 'track: one of --gpx, --geojson and --json at a time', 'locksmith track --help');
    }
    const [name] = positionals;
    const { flights: all } = readTracks(readSettings(values.settings));
    const flights = name === undefined ? all : all.filter(({ flight }) => flight === name);
    const last = flights.at(-1);
    if (last === undefined) {
      if (values.json) terminal.out('[]\n');
      terminal.err(
        name === undefined
          ? 'no flight is on record\n'
          : `no flight '${name}' is on record; locksmith track lists them\n`,
      );
      return EXIT.nothing;
    }
    if (values.gpx) terminal.out(gpxOf(last));
    else if (values.geojson) terminal.out(`${JSON.stringify(geojsonOf(last))}\n`);
    else if (values.json) terminal.out(`${JSON.stringify(flights.map(({ lines: _, ...rest }) => rest))}\n`);
    else for (const flight of flights) terminal.out(`${sayFlight(flight)}\n`);
    return EXIT.done;
  },
};
