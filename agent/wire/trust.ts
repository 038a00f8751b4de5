import { ADDRESS_SCHEMA, NAME_SCHEMA, VERSION_SCHEMA } from './words.ts';

/** A time of a key. */
const KEY_TIME = { type: 'integer', minimum: 0, description: 'epoch seconds' } as const;
const BASE64URL = { type: 'string', pattern: '^[A-Za-z0-9_-]+$' } as const;

const KEY = {
  type: 'object',
  properties: {
    kty: { const: 'OKP' },
    crv: { const: 'Ed25519' },
    kid: { type: 'string', pattern: '^[\\x21-\\x7e]{1,128}$' },
    x: { type: 'string', pattern: '^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$', description: 'the public key, base64url' },
    role: { enum: ['root', 'push'] },
    nbf: KEY_TIME,
    exp: KEY_TIME,
    may: {
      type: 'object',
      properties: {
        addresses: {
          type: 'array',
          items: { type: 'string', pattern: '^(all|(dev|grp)/([*]|[A-Za-z0-9_-]{1,64}))$' },
        },
        configs: { type: 'array', items: NAME_SCHEMA },
        commands: { type: 'array', items: NAME_SCHEMA },
        end_holder: { type: 'boolean' },
      },
      additionalProperties: false,
    },
    use: { const: 'sig' },
    alg: { enum: ['EdDSA', 'Ed25519'] },
    key_ops: { type: 'array', contains: { const: 'verify' } },
  },
  required: ['kty', 'crv', 'kid', 'x'],
  additionalProperties: false,
} as const;

/** The payload of a trust document. */
export const TRUST_SCHEMA = {
  type: 'object',
  properties: {
    v: { const: 1, description: 'the format' },
    version: { ...VERSION_SCHEMA, description: 'higher than that of the document in force' },
    aud: ADDRESS_SCHEMA,
    keys: { type: 'array', maxItems: 64, items: KEY },
    note: { type: 'string', maxLength: 1024 },
  },
  required: ['v', 'version', 'keys'],
  additionalProperties: false,
} as const;

/** What is on the topic: a JWS in general JSON form, so that several can sign one payload. */
export const GENERAL_JWS_SCHEMA = {
  type: 'object',
  properties: {
    payload: BASE64URL,
    signatures: {
      type: 'array',
      minItems: 1,
      maxItems: 16,
      items: {
        type: 'object',
        properties: { protected: BASE64URL, signature: BASE64URL },
        required: ['protected', 'signature'],
        additionalProperties: false,
      },
    },
  },
  required: ['payload', 'signatures'],
  additionalProperties: false,
} as const;
