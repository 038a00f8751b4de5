/** How a number stands in a payload; all little-endian. */
export type Kind = 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'u64' | 'f32';

/** Where a field is in the payload, in bytes, and how it is written. Of an array: its first number. */
export type Field = readonly [offset: number, kind: Kind];

/** A message: its id, the length of its payload in version 1 (in bytes, without extensions), and the fields we read or write. */
export interface Message {
  readonly id: number;
  readonly length: number;
  readonly fields: Readonly<Record<string, Field>>;
}

/** THE table of the messages we use, by their published names. Source: the published MAVLink definitions (common). */
export const MESSAGES = {
  HEARTBEAT: {
    ...{ id: 0, length: 9 },
    fields: {
      custom_mode: [0, 'u32'],
      type: [4, 'u8'],
      autopilot: [5, 'u8'],
      base_mode: [6, 'u8'],
      system_status: [7, 'u8'],
      mavlink_version: [8, 'u8'],
    },
  },
  SYS_STATUS: {
    ...{ id: 1, length: 31 },
    fields: {
      load: [12, 'u16'],
      voltage_battery: [14, 'u16'],
      current_battery: [16, 'i16'],
      battery_remaining: [30, 'i8'],
    },
  },
  SYSTEM_TIME: {
    ...{ id: 2, length: 12 },
    fields: {
      time_unix_usec: [0, 'u64'],
      time_boot_ms: [8, 'u32'],
    },
  },
  GPS_RAW_INT: {
    ...{ id: 24, length: 30 },
    fields: {
      time_usec: [0, 'u64'],
      lat: [8, 'i32'],
      lon: [12, 'i32'],
      alt: [16, 'i32'],
      eph: [20, 'u16'],
      fix_type: [28, 'u8'],
      satellites_visible: [29, 'u8'],
      h_acc: [34, 'u32'],
    },
  },
  ATTITUDE: {
    ...{ id: 30, length: 28 },
    fields: {
      time_boot_ms: [0, 'u32'],
      roll: [4, 'f32'],
      pitch: [8, 'f32'],
      yaw: [12, 'f32'],
    },
  },
  LOCAL_POSITION_NED: {
    ...{ id: 32, length: 28 },
    fields: {
      time_boot_ms: [0, 'u32'],
      x: [4, 'f32'],
      y: [8, 'f32'],
      z: [12, 'f32'],
      vx: [16, 'f32'],
      vy: [20, 'f32'],
      vz: [24, 'f32'],
    },
  },
  GLOBAL_POSITION_INT: {
    ...{ id: 33, length: 28 },
    fields: {
      time_boot_ms: [0, 'u32'],
      lat: [4, 'i32'],
      lon: [8, 'i32'],
      alt: [12, 'i32'],
      relative_alt: [16, 'i32'],
      vx: [20, 'i16'],
      vy: [22, 'i16'],
      vz: [24, 'i16'],
      hdg: [26, 'u16'],
    },
  },
  MISSION_CURRENT: {
    ...{ id: 42, length: 2 },
    fields: {
      seq: [0, 'u16'],
    },
  },
  NAV_CONTROLLER_OUTPUT: {
    ...{ id: 62, length: 26 },
    fields: {
      xtrack_error: [16, 'f32'],
      wp_dist: [24, 'u16'],
    },
  },
  COMMAND_LONG: {
    ...{ id: 76, length: 33 },
    fields: {
      param1: [0, 'f32'],
      param2: [4, 'f32'],
      param3: [8, 'f32'],
      param4: [12, 'f32'],
      param5: [16, 'f32'],
      param6: [20, 'f32'],
      param7: [24, 'f32'],
      command: [28, 'u16'],
      target_system: [30, 'u8'],
      target_component: [31, 'u8'],
      confirmation: [32, 'u8'],
    },
  },
  COMMAND_ACK: {
    ...{ id: 77, length: 3 },
    fields: {
      command: [0, 'u16'],
      result: [2, 'u8'],
      progress: [3, 'u8'],
      result_param2: [4, 'i32'],
      target_system: [8, 'u8'],
      target_component: [9, 'u8'],
    },
  },
  POSITION_TARGET_LOCAL_NED: {
    ...{ id: 85, length: 51 },
    fields: {
      time_boot_ms: [0, 'u32'],
      x: [4, 'f32'],
      y: [8, 'f32'],
      z: [12, 'f32'],
      type_mask: [48, 'u16'],
      coordinate_frame: [50, 'u8'],
    },
  },
  POSITION_TARGET_GLOBAL_INT: {
    ...{ id: 87, length: 51 },
    fields: {
      time_boot_ms: [0, 'u32'],
      lat_int: [4, 'i32'],
      lon_int: [8, 'i32'],
      alt: [12, 'f32'],
      type_mask: [48, 'u16'],
      coordinate_frame: [50, 'u8'],
    },
  },
  BATTERY_STATUS: {
    ...{ id: 147, length: 36 },
    fields: {
      voltages: [10, 'u16'],
      id: [32, 'u8'],
      battery_remaining: [35, 'i8'],
    },
  },
  EXTENDED_SYS_STATE: {
    ...{ id: 245, length: 2 },
    fields: {
      vtol_state: [0, 'u8'],
      landed_state: [1, 'u8'],
    },
  },
} as const satisfies Readonly<Record<string, Message>>;

/** Bytes of a kind. */
export const SIZES = { u8: 1, i8: 1, u16: 2, i16: 2, u32: 4, i32: 4, f32: 4, u64: 8 } as const;

const SCRATCH = new DataView(new ArrayBuffer(8));

/**
 * Reads a field. What lies behind the end of the payload is zero, as version 2 cuts zeros off its end. A `u64` above 2^53 loses its
 * last digits.
 */
export function readField(payload: Uint8Array, [offset, kind]: Field): number {
  for (let at = 0; at < SIZES[kind]; at += 1) SCRATCH.setUint8(at, payload[offset + at] ?? 0);
  switch (kind) {
    case 'u8':
      return SCRATCH.getUint8(0);
    case 'i8':
      return SCRATCH.getInt8(0);
    case 'u16':
      return SCRATCH.getUint16(0, true);
    case 'i16':
      return SCRATCH.getInt16(0, true);
    case 'u32':
      return SCRATCH.getUint32(0, true);
    case 'i32':
      return SCRATCH.getInt32(0, true);
    case 'f32':
      return SCRATCH.getFloat32(0, true);
    case 'u64':
      return SCRATCH.getUint32(4, true) * 2 ** 32 + SCRATCH.getUint32(0, true);
  }
}

const BOOT_FIELDS: ReadonlyMap<number, Field> = new Map(
  Object.values(MESSAGES).flatMap(({ id, fields }) =>
    'time_boot_ms' in fields ? [[id, fields.time_boot_ms] as const] : [],
  ),
);

/** Milliseconds since the sender started, where a message says it. */
export function bootMsOf({ id, payload }: { readonly id: number; readonly payload: Uint8Array }): number | null {
  const field = BOOT_FIELDS.get(id);
  return field === undefined ? null : readField(payload, field);
}
