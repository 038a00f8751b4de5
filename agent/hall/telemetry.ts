import { createLaneMemory } from '../link/lane-memory.ts';
import { type Lanes, openLanes } from '../link/lanes.ts';
import type { JournalRecord } from '../ports/journal.ts';
import type { VehicleFeed } from '../ports/vehicle.ts';
import type { Cancel } from '../ports/world.ts';
import type { Settings } from '../settings-schema.ts';
import { coarserTrack } from '../telemetry/track-coarser.ts';
import { createTrackMemory } from '../telemetry/track-memory.ts';
import { openWhereabouts } from '../telemetry/whereabouts.ts';
import { Failure } from '../values/errors.ts';
import { LANES, sayLanes } from '../values/lanes.ts';
import type { EventBody } from '../values/report.ts';
import type { Host } from './host.ts';

/** What was kept reaches the disk this often. Effect: a power cut costs at most so much of it, a kill nothing; see docs/operations.md for the wear. */
const SYNC_MS = 10_000;
/** While telemetry is given up all the time it is said this often. */
const TELL_MS = 600_000;

/**
 * The file is written anew when it has grown to this many times what is in it. Effect: how much room the setting `max_mb` takes on the
 * disk, against three bytes written for each that is kept while an outage lasts.
 */
const GROWTH = 1.5;

/** What the telemetry's keeping works with. */
export interface TelemetryRooms {
  /** How many records of the outbox wait. */
  records(): number;
  /** Makes an event durable and says it. */
  say(event: EventBody): Promise<void>;
  /** Looks after a promise that nobody waits for. */
  later(promise: Promise<unknown>): void;
  /** Null: no vehicle. */
  readonly feed: VehicleFeed | null;
}

/** Heartbeats, positions and tracks: how they are kept, and on their way. */
export interface Telemetry {
  readonly lanes: Lanes;
  /** Syncs, and looks after age and reports, until cancelled. */
  watch(): Cancel;
  close(): Promise<void>;
}

/** Opens the memory of telemetry, a journal of its own: it may lose its last seconds, and must never hold up a record. */
export async function openTelemetry(
  settings: Settings,
  host: Pick<Host, 'clock' | 'log' | 'telemetry' | 'chance'>,
  rooms: TelemetryRooms,
): Promise<Telemetry> {
  const { clock, log, telemetry: journal } = host;
  const { max_mb, max_age_h } = settings.telemetry.outbox;
  const laneMemory = createLaneMemory(clock.bootId);
  const trackMemory = createTrackMemory();
  const memories = [laneMemory, trackMemory];
  const state = { dirty: false, complained: false, toldMs: Number.NEGATIVE_INFINITY };
  /** The next round; null: nothing waits for one. */
  const next: { cancel: Cancel | null; watching: boolean } = { cancel: null, watching: false };
  /** Where nothing is kept and nothing waits, nothing wakes the processor. */
  const roundLater = () => {
    if (next.watching) next.cancel ??= clock.after(SYNC_MS, () => round());
  };

  const trouble = (failure: Failure) => {
    if (!state.complained) log.say('warning', `telemetry is kept in RAM alone: ${failure.message} (${failure.code})`);
    state.complained = true;
  };
  const keep = (records: readonly JournalRecord[]) => {
    roundLater();
    try {
      journal.note(records);
      state.dirty = true;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      trouble(error);
      for (const record of records) memories.find(({ types }) => types.includes(record.t))?.fold(record);
    }
  };
  const replay = await journal.open(memories, GROWTH);
  if (replay.putAside !== null) {
    log.say('warning', `telemetry: ${replay.damagedLines} damaged lines; the file as it was: ${replay.putAside}`);
  }
  const lanes = openLanes({
    ...{ device: settings.device, root: settings.broker.root, memory: laneMemory, keep, clock, log },
    bounds: { maxBytes: max_mb * 1024 * 1024, maxAgeMs: max_age_h * 3_600_000 },
    coarser: coarserTrack,
    records: rooms.records,
  });

  const whereabouts =
    rooms.feed === null
      ? null
      : openWhereabouts({
          ...{ feed: rooms.feed, clock, log, keep, say: lanes.say, left: trackMemory.open() },
          errorM: settings.telemetry.track.error_m,
          byMovement: settings.vehicle?.gpsd !== undefined,
          name: (unixMs) => `${new Date(unixMs).toISOString().replace(/[-:]|\.\d+/g, '')}-${host.chance.hex(2)}`,
          alarm: (event) => rooms.later(rooms.say(event)),
        });

  const sync = async () => {
    if (!state.dirty) return;
    state.dirty = false;
    try {
      await journal.sync();
      state.complained = false;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      trouble(error);
    }
  };
  const tell = async () => {
    const untold = lanes.untold();
    if (untold === null || clock.bootMs() - state.toldMs < TELL_MS) return;
    state.toldMs = clock.bootMs();
    const count = LANES.reduce((sum, lane) => sum + untold[lane], 0);
    await rooms.say({
      event: 'dropped',
      count,
      reason: `telemetry was given up, too much or too old: ${sayLanes(untold)}`,
    });
    // Meanwhile more may have gone: that is told next time.
    lanes.told(untold);
  };
  const round = () => {
    next.cancel = null;
    lanes.settle();
    rooms.later(Promise.all([sync(), tell()]));
    if (lanes.backlog().count > 0 || lanes.untold() !== null) roundLater();
  };
  return {
    lanes,
    watch() {
      next.watching = true;
      roundLater();
      const cancelWay = whereabouts?.start();
      return () => {
        next.watching = false;
        next.cancel?.();
        cancelWay?.();
      };
    },
    async close() {
      try {
        await journal.close();
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        trouble(error);
      }
    },
  };
}
