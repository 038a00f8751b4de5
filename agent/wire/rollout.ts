import type { RolloutTopicKind } from '../values/topics.ts';
import { DOCUMENT_TYPES } from '../values/update.ts';
import { UPDATE_SCHEMA } from './documents.ts';
import type { PayloadRow } from './payloads.ts';
import { COUNT_SCHEMA, DIGEST_SCHEMA, EPOCH_SCHEMA, GROWS, NAME_SCHEMA, VERSION_SCHEMA } from './words.ts';

const NAMES = { type: 'array', items: NAME_SCHEMA } as const;
const SECONDS = { ...COUNT_SCHEMA, description: 'seconds' } as const;

/** The payload of a signed plan of a roll-out. */
export const PLAN_SCHEMA = {
  type: 'object',
  properties: {
    v: { const: 1 },
    name: NAME_SCHEMA,
    version: { ...VERSION_SCHEMA, description: 'grows with each change' },
    iat: EPOCH_SCHEMA,
    config: NAME_SCHEMA,
    target: {
      type: 'string',
      pattern: '^(all|grp/[A-Za-z0-9_-]{1,64})$',
      description: 'whom the base is for in the end',
    },
    digest: { ...DIGEST_SCHEMA, description: 'of the new content' },
    until: { ...EPOCH_SCHEMA, description: 'epoch seconds; when the shadows fall off by themselves' },
    waves: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          name: { type: 'string' },
          group: { ...NAME_SCHEMA, type: ['string', 'null'], description: 'null: each device by its own address' },
          devices: NAMES,
          success: { ...COUNT_SCHEMA, maximum: 100, description: 'how many must be well, in percent' },
        },
        required: ['name', 'group', 'devices', 'success'],
        additionalProperties: false,
      },
    },
    rules: {
      type: 'object',
      properties: {
        within_s: SECONDS,
        soak_s: SECONDS,
        pause: { type: 'boolean', description: 'stop after the canary' },
        hot: { enum: ['stop', 'wait', 'skip'] },
        release: { type: 'boolean', description: 'release orphaned locks' },
        undo: { type: 'boolean', description: 'take back what was changed when it fails' },
      },
      required: ['within_s', 'soak_s', 'pause', 'hot', 'release', 'undo'],
      additionalProperties: false,
    },
    later: { ...NAMES, description: 'devices in no wave: they were offline' },
    over: { ...NAMES, description: 'roll-outs that are over: what is left of their shadows gives way' },
    stage: { enum: ['waves', 'paused', 'promoting', 'done', 'undoing', 'halted'], $comment: GROWS },
    wave: { ...COUNT_SCHEMA, description: 'the last one that has begun' },
    since: EPOCH_SCHEMA,
    skipped: { ...NAMES, description: 'devices that are gone on without' },
    runner: { ...NAME_SCHEMA, description: 'who is at it, drawn anew by each process' },
    why: { type: ['string', 'null'], description: 'why it stands where it stands' },
  },
  required: [
    ...[
      'v',
      'name',
      'version',
      'iat',
      'config',
      'target',
      'digest',
      'until',
      'waves',
      'rules',
      'later',
      'stage',
      'wave',
    ],
    ...['since', 'skipped', 'runner', 'why'],
  ],
  additionalProperties: false,
} as const;

/** The payload of the signed content of a roll-out. */
const CONTENT_SCHEMA = {
  type: 'object',
  properties: {
    v: { const: 1 },
    name: NAME_SCHEMA,
    content: { ...UPDATE_SCHEMA, description: 'what is to run, as an update; no device takes it from here' },
  },
  required: ['v', 'name', 'content'],
  additionalProperties: false,
} as const;

/** What operators keep at the broker for each other, of a roll-out. The AsyncAPI document and the published schemas have it too. */
export const ROLLOUT_PAYLOADS: Readonly<Record<RolloutTopicKind, PayloadRow>> = {
  plan: {
    ...{ name: 'rollout-plan', title: 'Plan of a roll-out', schema: PLAN_SCHEMA },
    signed: { typ: DOCUMENT_TYPES.rollout, form: 'compact' },
    summary: 'Where a roll-out stands, and who is at it. For operators: no device reads it.',
  },
  content: {
    ...{ name: 'rollout-content', title: 'Content of a roll-out', schema: CONTENT_SCHEMA },
    signed: { typ: DOCUMENT_TYPES.rollout, form: 'compact' },
    summary: 'What a roll-out brings. For operators: no device reads it.',
  },
};
