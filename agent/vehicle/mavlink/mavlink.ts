import type { PositionSample, Reply, Wire } from '../../ports/vehicle.ts';
import type { Cancel, Clock, Sha256 } from '../../ports/world.ts';
import { createGate, type GateRules, isOfAutopilot } from '../gate.ts';
import { type KeepOpenPorts, keepOpen } from '../keep-open.ts';
import { createListeners, type Source } from '../source.ts';
import { createVehicleClock } from '../vehicle-clock.ts';
import { encode } from './encode.ts';
import { createFlight } from './flight.ts';
import { createDecoder, type MavFrame } from './frames.ts';
import { MESSAGES } from './messages.ts';
import { createRequests, type Stream } from './requests.ts';
import { createSignatureCheck, type SignatureMemory, sign } from './signature.ts';

/** What a MAVLink source is made of. */
export interface MavlinkInput extends GateRules, KeepOpenPorts {
  readonly clock: Clock;
  readonly sha256: Sha256;
  readonly wire: Wire;
  /** False: a recording, which is over when it is over. */
  readonly again: boolean;
  /** Messages to ask for; empty: it only listens. */
  readonly streams: readonly Stream[];
  /** Null: frames need no signature. */
  readonly key: Uint8Array | null;
  /** Absent: what was signed before this life is not known. */
  readonly signatures?: SignatureMemory;
}

/** Component we speak as: the onboard computer. As a ground station we would feed its failsafe. */
const ONBOARD_COMPUTER = 191;
/** Time between two looks at what is still to be asked for. */
const ASK_MS = 1_000;
/** A heartbeat after a silence this long is a return. */
const RETURN_MS = 3_000;
/** Number of our link in signatures. Reason: any but 0, which autopilots use themselves. */
const LINK = 191;

/** Opens MAVLink over a wire: the gate, the way it flies, and what we ask of it. Nothing happens before `start`. */
export function openMavlink(input: MavlinkInput): Source {
  const { clock, system, wire, key, sha256 } = input;
  const self = { system, component: ONBOARD_COMPUTER };
  const gate = createGate(input);
  const time = createVehicleClock(clock);
  const flight = createFlight(time);
  const requests = createRequests(input.streams, self);
  const check = key === null ? null : createSignatureCheck(key, sha256, input.signatures);
  const samples = createListeners<PositionSample>();
  const flights = createListeners<boolean>();
  const seen: { messages: number; bytes: number; lastBootMs: number | null; refused: number } = {
    ...{ messages: 0, bytes: 0, lastBootMs: null, refused: 0 },
  };
  const own: { wire: string; heartbeatMs: number | null; version: 1 | 2; seq: number; signedMs: number } = {
    ...{ wire: 'not opened yet', heartbeatMs: null, version: 2, seq: 0, signedMs: 0 },
  };
  /** Null before the first heartbeat: that one tells in any case, for a flight may be presumed. */
  let flying: boolean | null = null;
  let reply: Reply | null = null;

  const ask = (nowMs: number) => {
    const isThere = own.heartbeatMs !== null && nowMs - own.heartbeatMs <= RETURN_MS;
    if (reply === null || !isThere || input.streams.length === 0) return;
    const command = requests.next(nowMs);
    if (command === null) return;
    const { seq, version } = own;
    own.seq = (seq + 1) % 256;
    const sender = { version: key === null ? version : (2 as const), ...self, seq };
    const frame = encode(MESSAGES.COMMAND_LONG, command, sender);
    // The time in a signature must grow.
    own.signedMs = Math.max(own.signedMs + 0.01, clock.wallMs());
    reply(key === null ? frame : sign(frame, { key, link: LINK, sha256 }, own.signedMs));
  };
  const heartbeat = (frame: MavFrame, from: Reply, nowMs: number) => {
    const isBack = own.heartbeatMs === null || nowMs - own.heartbeatMs > RETURN_MS;
    own.heartbeatMs = nowMs;
    own.version = frame.version;
    reply = from;
    if (isBack) requests.begin(nowMs);
    const armed = gate.armed(nowMs) === true;
    if (armed !== flying) flights.tell(armed);
    flying = armed;
  };

  return {
    name: `mavlink ${wire.name} system ${system}`,
    feed: {
      onSample: samples.add,
      onFlight: flights.add,
      correctionM: () => flight.correctionM(clock.bootMs()),
      fix: () => flight.fix(clock.bootMs()),
      battery: () => flight.battery(clock.bootMs()),
      seen: () => ({ messages: seen.messages, bytes: seen.bytes, lastBootMs: seen.lastBootMs }),
    },
    start(heard) {
      const at: { nowMs: number; reply: Reply } = { nowMs: 0, reply: () => {} };
      const onFrame = (frame: MavFrame) => {
        const { nowMs } = at;
        if (check !== null && check(frame) !== null) {
          seen.refused += 1;
          return;
        }
        if (!isOfAutopilot(frame, system)) return;
        seen.messages += 1;
        seen.lastBootMs = nowMs;
        const restarts = gate.restarts();
        gate.take(frame, nowMs);
        if (gate.restarts() !== restarts) {
          time.restarted();
          requests.begin(nowMs);
        }
        if (frame.id === MESSAGES.HEARTBEAT.id) heartbeat(frame, at.reply, nowMs);
        requests.take(frame, nowMs);
        const sample = flight.take(frame, nowMs);
        if (sample !== null) samples.tell(sample);
        if (frame.id === MESSAGES.COMMAND_ACK.id) ask(nowMs);
        if (GATED.includes(frame.id) || gate.restarts() !== restarts) heard();
      };
      let decoder = createDecoder(onFrame);
      const events = {
        opened() {
          own.wire = 'open';
          // Half a frame of the connection before must not meet half a frame of this one.
          decoder = createDecoder(onFrame);
        },
        bytes(bytes: Uint8Array, from: Reply) {
          Object.assign(at, { nowMs: clock.bootMs(), reply: from });
          seen.bytes += bytes.length;
          if (wire.datagrams) decoder.datagram(bytes);
          else decoder.stream(bytes);
        },
        ended(why: string) {
          own.wire = why;
          reply = null;
        },
      };
      const close = input.again ? keepOpen(wire, input, events) : wire.open(events);
      const next: { cancel: Cancel } = { cancel: () => {} };
      const tick = () => {
        next.cancel = clock.after(ASK_MS, tick);
        ask(clock.bootMs());
      };
      if (input.streams.length > 0) tick();
      return () => {
        next.cancel();
        close();
      };
    },
    state: gate.state,
    nextMs: gate.nextMs,
    view: (nowMs) => ({
      ...{ wire: own.wire, refused: seen.refused },
      ...{ armed: gate.armed(nowMs), mission_item: flight.missionItem(nowMs) },
    }),
  };
}

/** Messages that can change what the gate says. */
const GATED: readonly number[] = [MESSAGES.HEARTBEAT.id, MESSAGES.EXTENDED_SYS_STATE.id];
