import type { VehicleState } from '../ports/vehicle.ts';
import { sayDuration } from '../values/units.ts';
import { LATE_MAX_MS } from '../values/vehicle.ts';
import type { MavFrame } from './mavlink/frames.ts';
import { bootMsOf, MESSAGES, readField } from './mavlink/messages.ts';

/** Whom the gate believes, and what is enough. */
export interface GateRules {
  /** The vehicle's own system id; anybody else on the link says nothing about it. */
  readonly system: number;
  /** Rovers and boats: disarmed alone is safe, whatever it stands on. */
  readonly disarmedIsEnough: boolean;
}

/** The vehicle's state out of its own messages. All times in milliseconds on one clock that never jumps. */
export interface Gate {
  /** Takes a frame that came at `nowMs`; frames of anybody else change nothing. */
  take(frame: MavFrame, nowMs: number): void;
  state(nowMs: number): VehicleState;
  /** When the state will change by time alone; null if it will not. */
  nextMs(nowMs: number): number | null;
  /** Null before the first heartbeat, and while there is none. */
  armed(nowMs: number): boolean | null;
  /** How often the autopilot was seen to start anew. */
  restarts(): number;
}

/** Without a heartbeat for so long nothing is known. Reason: it comes every second; two may get lost. */
const HEARTBEAT_MAX_MS = 3_000;
/** A landed state counts so long. */
const LANDED_MAX_MS = 5_000;
/** An autopilot that started anew is not believed for so long. */
const RESTART_MS = 5_000;
/** What is needed must hold so long without a break. */
const STEADY_MS = 5_000;

const AUTOPILOT = { component: 1, arduPilot: 3, none: 8 } as const;
const GROUND_STATION = 6;
const ARMED = 0x80;
/** MAV_TYPE of what ArduCopter flies: quad, coaxial, helicopter, hexa, octo, tri, dodeca, deca. */
const COPTERS: readonly number[] = [2, 3, 4, 13, 14, 15, 29, 35];
const STATUS_WORDS = 'UNINIT BOOT CALIBRATING STANDBY ACTIVE CRITICAL EMERGENCY POWEROFF FLIGHT_TERMINATION'.split(' ');
const STANDBY = 3;
const ACTIVE = 4;
const ON_GROUND = 1;
const FLYING: Readonly<Record<number, string>> = { 2: 'in the air', 3: 'taking off', 4: 'landing' };

interface Heartbeat {
  readonly atMs: number;
  readonly armed: boolean;
  readonly status: number;
  readonly isArduCopter: boolean;
}

/** True for what the autopilot of this vehicle sent; a heartbeat must also say that it is one. */
export function isOfAutopilot({ system, component, id, payload }: MavFrame, pinned: number): boolean {
  if (system !== pinned || component !== AUTOPILOT.component) return false;
  if (id !== MESSAGES.HEARTBEAT.id) return true;
  const { autopilot, type } = MESSAGES.HEARTBEAT.fields;
  return readField(payload, autopilot) !== AUTOPILOT.none && readField(payload, type) !== GROUND_STATION;
}

