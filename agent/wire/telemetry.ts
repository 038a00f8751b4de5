import { AT_SCHEMA, BOOT_SCHEMA, CLOCK_SCHEMA, COUNT_SCHEMA, LOCK_BRIEF, NUMBER } from './words.ts';

const NUMBER_OR_NULL = { type: ['number', 'null'] } as const;
const INTEGER_OR_NULL = { type: ['integer', 'null'] } as const;
const BACKLOG_MEMBERS = { count: COUNT_SCHEMA, bytes: COUNT_SCHEMA } as const;
const FIX = ['none', '2d', '3d'] as const;

const VEHICLE = {
  type: 'object',
  description: 'there where the settings name one; null: not known',
  properties: {
    safety: { enum: ['safe', 'unsafe', 'unknown'] },
    reason: { type: 'string' },
    since: AT_SCHEMA,
    flips: COUNT_SCHEMA,
    source: { type: 'string' },
    wire: { type: 'string' },
    armed: { type: ['boolean', 'null'] },
    fix: { enum: [...FIX, null] },
    satellites: INTEGER_OR_NULL,
    battery_percent: NUMBER_OR_NULL,
    battery_v: NUMBER_OR_NULL,
    mission_item: INTEGER_OR_NULL,
    correction_m: NUMBER_OR_NULL,
    last_message_age_s: NUMBER_OR_NULL,
    messages: COUNT_SCHEMA,
    bytes: COUNT_SCHEMA,
    refused: COUNT_SCHEMA,
  },
  required: [
    ...['safety', 'reason', 'since', 'flips', 'source', 'wire', 'armed', 'fix', 'satellites'],
    ...['battery_percent', 'battery_v', 'mission_item', 'correction_m', 'last_message_age_s'],
    ...['messages', 'bytes', 'refused'],
  ],
  additionalProperties: false,
} as const;

const SPACE = {
  type: 'object',
  properties: { total_bytes: COUNT_SCHEMA, available_bytes: COUNT_SCHEMA },
  required: ['total_bytes', 'available_bytes'],
  additionalProperties: false,
} as const;

const MACHINE = {
  type: 'object',
  description: 'a sensor that is not there, or does not answer, is absent',
  properties: {
    at: AT_SCHEMA,
    cores: COUNT_SCHEMA,
    busy_percent: NUMBER,
    load_1m: NUMBER,
    memory: SPACE,
    swap: {
      type: 'object',
      properties: { total_bytes: COUNT_SCHEMA, free_bytes: COUNT_SCHEMA },
      required: ['total_bytes', 'free_bytes'],
      additionalProperties: false,
    },
    agent_rss_bytes: COUNT_SCHEMA,
    disk: SPACE,
    temperature_c: { type: 'object', additionalProperties: NUMBER },
    battery: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: { percent: NUMBER, volts: NUMBER, status: { type: 'string' } },
        additionalProperties: false,
      },
    },
    network: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: {
          up: { type: 'boolean' },
          received_bytes: COUNT_SCHEMA,
          sent_bytes: COUNT_SCHEMA,
          errors: COUNT_SCHEMA,
          signal_dbm: NUMBER,
        },
        required: ['up', 'received_bytes', 'sent_bytes', 'errors'],
        additionalProperties: false,
      },
    },
  },
  required: ['at', 'cores', 'load_1m', 'agent_rss_bytes'],
  additionalProperties: false,
} as const;

/** The device about itself. */
export const HB_SCHEMA = {
  type: 'object',
  properties: {
    seq: { type: 'integer', minimum: 1, description: 'counts heartbeats alone, from 1 with each start' },
    boot: BOOT_SCHEMA,
    at: AT_SCHEMA,
    clock: CLOCK_SCHEMA,
    uptime_s: { ...COUNT_SCHEMA, description: "the agent's" },
    agent_version: { type: 'string' },
    link: {
      type: 'object',
      properties: {
        since: AT_SCHEMA,
        reconnects: COUNT_SCHEMA,
        round_trip_ms: NUMBER_OR_NULL,
        sent_bytes_per_h: { type: 'number', minimum: 0 },
      },
      required: ['since', 'reconnects', 'round_trip_ms', 'sent_bytes_per_h'],
      additionalProperties: false,
    },
    backlog: {
      type: 'object',
      properties: {
        ...BACKLOG_MEMBERS,
        telemetry: {
          type: 'object',
          properties: BACKLOG_MEMBERS,
          required: ['count', 'bytes'],
          additionalProperties: false,
        },
      },
      required: ['count', 'bytes', 'telemetry'],
      additionalProperties: false,
    },
    configs: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        properties: { version: COUNT_SCHEMA, digest: { type: 'string' } },
        required: ['version', 'digest'],
        additionalProperties: false,
      },
    },
    locks: { type: 'object', additionalProperties: LOCK_BRIEF },
    counters: {
      type: 'object',
      description: 'since the agent started',
      properties: {
        applied: COUNT_SCHEMA,
        failed: COUNT_SCHEMA,
        rolled_back: COUNT_SCHEMA,
        superseded: COUNT_SCHEMA,
        withdrawn: COUNT_SCHEMA,
        expired: COUNT_SCHEMA,
        duplicates: COUNT_SCHEMA,
        refused: { type: 'object', additionalProperties: COUNT_SCHEMA, description: 'by code' },
        dropped: {
          type: 'object',
          properties: { track: COUNT_SCHEMA, position: COUNT_SCHEMA, hb: COUNT_SCHEMA },
          required: ['track', 'position', 'hb'],
          additionalProperties: false,
        },
      },
      required: [
        'applied',
        'failed',
        'rolled_back',
        'superseded',
        'withdrawn',
        'expired',
        'duplicates',
        'refused',
        'dropped',
      ],
      additionalProperties: false,
    },
    vehicle: VEHICLE,
    machine: MACHINE,
  },
  required: [
    ...['seq', 'boot', 'at', 'clock', 'uptime_s', 'agent_version', 'link', 'backlog'],
    ...['configs', 'locks', 'counters'],
  ],
  additionalProperties: false,
} as const;
