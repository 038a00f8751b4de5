import type { TopicKind } from '../values/topics.ts';
import { DOCUMENT_TYPES } from '../values/update.ts';
import { COMMAND_SCHEMA, HALT_SCHEMA, UPDATE_SCHEMA } from './documents.ts';
import { POSITION_SCHEMA, TRACK_SCHEMA } from './places.ts';
import { EVT_SCHEMA, LOCK_SCHEMA, REPORTED_SCHEMA, STATUS_SCHEMA } from './records.ts';
import { HB_SCHEMA } from './telemetry.ts';
import { TRUST_SCHEMA } from './trust.ts';

/** What goes over a topic. */
export interface PayloadRow {
  /** Name of the message, and of the file of its schema. */
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  /** The JSON object; of a signed document the one that is signed. */
  readonly schema: object;
  /** Null: the object itself is on the topic. Else the `typ` of the JWS it is signed in, and whether as compact or general JSON form. */
  readonly signed: { readonly typ: string; readonly form: 'compact' | 'general' } | null;
}

const compact = (typ: string) => ({ typ, form: 'compact' as const });

/** THE table of payloads: one row for each topic. The AsyncAPI document and the published schemas are made from it. */
export const PAYLOADS: Readonly<Record<TopicKind, PayloadRow>> = {
  desired: {
    ...{ name: 'update', title: 'Update', schema: UPDATE_SCHEMA, signed: compact(DOCUMENT_TYPES.update) },
    summary: 'Asks for a config to become this. An empty payload means "no opinion" and changes nothing.',
  },
  trust: {
    ...{ name: 'trust', title: 'Trust document', schema: TRUST_SCHEMA },
    signed: { typ: DOCUMENT_TYPES.trust, form: 'general' },
    summary: 'Which keys count from now on. Signed by root keys only.',
  },
  halt: {
    ...{ name: 'halt', title: 'Halt', schema: HALT_SCHEMA, signed: compact(DOCUMENT_TYPES.halt) },
    summary: 'Updates that match wait until it is lifted.',
  },
  cmd: {
    ...{ name: 'command', title: 'Command', schema: COMMAND_SCHEMA, signed: compact(DOCUMENT_TYPES.command) },
    summary: 'One thing for one device to do now. Lost if the device is away; answered by one evt.',
  },
  reported: {
    ...{ name: 'reported', title: 'Report', schema: REPORTED_SCHEMA, signed: null },
    summary: 'What runs, what was tried last, and what waits, of one config.',
  },
  lock: {
    ...{ name: 'lock', title: 'Lock', schema: LOCK_SCHEMA, signed: null },
    summary: 'Whether the lock of a config is COLD, and who has it if not.',
  },
  evt: {
    ...{ name: 'evt', title: 'Event', schema: EVT_SCHEMA, signed: null },
    summary: 'One record for each thing that happened, numbered without gaps; may come twice, with the same number.',
  },
  status: {
    ...{ name: 'status', title: 'Status', schema: STATUS_SCHEMA, signed: null },
    summary: 'Online or offline; the last will says offline.',
  },
  hb: {
    ...{ name: 'hb', title: 'Heartbeat', schema: HB_SCHEMA, signed: null },
    summary: 'The device about itself, every `telemetry.heartbeat_s`. Kept ones come with QoS 1.',
  },
  position: {
    ...{ name: 'position', title: 'Position', schema: POSITION_SCHEMA, signed: null },
    summary: 'Where the vehicle is. Kept ones come with QoS 1, and only the last is retained.',
  },
  track: {
    ...{ name: 'track', title: 'Track', schema: TRACK_SCHEMA, signed: null },
    summary: 'Where the vehicle went, a minute of flight at a time.',
  },
};
