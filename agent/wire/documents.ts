import { COMMANDS } from '../values/command.ts';
import {
  ADDRESS_SCHEMA,
  COUNT_SCHEMA,
  DIGEST_SCHEMA,
  EPOCH_SCHEMA,
  ID_SCHEMA,
  LAYER_SCHEMA,
  NAME_SCHEMA,
  VERSION_SCHEMA,
} from './words.ts';

const V = { const: 1, description: 'the format' } as const;
const FILE_NAME = { type: 'string', minLength: 1, description: 'base name of a file of the config' } as const;
const REASON = {
  type: 'string',
  pattern: '\\S',
  maxLength: 256,
  description: 'stays in the log of the device',
} as const;

/** One file of an update, in its three forms. */
const FILE = {
  anyOf: [
    {
      type: 'object',
      properties: {
        name: FILE_NAME,
        digest: DIGEST_SCHEMA,
        encoding: { enum: ['utf8', 'base64'] },
        content: { type: 'string' },
      },
      required: ['name', 'digest', 'encoding', 'content'],
      additionalProperties: false,
    },
    {
      type: 'object',
      properties: {
        name: FILE_NAME,
        digest: DIGEST_SCHEMA,
        url: { type: 'string', pattern: '^[\\x21-\\x7e]+$', maxLength: 2048, description: 'https' },
        size: { ...COUNT_SCHEMA, description: 'bytes' },
      },
      required: ['name', 'digest', 'url', 'size'],
      additionalProperties: false,
    },
    {
      type: 'object',
      properties: { name: FILE_NAME, absent: { const: true } },
      required: ['name', 'absent'],
      additionalProperties: false,
    },
  ],
} as const;

/** The payload of a signed update. */
export const UPDATE_SCHEMA = {
  type: 'object',
  properties: {
    v: V,
    id: ID_SCHEMA,
    aud: ADDRESS_SCHEMA,
    config: NAME_SCHEMA,
    layer: LAYER_SCHEMA,
    version: { ...VERSION_SCHEMA, description: 'higher than any before it for this address, config and layer' },
    iat: EPOCH_SCHEMA,
    files: { type: 'array', minItems: 1, items: FILE, description: 'every file of the config, once' },
    withdraw: { const: true, description: 'takes back what this address and layer said before' },
    until: { ...EPOCH_SCHEMA, description: 'epoch seconds: when a shadow falls off' },
    exp: { ...EPOCH_SCHEMA, description: 'epoch seconds: it is not applied any more then, if it still waits' },
    expect: {
      type: 'object',
      properties: { digest: DIGEST_SCHEMA, token: COUNT_SCHEMA },
      minProperties: 1,
      additionalProperties: false,
    },
    when: {
      type: 'object',
      properties: {
        window: {
          type: 'object',
          properties: {
            cron: { type: 'string', description: 'five fields' },
            minutes: { type: 'integer', minimum: 1, maximum: 1440 },
            tz: { type: 'string', minLength: 1, description: 'a name of the IANA time zone database' },
          },
          required: ['cron', 'minutes', 'tz'],
          additionalProperties: false,
        },
        vehicle: { const: 'safe' },
      },
      minProperties: 1,
      additionalProperties: false,
    },
    confirm: {
      type: 'object',
      properties: { within_s: { type: 'integer', minimum: 5, maximum: 86_400 }, by: { enum: ['link', 'fleet'] } },
      required: ['within_s', 'by'],
      additionalProperties: false,
    },
    retry: { const: true },
    rollout: NAME_SCHEMA,
    note: { type: 'string', maxLength: 1024 },
  },
  required: ['v', 'id', 'aud', 'config', 'layer', 'version', 'iat'],
  additionalProperties: false,
  allOf: [
    {
      if: { required: ['withdraw'] },
      // biome-ignore lint/suspicious/noThenProperty: the word of JSON Schema.
      then: { not: { required: ['files'] } },
      else: { required: ['files'] },
    },
    {
      if: { properties: { layer: { const: 'base' } } },
      // biome-ignore lint/suspicious/noThenProperty: the word of JSON Schema.
      then: { not: { required: ['until'] } },
      else: { anyOf: [{ required: ['until'] }, { required: ['withdraw'] }] },
    },
  ],
} as const;

const COMMAND_BASE = {
  v: V,
  id: ID_SCHEMA,
  aud: { type: 'string', pattern: '^dev/[A-Za-z0-9_-]{1,64}$' },
  iat: EPOCH_SCHEMA,
  exp: { ...EPOCH_SCHEMA, description: 'epoch seconds, after iat by at most 7 days' },
} as const;
const COMMAND_NEEDS = ['v', 'id', 'aud', 'cmd', 'iat', 'exp'] as const;

/** The payload of a signed command. */
export const COMMAND_SCHEMA = {
  type: 'object',
  description: `One of ${COMMANDS.join(', ')}.`,
  oneOf: [
    {
      type: 'object',
      properties: {
        ...COMMAND_BASE,
        cmd: { const: 'release' },
        config: NAME_SCHEMA,
        token: COUNT_SCHEMA,
        holder: {
          type: 'object',
          properties: { pid: COUNT_SCHEMA, start: { type: ['integer', 'null'], minimum: 0 }, boot: ID_SCHEMA },
          required: ['pid'],
          additionalProperties: false,
        },
        end_holder: { type: 'boolean' },
        reason: REASON,
      },
      required: [...COMMAND_NEEDS, 'config', 'token', 'reason'],
      if: { properties: { end_holder: { const: true } }, required: ['end_holder'] },
      // biome-ignore lint/suspicious/noThenProperty: the word of JSON Schema.
      then: { required: ['holder'] },
      additionalProperties: false,
    },
    {
      type: 'object',
      properties: {
        ...COMMAND_BASE,
        cmd: { const: 'refresh' },
        config: NAME_SCHEMA,
        seq: { ...COUNT_SCHEMA, description: 'the last one of this device you have seen' },
        reason: REASON,
      },
      required: COMMAND_NEEDS,
      additionalProperties: false,
    },
    {
      type: 'object',
      properties: {
        ...COMMAND_BASE,
        cmd: { const: 'confirm' },
        config: NAME_SCHEMA,
        update: ID_SCHEMA,
        reason: REASON,
      },
      required: [...COMMAND_NEEDS, 'config', 'update'],
      additionalProperties: false,
    },
    {
      type: 'object',
      properties: {
        ...COMMAND_BASE,
        cmd: { const: 'rollback' },
        config: NAME_SCHEMA,
        update: ID_SCHEMA,
        reason: REASON,
      },
      required: [...COMMAND_NEEDS, 'config', 'update', 'reason'],
      additionalProperties: false,
    },
  ],
} as const;

/** The payload of a signed halt. */
export const HALT_SCHEMA = {
  type: 'object',
  properties: {
    v: V,
    id: ID_SCHEMA,
    aud: ADDRESS_SCHEMA,
    version: { ...VERSION_SCHEMA, description: 'higher than any before it for this address' },
    iat: EPOCH_SCHEMA,
    exp: EPOCH_SCHEMA,
    rollout: NAME_SCHEMA,
    configs: { type: 'array', minItems: 1, maxItems: 256, items: NAME_SCHEMA },
    lift: { const: true },
    note: { type: 'string', maxLength: 256 },
  },
  required: ['v', 'id', 'aud', 'version', 'iat'],
  not: { required: ['rollout', 'configs'] },
  additionalProperties: false,
} as const;
