import { sha256 } from '../host/chance.ts';
import { isForEverybody } from '../host/everybody.ts';
import { hostFiles } from '../host/files.ts';
import { replayJournal } from '../host/journal.ts';
import { followLog } from '../host/log-reader.ts';
import { createOutboxMemory } from '../link/outbox-memory.ts';
import type { Flown, LinkSpan, PageData, Told } from '../page/data.ts';
import { discreetEntry, discreetEvent, discreetReported } from '../page/discreet.ts';
import type { Settings } from '../settings-schema.ts';
import { tellEvent } from '../update/story.ts';
import { Failure } from '../values/errors.ts';
import type { LogEntry } from '../values/log-line.ts';
import type { Evt } from '../values/report.ts';
import { readStatus } from './status-read.ts';
import { readTracks } from './track.ts';

/** How much of history and log one page shows. */
const HISTORY_COUNT = 60;
const LOG_COUNT = 150;
/** Round trips kept for the picture: two hours of one every 5 s. */
const TRIPS_MAX = 1440;

/** How the link was over time, read off the log: each line of the link says the state it went to. Pure. */
export function linkSpans(entries: readonly LogEntry[], nowMs: number, lastSignMs: number | null): readonly LinkSpan[] {
  const turns = entries.flatMap(({ at, fields, text }) => {
    const state = text.startsWith('link: ') ? fields.state : undefined;
    if (state !== undefined) return [{ atMs: Date.parse(at), state }];
    return fields.event === 'started' || fields.event === 'stopped' ? [{ atMs: Date.parse(at), state: 'stopped' }] : [];
  });
  return turns.flatMap(({ atMs, state }, index) => {
    // What was last said holds as long as the agent gave a sign of life.
    const toMs = turns[index + 1]?.atMs ?? Math.min(nowMs, lastSignMs ?? atMs);
    return toMs > atMs ? [{ fromMs: atMs, toMs, state }] : [];
  });
}

function told(evt: Evt): Told {
  const { level, line } = tellEvent(evt);
  const { at, clock, config = null } = evt;
  // Only what was put in place has changed anything.
  const changed = evt.event === 'applied' && evt.changed !== false && config !== null;
  return { at, clock, level, line, config, version: changed ? (evt.version ?? null) : null };
}

/** The last flight that this device still has; null if there is none. */
function lastFlight(settings: Settings): Flown | null {
  const { features, flights } = readTracks(settings);
  const last = flights.at(-1);
  if (last === undefined) return null;
  const corrections = features.flatMap(({ geometry, properties: { flight, largest_correction_m: m } }) => {
    const [first] = geometry.coordinates;
    return flight === last.flight && m !== null && first !== undefined ? [{ atMs: first[3], m }] : [];
  });
  const { flight, lines, error_m, raw_points, largest_correction_m } = last;
  return { flight, lines, error_m, raw_points, largest_correction_m, corrections };
}

/**
 * Reads all that a page shows, each time anew: from the disk, so that it needs no daemon. Who looks at it is not known: what a program
 * said of a file is left out unless everybody may read that file.
 */
export function createPageReader(settings: Settings): { read(): Promise<PageData> } {
  const { state } = settings.paths;
  const trips: PageData['roundTrips'][number][] = [];
  const log = followLog(`${state}/log`);
  let entries: readonly LogEntry[] = [];

  const hidden = <T>(fallback: T, what: string, into: string[], look: () => T): T => {
    try {
      return look();
    } catch (error) {
      if (!(error instanceof Failure) || error.code !== 'no-permission') throw error;
      into.push(`${what} (${error.path})`);
      return fallback;
    }
  };
  return {
    async read() {
      const nowMs = Date.now();
      const found = await readStatus(settings);
      const unseen = [...found.hidden];
      const more = hidden([], 'the log', unseen, () => log.read().entries);
      const isOpen = (config: string) =>
        settings.configs[config]?.files.every(({ path }) => isForEverybody(path)) === true;
      const configs = Object.entries(found.configs).map(
        ([name, reported]) => [name, discreetReported(name, reported, isOpen)] as const,
      );
      const dayAgo = nowMs - 2 * 86_400_000;
      entries = [...entries, ...more].filter(
        ({ at }, index, all) => index >= all.length - LOG_COUNT || Date.parse(at) > dayAgo,
      );
      const memory = createOutboxMemory();
      hidden(null, 'the history', unseen, () => replayJournal(hostFiles(), sha256, `${state}/journal`, [memory]));
      const trip = found.link?.round_trip_ms ?? null;
      if (trip !== null && found.agent.state === 'running') trips.push({ atMs: nowMs, ms: trip });
      if (trips.length > TRIPS_MAX) trips.splice(0, trips.length - TRIPS_MAX);
      const sign = found.agent.state === 'running' ? nowMs : Date.parse(found.agent.last_beat ?? '');
      return {
        nowMs,
        status: { ...found, configs: Object.fromEntries(configs), hidden: unseen },
        configs: Object.keys(settings.configs),
        history: memory
          .history()
          .slice(-HISTORY_COUNT)
          .map((evt) => told(discreetEvent(evt, isOpen))),
        log: entries.slice(-LOG_COUNT).map((entry) => discreetEntry(entry, isOpen)),
        link: linkSpans(entries, nowMs, Number.isNaN(sign) ? null : sign),
        roundTrips: trips,
        flown: hidden(null, 'the flights', unseen, () => lastFlight(settings)),
      };
    },
  };
}
