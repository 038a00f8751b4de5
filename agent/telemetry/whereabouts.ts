import type { JournalRecord } from '../ports/journal.ts';
import type { Log } from '../ports/log.ts';
import type { PositionSample, VehicleFeed } from '../ports/vehicle.ts';
import type { Cancel, Clock } from '../ports/world.ts';
import type { Lane } from '../values/lanes.ts';
import type { EventBody } from '../values/report.ts';
import { sayDuration } from '../values/units.ts';
import { LATE_MAX_MS } from '../values/vehicle.ts';
import { openMovement } from './movement.ts';
import { openPositions } from './position.ts';
import { openTrack, type TrackBatch } from './track.ts';
import type { OpenTrack } from './track-memory.ts';

/** What has come of a batch under way is put on record this often. Effect: a kill costs at most so much of it. */
const CHECKPOINT_MS = 1_000;
/** A batch that nothing comes to any more goes out after this time. */
const STALE_MS = 60_000;
/** A flight that a killed agent has left goes on until so long after the first point; by then it is known whether it flies. */
const PRESUMED_MS = 5_000;
/** A source that was silent this long is an alarm. */
const SILENT_MS = 60_000;
/** One that is heard, but tells no position for so long, too: on the ground it may stand under a roof for a while. */
const PLACELESS_MS = { flying: 60_000, standing: 600_000 } as const;

/** What the whereabouts are made of. */
export interface WhereaboutsInput {
  readonly feed: VehicleFeed;
  readonly clock: Clock;
  readonly log: Log;
  /** Bound of the track, in metres. */
  readonly errorM: number;
  /** True where the source knows nothing of arming: flights are told by movement. */
  readonly byMovement: boolean;
  /** A batch that a killed agent has left. */
  readonly left: OpenTrack | null;
  /** A name for a flight that begins at this time. */
  name(unixMs: number): string;
  /** Says it to the fleet, now or when that is possible; `records` go into the same write. */
  say(lane: Lane, body: object, records?: readonly JournalRecord[]): void;
  /** Remembers what a kill must not cost. */
  keep(records: readonly JournalRecord[]): void;
  alarm(event: EventBody): void;
}

/** Position and track of the vehicle, as they go out. */
export interface Whereabouts {
  /** Says on from now what the vehicle tells, until cancelled: then the batch under way goes out. */
  start(): Cancel;
}

/** Makes them. */
export function openWhereabouts(input: WhereaboutsInput): Whereabouts {
  const { feed, clock, log } = input;
  const track = openTrack({ errorM: input.errorM, name: input.name, left: input.left });
  const positions = openPositions();
  let movement = openMovement(input.left !== null);
  const startMs = clock.bootMs();
  const state = {
    ...{ flying: input.left !== null, silent: false, sampleMs: startMs },
    ...{ placeless: false, placeMs: startMs, heardMs: startMs },
  };
  /** A flight goes on because it did so last; until when that is good enough. */
  const presumed = { is: input.left !== null && !input.byMovement, untilMs: Number.POSITIVE_INFINITY };
  /** The newest. */
  let last: PositionSample | null = null;

  const out = (batch: TrackBatch | null) => {
    if (batch === null) return;
    if (batch.feature === null) input.keep(batch.records);
    else input.say('track', batch.feature, batch.records);
  };
  const sayPosition = (sample: PositionSample, now: boolean) => {
    const context = { fix: feed.fix(), battery: feed.battery(), flight: track.flight() };
    const position = positions.sample(sample, context, now);
    if (position !== null) input.say('position', position);
  };
  const fly = (flying: boolean) => {
    presumed.is = false;
    if (flying === state.flying) return;
    state.flying = flying;
    const flight = track.flight();
    out(track.fly(flying));
    if (!flying) {
      if (flight !== null) log.say('info', `flight ${flight} is over`);
      // Where it stands now is what people look for.
      if (last !== null) sayPosition(last, true);
    }
  };
  /** Nobody flew on from what was left: until the vehicle tells otherwise it stands. */
  const giveUp = () => {
    out(track.close('restarted'));
    track.fly(false);
    Object.assign(state, { flying: false });
    presumed.is = false;
    movement = openMovement(false);
  };
  const sample = (one: PositionSample) => {
    // A late point says where it was, and is no input: after a newer one it would stand as where it is.
    if (last !== null && one.bootMs < last.bootMs && one.bootMs >= last.bootMs - LATE_MAX_MS) return;
    if ((presumed.is || input.byMovement) && !track.goesOn(one)) giveUp();
    last = one;
    state.sampleMs = clock.bootMs();
    state.placeMs = clock.bootMs();
    if (state.placeless) log.say('notice', 'the vehicle tells its position again');
    state.placeless = false;
    presumed.untilMs = Math.min(presumed.untilMs, clock.bootMs() + PRESUMED_MS);
    if (input.byMovement) fly(movement.add(one));
    out(track.sample(one, feed.correctionM()));
    sayPosition(one, false);
  };
  const checkSilence = () => {
    const quietMs = clock.bootMs() - (feed.seen().lastBootMs ?? startMs);
    if (quietMs >= SILENT_MS && !state.silent) {
      state.silent = true;
      input.alarm({
        event: 'alarm',
        reason: `the vehicle is silent: nothing was heard of it for ${sayDuration(quietMs)}`,
      });
    } else if (quietMs < SILENT_MS && state.silent) {
      state.silent = false;
      state.heardMs = clock.bootMs();
      log.say('notice', 'the vehicle is heard again');
    }
    if (!state.silent) checkPlace();
  };
  const checkPlace = () => {
    // Where it is cannot be told while nothing is: that silence has had an alarm of its own.
    const agoMs = clock.bootMs() - Math.max(state.placeMs, state.heardMs);
    if (agoMs >= (state.flying ? PLACELESS_MS.flying : PLACELESS_MS.standing) && !state.placeless) {
      state.placeless = true;
      const fix = feed.fix();
      const why =
        fix === null ? 'it does not say whether it has a fix' : fix.kind === 'none' ? 'no fix' : `a ${fix.kind} fix`;
      const reason = `the vehicle is heard, but tells no position for ${sayDuration(agoMs)}: ${why}`;
      input.alarm({ event: 'alarm', reason });
    }
  };
  const tick = () => {
    const record = track.checkpoint();
    if (record !== null) input.keep([record]);
    if (presumed.is && clock.bootMs() > presumed.untilMs) fly(false);
    if (state.flying && clock.bootMs() - state.sampleMs >= STALE_MS) {
      state.sampleMs = clock.bootMs();
      out(track.close('time'));
    }
    checkSilence();
  };
  return {
    start() {
      out(track.close('interrupted'));
      if (state.flying) track.fly(true);
      const cancels = [feed.onFlight(fly), feed.onSample(sample)];
      const next = { cancel: () => {} };
      const again = () => {
        next.cancel = clock.after(CHECKPOINT_MS, again);
        tick();
      };
      next.cancel = clock.after(CHECKPOINT_MS, again);
      return () => {
        next.cancel();
        for (const cancel of cancels) cancel();
        out(track.close('stopped'));
      };
    },
  };
}
