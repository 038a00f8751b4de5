import { VERDICTS } from '../values/lock.ts';
import { GATES, OUTCOMES } from '../values/report.ts';
import { LAYERS } from '../values/topics.ts';
import {
  ADDRESS_SCHEMA,
  AT_SCHEMA,
  BOOT_SCHEMA,
  CODE_SCHEMA,
  COUNT_SCHEMA,
  DIGEST_SCHEMA,
  EVENT_SCHEMA,
  LAYER_SCHEMA,
  NAME_SCHEMA,
  STAMP_SCHEMA,
  STAMPED,
} from './words.ts';

const TEXT_OR_NULL = { type: ['string', 'null'] } as const;

/** Something happened. */
export const EVT_SCHEMA = {
  type: 'object',
  properties: {
    ...STAMP_SCHEMA,
    event: EVENT_SCHEMA,
    config: NAME_SCHEMA,
    update: { type: 'string', description: 'id of the update' },
    version: COUNT_SCHEMA,
    layer: LAYER_SCHEMA,
    address: ADDRESS_SCHEMA,
    code: CODE_SCHEMA,
    reason: { type: 'string', description: 'in plain words' },
    final: { type: 'boolean', description: 'true: the one outcome of the document' },
    mismatch: { enum: ['hot', 'token', 'digest'] },
    changed: { type: 'boolean', description: 'applied: false where the bytes were there already' },
    digest: DIGEST_SCHEMA,
    token: COUNT_SCHEMA,
    old_token: COUNT_SCHEMA,
    halt: { type: 'string', description: 'id of the halt' },
    lift: { type: 'boolean' },
    command: { type: 'string', description: 'id of the command this answers' },
    cmd: { type: 'string' },
    who: { type: 'string', description: 'the key that signed, or a user of the device' },
    count: { ...COUNT_SCHEMA, description: 'how many like events this one stands for' },
    from_seq: COUNT_SCHEMA,
    to_seq: COUNT_SCHEMA,
  },
  required: [...STAMPED, 'event'],
  additionalProperties: false,
} as const;

/** How a config stands. */
export const REPORTED_SCHEMA = {
  type: 'object',
  properties: {
    ...STAMP_SCHEMA,
    running: {
      type: 'object',
      description: 'version 0 without layer, address and time: what was there before Locksmith',
      properties: {
        version: COUNT_SCHEMA,
        layer: { enum: [...LAYERS, null] },
        address: { type: ['string', 'null'] },
        digest: DIGEST_SCHEMA,
        since: TEXT_OR_NULL,
      },
      required: ['version', 'layer', 'address', 'digest', 'since'],
      additionalProperties: false,
    },
    last_attempt: {
      type: ['object', 'null'],
      properties: {
        id: { type: 'string' },
        version: COUNT_SCHEMA,
        layer: LAYER_SCHEMA,
        address: ADDRESS_SCHEMA,
        digest: { type: 'string', description: 'empty for a withdrawal' },
        result: { enum: [...OUTCOMES, 'waiting'] },
        code: { enum: [...CODE_SCHEMA.enum, null], $comment: CODE_SCHEMA.$comment },
        reason: TEXT_OR_NULL,
        at: AT_SCHEMA,
      },
      required: ['id', 'version', 'layer', 'address', 'digest', 'result', 'code', 'reason', 'at'],
      additionalProperties: false,
    },
    pending: {
      type: ['object', 'null'],
      description: 'the one document that would be in force if no gate held it; id null: what was there before',
      properties: {
        id: TEXT_OR_NULL,
        version: COUNT_SCHEMA,
        waiting_for: { type: 'array', items: { enum: GATES }, uniqueItems: true },
      },
      required: ['id', 'version', 'waiting_for'],
      additionalProperties: false,
    },
    drift: {
      type: ['object', 'null'],
      description: 'what is on disk where Locksmith did not put it there',
      properties: { digest: DIGEST_SCHEMA },
      required: ['digest'],
      additionalProperties: false,
    },
    pinned: {
      type: ['object', 'null'],
      description: 'somebody next to the device went back to an earlier content',
      properties: { by: { type: 'string' }, reason: { type: 'string' }, at: AT_SCHEMA },
      required: ['by', 'reason', 'at'],
      additionalProperties: false,
    },
    confirmed_by: { enum: ['none', 'health', 'link', 'fleet', null] },
  },
  required: [...STAMPED, 'running', 'last_attempt', 'pending', 'drift', 'pinned', 'confirmed_by'],
  additionalProperties: false,
} as const;

const HOLDER_MEMBERS = {
  pid: { ...COUNT_SCHEMA, description: '0: it has no number where the agent is' },
  start: { type: ['integer', 'null'], description: 'field 22 of /proc/PID/stat' },
  command: TEXT_OR_NULL,
  user: TEXT_OR_NULL,
  unit: { ...TEXT_OR_NULL, description: 'systemd unit or container' },
} as const;
const HOLDER_NEEDS = ['pid', 'start', 'command', 'user', 'unit'] as const;

/** How the lock of a config stands. */
export const LOCK_SCHEMA = {
  type: 'object',
  properties: {
    ...STAMP_SCHEMA,
    state: { enum: ['COLD', 'HOT'] },
    verdict: { enum: [...VERDICTS, null], description: 'why it is HOT' },
    holder: {
      type: ['object', 'null'],
      properties: HOLDER_MEMBERS,
      required: HOLDER_NEEDS,
      additionalProperties: false,
    },
    since: TEXT_OR_NULL,
    token: { ...COUNT_SCHEMA, description: 'grows with every grant and every reclaim, never falls' },
    refusals: COUNT_SCHEMA,
    file: { type: 'string', description: 'base name of the file people know the config by' },
    reason: { type: 'string', description: 'as the holder gave it' },
    lease: { type: 'boolean' },
    until: AT_SCHEMA,
    leaked_by: { ...COUNT_SCHEMA, description: 'orphaned: the pid of the process that took it and is gone' },
    path: { type: 'string', description: 'set where the config file itself is locked' },
    unprivileged: {
      type: 'array',
      description: 'locks of users whose lock does not count',
      items: { type: 'object', properties: HOLDER_MEMBERS, required: HOLDER_NEEDS, additionalProperties: false },
    },
  },
  required: [...STAMPED, 'state', 'verdict', 'holder', 'since', 'token', 'refusals', 'file'],
  additionalProperties: false,
} as const;

/** Whether the agent has a link. */
export const STATUS_SCHEMA = {
  type: 'object',
  properties: {
    state: { enum: ['online', 'offline'] },
    boot: BOOT_SCHEMA,
    at: AT_SCHEMA,
    reason: { type: 'string' },
    groups: { type: 'array', items: NAME_SCHEMA, description: 'those of its settings; the first one counts most' },
  },
  required: ['state', 'boot', 'at', 'reason', 'groups'],
  additionalProperties: false,
} as const;
