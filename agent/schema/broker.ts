import { PATH } from './words.ts';

/** `broker`: how the device reaches its fleet. */
export const BROKER = {
  type: 'object',
  description: 'Where the fleet talks to the device.',
  additionalProperties: false,
  required: ['urls'],
  properties: {
    urls: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', pattern: '^(embedded$|(mqtt|mqtts)://)' },
      description:
        '`mqtt://host:port` or `mqtts://host:port`, tried in turn; `[embedded]` starts a broker on loopback for trying things out.',
    },
    root: {
      type: 'string',
      pattern: '^[A-Za-z0-9_-]{1,64}$',
      default: 'fleet',
      description: 'First level of every topic.',
    },
    protocol: { enum: ['3.1.1', '5'], default: '3.1.1', description: 'MQTT version.' },
    filters: {
      enum: ['wildcard', 'exact'],
      default: 'wildcard',
      description: '`exact` for brokers that do not send retained messages to wildcard filters.',
    },
    username: { type: 'string', minLength: 1, description: 'User name at the broker.' },
    password_file: { ...PATH, description: 'File that holds the password, readable by the agent only.' },
    keepalive_s: { type: 'integer', minimum: 5, maximum: 1200, default: 60, description: 'Keepalive of the link.' },
    connect_timeout_s: {
      type: 'integer',
      minimum: 1,
      maximum: 60,
      default: 8,
      description: 'How long one attempt to connect may take.',
    },
    backoff: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Pause between attempts to connect: full jitter, doubled up to the cap.',
      properties: {
        first_s: {
          type: 'number',
          exclusiveMinimum: 0,
          maximum: 60,
          default: 5,
          description: 'Longest first pause.',
        },
        cap_s: { type: 'number', exclusiveMinimum: 0, maximum: 3600, default: 90, description: 'Longest pause.' },
        stable_s: {
          type: 'number',
          exclusiveMinimum: 0,
          maximum: 3600,
          default: 60,
          description: 'A link that lasted this long starts the pauses afresh.',
        },
      },
    },
    tls: {
      type: 'object',
      additionalProperties: false,
      description: 'For `mqtts://`: whom to believe, and who we are.',
      properties: {
        ca: { ...PATH, description: 'Certificate authority of the broker (PEM). Absent: those of the system.' },
        cert: { ...PATH, description: 'Certificate of the device (PEM), for mutual TLS.' },
        key: { ...PATH, description: 'Private key of the device (PEM), for mutual TLS.' },
        servername: {
          type: 'string',
          description: 'Name expected in the certificate, if not the host in the URL.',
        },
      },
    },
  },
} as const;
