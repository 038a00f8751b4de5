import type { MavFrame } from './frames.ts';
import { MESSAGES, readField } from './messages.ts';

/** A message we want, so many times a second. */
export interface Stream {
  readonly id: number;
  readonly hz: number;
}

/** A command for the autopilot: fields of COMMAND_LONG. */
export type Command = Readonly<Record<string, number>>;

/** Asks the autopilot for the messages it does not send by itself, one after the other. */
export interface Requests {
  /** Takes a frame of the autopilot. */
  take(frame: MavFrame, nowMs: number): void;
  /** What to send now; null for nothing. To be asked every second, and after each frame that answers. */
  next(nowMs: number): Command | null;
  /** The autopilot is there (again): everything is asked for anew. */
  begin(nowMs: number): void;
  /** Messages it will not send. */
  refused(): readonly number[];
}

/** MAV_CMD_SET_MESSAGE_INTERVAL. */
const SET_MESSAGE_INTERVAL = 511;
/** MAV_RESULT: done; not now, try again; being done. Anything else is a no. */
const RESULT = { accepted: 0, notNow: 1, underWay: 5 } as const;
/** A stream silent for so long is asked for again. */
const SILENT_MS = 5_000;
/** Pause between two tries; doubled while nothing comes of it, up to the cap: some messages only come in some modes. */
const CAP_MS = 60_000;
/** How long the autopilot may take to answer, and how often one command is sent. */
const ANSWER_MS = 1_000;
const TRIES = 3;

interface Wanted extends Stream {
  seenMs: number | null;
  askAtMs: number;
  pauseMs: number;
  /** Asked for since the autopilot is there. */
  asked: boolean;
  refused: boolean;
}

/** Makes them for one autopilot; `self` is who sends. */
export function createRequests(
  streams: readonly Stream[],
  self: { readonly system: number; readonly component: number },
): Requests {
  const wanted: readonly Wanted[] = streams.map((stream) => ({
    ...stream,
    ...{ seenMs: null, askAtMs: 0, pauseMs: SILENT_MS, asked: false, refused: false },
  }));
  let open: { readonly stream: Wanted; tries: number; sentMs: number } | null = null;

  const isDue = (stream: Wanted, nowMs: number) => {
    if (stream.refused || nowMs < stream.askAtMs) return false;
    return !stream.asked || stream.seenMs === null || nowMs - stream.seenMs > SILENT_MS;
  };
  const putOff = (stream: Wanted, nowMs: number) => {
    stream.askAtMs = nowMs + stream.pauseMs;
    stream.pauseMs = Math.min(CAP_MS, stream.pauseMs * 2);
  };
  const command = ({ id, hz }: Stream, confirmation: number): Command => ({
    ...{ target_system: self.system, target_component: 1, command: SET_MESSAGE_INTERVAL, confirmation },
    ...{ param1: id, param2: 1e6 / hz },
  });
  const answered = (payload: Uint8Array, nowMs: number) => {
    const { fields } = MESSAGES.COMMAND_ACK;
    const read = (name: keyof typeof fields) => readField(payload, fields[name]);
    if (open === null || read('command') !== SET_MESSAGE_INTERVAL) return;
    // Zero: to everybody, as autopilots wrote before the field was there.
    const to = [read('target_system'), read('target_component')];
    if ((to[0] !== 0 && to[0] !== self.system) || (to[1] !== 0 && to[1] !== self.component)) return;
    const { stream } = open;
    const result = read('result');
    if (result === RESULT.underWay) return;
    open = null;
    if (result === RESULT.notNow) {
      stream.askAtMs = nowMs + ANSWER_MS;
      return;
    }
    stream.asked = true;
    stream.refused = result !== RESULT.accepted;
    putOff(stream, nowMs);
  };

  return {
    take({ id, payload }, nowMs) {
      if (id === MESSAGES.COMMAND_ACK.id) answered(payload, nowMs);
      const stream = wanted.find((one) => one.id === id);
      if (stream === undefined) return;
      stream.seenMs = nowMs;
      if (stream.asked) Object.assign(stream, { pauseMs: SILENT_MS, askAtMs: nowMs });
    },
    next(nowMs) {
      if (open !== null) {
        if (nowMs - open.sentMs < ANSWER_MS) return null;
        if (open.tries < TRIES) {
          open.tries += 1;
          open.sentMs = nowMs;
          return command(open.stream, open.tries - 1);
        }
        open.stream.asked = true;
        putOff(open.stream, nowMs);
        open = null;
      }
      const stream = wanted.find((one) => isDue(one, nowMs));
      if (stream === undefined) return null;
      open = { stream, tries: 1, sentMs: nowMs };
      return command(stream, 0);
    },
    begin(nowMs) {
      open = null;
      for (const stream of wanted)
        Object.assign(stream, { askAtMs: nowMs, pauseMs: SILENT_MS, asked: false, refused: false });
    },
    refused: () => wanted.filter(({ refused }) => refused).map(({ id }) => id),
  };
}

/** What we want of an autopilot; positions as often as is asked for. Nothing slower than once a second: silence must be noticed. */
export function streamsOf(positionHz: number): readonly Stream[] {
  return [
    { id: MESSAGES.EXTENDED_SYS_STATE.id, hz: 2 },
    { id: MESSAGES.GLOBAL_POSITION_INT.id, hz: positionHz },
    { id: MESSAGES.SYSTEM_TIME.id, hz: 1 },
    { id: MESSAGES.GPS_RAW_INT.id, hz: 1 },
    { id: MESSAGES.SYS_STATUS.id, hz: 1 },
    { id: MESSAGES.POSITION_TARGET_GLOBAL_INT.id, hz: 2 },
    { id: MESSAGES.MISSION_CURRENT.id, hz: 1 },
  ];
}