/** Makes the gate. */
export function createGate({ system, disarmedIsEnough }: GateRules): Gate {
  let heartbeat: Heartbeat | null = null;
  let landed: { readonly atMs: number; readonly state: number } | null = null;
  /** The newest time since its start that it told, and when that came. */
  let newest: { readonly bootMs: number; readonly atMs: number } | null = null;
  let restartedMs: number | null = null;
  let restarts = 0;
  /** Since when all holds without a break. */
  let sinceMs: number | null = null;

  const unknown = (reason: string): VehicleState => ({ safety: 'unknown', reason });
  const unsafe = (reason: string): VehicleState => ({ safety: 'unsafe', reason });
  const statusIsRest = (status: number) => status === STANDBY || (disarmedIsEnough && status === ACTIVE);

  /** What speaks against it now, but for how long it has been so; null if nothing does. */
  const objection = (nowMs: number): VehicleState | null => {
    if (heartbeat === null) return unknown(`no heartbeat of system ${system} yet`);
    const silentMs = nowMs - heartbeat.atMs;
    if (silentMs > HEARTBEAT_MAX_MS) return unknown(`no heartbeat for ${sayDuration(silentMs)}`);
    const landedMs = landed === null ? null : nowMs - landed.atMs;
    const isFresh = landedMs !== null && landedMs <= LANDED_MAX_MS;
    const flying = isFresh && landed !== null ? FLYING[landed.state] : undefined;
    if (heartbeat.armed) return unsafe(flying === undefined ? 'armed' : `armed, ${flying}`);
    if (flying !== undefined) return unsafe(flying);
    const { status } = heartbeat;
    if (!statusIsRest(status)) return unsafe(`system status ${STATUS_WORDS[status] ?? status}`);
    if (disarmedIsEnough) return null;
    if (landed === null) return heartbeat.isArduCopter ? null : unknown('whether it has landed was never said');
    if (!isFresh) return unknown(`whether it has landed was not said for ${sayDuration(landedMs ?? 0)}`);
    return landed.state === ON_GROUND ? null : unknown('it does not know whether it has landed');
  };
  const keepSince = (nowMs: number) => {
    if (objection(nowMs) !== null) sinceMs = null;
    else sinceMs ??= nowMs;
  };
  const takeBoot = (bootMs: number, nowMs: number) => {
    if (newest === null || bootMs > newest.bootMs) {
      newest = { bootMs, atMs: nowMs };
      return;
    }
    // How far it is behind what its clock shows by now. Reason: one that starts anew soon after its start falls by little.
    const lateMs = newest.bootMs - bootMs + (nowMs - newest.atMs);
    if (bootMs === newest.bootMs || lateMs <= LATE_MAX_MS) return;
    // What it said in its former life does not count.
    newest = { bootMs, atMs: nowMs };
    restartedMs = nowMs;
    restarts += 1;
    heartbeat = null;
    landed = null;
  };
  const takeFields = ({ id, payload }: MavFrame, nowMs: number) => {
    if (id === MESSAGES.HEARTBEAT.id) {
      const { base_mode, system_status, autopilot, type } = MESSAGES.HEARTBEAT.fields;
      heartbeat = {
        atMs: nowMs,
        armed: (readField(payload, base_mode) & ARMED) !== 0,
        status: readField(payload, system_status),
        isArduCopter:
          readField(payload, autopilot) === AUTOPILOT.arduPilot && COPTERS.includes(readField(payload, type)),
      };
    } else if (id === MESSAGES.EXTENDED_SYS_STATE.id) {
      landed = { atMs: nowMs, state: readField(payload, MESSAGES.EXTENDED_SYS_STATE.fields.landed_state) };
    }
  };

  return {
    take(frame, nowMs) {
      if (!isOfAutopilot(frame, system)) return;
      // What was believed may have grown too old since the frame before.
      keepSince(nowMs);
      const frameBootMs = bootMsOf(frame);
      if (frameBootMs !== null) takeBoot(frameBootMs, nowMs);
      takeFields(frame, nowMs);
      keepSince(nowMs);
    },
    state(nowMs) {
      if (restartedMs !== null && nowMs - restartedMs < RESTART_MS) {
        return unknown(`the autopilot started anew ${sayDuration(nowMs - restartedMs)} ago`);
      }
      const against = objection(nowMs);
      if (against !== null) return against;
      const words = disarmedIsEnough ? 'disarmed' : 'disarmed and landed';
      const heldMs = nowMs - (sinceMs ?? nowMs);
      if (heldMs >= STEADY_MS) return { safety: 'safe', reason: words };
      return unknown(`${words} for ${sayDuration(heldMs)} only, safe after ${sayDuration(STEADY_MS)}`);
    },
    nextMs(nowMs) {
      const turns = [
        heartbeat === null ? null : heartbeat.atMs + HEARTBEAT_MAX_MS + 1,
        landed === null ? null : landed.atMs + LANDED_MAX_MS + 1,
        restartedMs === null ? null : restartedMs + RESTART_MS,
        sinceMs === null ? null : sinceMs + STEADY_MS,
      ].filter((turn) => turn !== null && turn > nowMs);
      return turns.length === 0 ? null : Math.min(...turns.map((turn) => turn ?? 0));
    },
    armed: (nowMs) => (heartbeat === null || nowMs - heartbeat.atMs > HEARTBEAT_MAX_MS ? null : heartbeat.armed),
    restarts: () => restarts,
  };
}
