import type { FromSchema } from 'json-schema-to-ts';
import { BROKER } from './schema/broker.ts';
import { CONFIGS } from './schema/configs.ts';
import { TELEMETRY } from './schema/telemetry.ts';
import { VEHICLE } from './schema/vehicle.ts';
import { NAME, NAME_OR_PATH, PATH } from './schema/words.ts';

/**
 * THE schema of the settings file: it gives the validator, the TypeScript type, the defaults and the reference in the docs.
 * `description` is the text of the reference; units are last in names (`_s` seconds).
 */
export const SETTINGS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['device', 'broker', 'trust', 'configs'],
  properties: {
    device: {
      type: 'object',
      description: 'Who this device is.',
      additionalProperties: false,
      required: ['id'],
      properties: {
        id: {
          ...NAME_OR_PATH,
          description:
            'Name of the device, unique in the fleet; or the path of a file whose first line is the name, such as `/etc/machine-id`.',
        },
        groups: {
          type: 'array',
          items: NAME,
          uniqueItems: true,
          default: [],
          description: 'Groups of the device, most specific first.',
        },
      },
    },
    broker: BROKER,
    trust: {
      type: 'object',
      description: 'Whose signature counts.',
      additionalProperties: false,
      required: ['keys'],
      properties: {
        keys: { ...PATH, description: 'JWKS file of public Ed25519 keys.' },
        https_ca: {
          ...PATH,
          description:
            'Certificate authority (PEM) of servers that files of updates are fetched from, besides the public ones.',
        },
      },
    },
    paths: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Where the agent keeps its own files.',
      properties: {
        state: {
          ...PATH,
          default: '/var/lib/locksmith',
          description: 'Durable memory: journal, generations, tokens, log.',
        },
        run: {
          ...PATH,
          default: '/run/locksmith',
          description: 'Locks, control surface and control socket; a reboot clears it.',
        },
      },
    },
    configs: CONFIGS,
    locks: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'How locks are kept.',
      properties: {
        gc: {
          type: 'string',
          default: '* * * * *',
          description:
            'When locks are settled, leftovers removed, edits by hand looked for: as a crontab, five fields (or six, seconds first), local time.',
        },
        group: { ...NAME, description: 'Group whose members may take the locks (the sidecar is 0660).' },
        honour: {
          type: 'array',
          items: { type: 'string', minLength: 1 },
          uniqueItems: true,
          default: [],
          description:
            'Users whose lock on a config file itself counts, besides root, the agent and the owner of the file.',
        },
      },
    },
    telemetry: TELEMETRY,
    vehicle: VEHICLE,
    log: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: "The device's own story.",
      properties: {
        level: {
          enum: ['error', 'warning', 'notice', 'info', 'debug'],
          default: 'info',
          description: 'Least important line that is written.',
        },
      },
    },
  },
} as const;

/** The settings file, validated and with defaults filled in. */
export type Settings = FromSchema<typeof SETTINGS_SCHEMA, { keepDefaultedPropertiesOptional: false }>;
export type ConfigSettings = Settings['configs'][string];
