import type { FromSchema } from 'json-schema-to-ts';

const NAME = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } as const;
const NAME_OR_PATH = { type: 'string', pattern: '^([A-Za-z0-9_-]{1,64}$|/)' } as const;
const PATH = { type: 'string', pattern: '^/' } as const;
const UNIT = { type: 'string', pattern: '^[A-Za-z0-9:_.\\\\@-]{1,247}\\.(service|socket|timer|path|target)$' } as const;
const ARGV = { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } } as const;
const HOOK_S = { type: 'number', exclusiveMinimum: 0, maximum: 300 } as const;

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
    broker: {
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
    },
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
    configs: {
      type: 'object',
      description: 'The configs this device manages, by name.',
      propertyNames: NAME,
      minProperties: 1,
      additionalProperties: {
        type: 'object',
        additionalProperties: false,
        required: ['files'],
        properties: {
          files: {
            type: 'array',
            minItems: 1,
            description: 'The files of the config; applied as a whole.',
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['path'],
              properties: {
                path: { ...PATH, description: 'Absolute path of the file.' },
                format: {
                  enum: ['json', 'yaml', 'toml', 'ini', 'text'],
                  default: 'text',
                  description: 'How the content is parsed before it is checked against the schema.',
                },
                schema: {
                  ...PATH,
                  description:
                    'JSON Schema the parsed content must fit: 2020-12, or draft-07 where its `$schema` says so.',
                },
                follow: { type: 'boolean', default: false, description: 'The path may be a symlink made by root.' },
              },
            },
          },
          on_hot: {
            enum: ['wait', 'refuse'],
            default: 'wait',
            description: 'What to do with an update while the lock is HOT.',
          },
          on_drift: {
            enum: ['report', 'restore'],
            default: 'report',
            description:
              'What to do with an edit by hand: tell it, or also put back what belongs there, under lock and vehicle gate. The edit is kept.',
          },
          generations: {
            type: 'integer',
            minimum: 2,
            maximum: 100,
            default: 10,
            description:
              'How many contents are kept that were applied, and as many that were edited by hand or taken back; what was there before Locksmith always is.',
          },
          writers: {
            type: 'array',
            items: UNIT,
            uniqueItems: true,
            default: [],
            description:
              'Services that take the lock: stopped during a release, and those that ran started again after it.',
          },
          window: {
            type: 'object',
            additionalProperties: false,
            required: ['cron', 'minutes'],
            description: 'When updates may be applied; a document can narrow it, not widen it. Absent: at any time.',
            properties: {
              cron: { type: 'string', description: 'When a window opens: as in a crontab, five fields.' },
              minutes: { type: 'integer', minimum: 1, maximum: 1440, description: 'How long it stays open.' },
              tz: { type: 'string', default: 'UTC', description: 'Time zone the cron expression is read in.' },
            },
          },
          check: {
            type: 'object',
            additionalProperties: false,
            required: ['argv'],
            description:
              'A program that is asked about new content before it is put in place; it ends with 0 if it is fine.',
            properties: {
              argv: {
                ...ARGV,
                description:
                  'Program and arguments, no shell; `{staged}` is the new file, `{staged:NAME}` one of several.',
              },
              within_s: { ...HOOK_S, default: 10, description: 'How long it may take.' },
            },
          },
          reload: {
            type: 'object',
            additionalProperties: false,
            description: 'How the program that reads the config is told: one of `argv` and `unit`.',
            properties: {
              argv: { ...ARGV, description: 'Program and arguments, no shell.' },
              unit: { ...UNIT, description: 'Service to be reloaded, or restarted where it cannot reload.' },
              within_s: { ...HOOK_S, default: 30, description: 'How long it may take.' },
            },
          },
          health: {
            type: 'object',
            additionalProperties: false,
            description: 'Whether that program works with the new content: one of `argv`, `http` and `tcp`.',
            properties: {
              argv: { ...ARGV, description: 'Program and arguments, no shell; it ends with 0 if all is well.' },
              http: { type: 'string', description: 'URL whose answer is 200 to 299 if all is well.' },
              tcp: { type: 'string', description: '`host:port` that accepts connections if all is well.' },
              times: {
                type: 'integer',
                minimum: 1,
                maximum: 100,
                default: 1,
                description: 'How often in a row it must be well.',
              },
              every_s: {
                type: 'number',
                minimum: 0.1,
                maximum: 60,
                default: 1,
                description: 'Time between two looks.',
              },
              within_s: { ...HOOK_S, default: 20, description: 'How long it may take until all is well.' },
            },
          },
          confirm: {
            type: 'object',
            additionalProperties: false,
            required: ['by'],
            description:
              'Who must confirm a change after that; else it is rolled back. Counts if there was a link when it was made.',
            properties: {
              by: {
                enum: ['link', 'fleet'],
                description: '`link`: the broker has our report. `fleet`: a signed `confirm` has come.',
              },
              within_s: {
                type: 'integer',
                minimum: 5,
                maximum: 86400,
                default: 60,
                description: 'How long that may take.',
              },
            },
          },
          rollback_in_flight: {
            type: 'boolean',
            description:
              '`true`: roll back even if the vehicle is not safe. Otherwise a rollback waits until it has landed.',
          },
          vehicle: {
            enum: ['safe', 'any'],
            description:
              'Whether the vehicle must be safe (disarmed and landed) for a change. Absent: `safe` where `vehicle` is set, else `any`.',
          },
        },
      },
    },
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
    telemetry: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'What the device tells about itself.',
      properties: {
        heartbeat_s: {
          type: 'number',
          exclusiveMinimum: 0,
          maximum: 86400,
          default: 30,
          description: 'Time between heartbeats.',
        },
        track: {
          type: 'object',
          additionalProperties: false,
          default: {},
          description: 'The way of the vehicle, where `vehicle` is set.',
          properties: {
            error_m: {
              type: 'number',
              minimum: 0.1,
              maximum: 100,
              default: 1,
              description: 'No point of the way is further from the track at its time, in three dimensions.',
            },
          },
        },
        outbox: {
          type: 'object',
          additionalProperties: false,
          default: {},
          description: 'How much of heartbeats, positions and tracks is kept while the broker is away.',
          properties: {
            max_mb: {
              type: 'number',
              minimum: 0.1,
              maximum: 256,
              default: 8,
              description:
                'Most that is kept, in RAM and on disk. When full: detail of tracks goes first, then tracks, positions, heartbeats.',
            },
            max_age_h: {
              type: 'number',
              exclusiveMinimum: 0,
              maximum: 8760,
              default: 48,
              description: 'What is older is given up; powered time counts.',
            },
          },
        },
      },
    },
    vehicle: {
      type: 'object',
      additionalProperties: false,
      description: 'Where the vehicle is heard: `mavlink` or `gpsd`.',
      properties: {
        mavlink: {
          type: 'object',
          additionalProperties: false,
          required: ['system'],
          description: 'The autopilot, by MAVLink: one of `listen`, `connect`, `serial`, `file`.',
          properties: {
            listen: { type: 'string', pattern: '^udp://', description: '`udp://host:port` to listen on.' },
            connect: { type: 'string', pattern: '^tcp://', description: '`tcp://host:port` to connect to.' },
            serial: { ...PATH, description: 'Serial line, such as `/dev/ttyAMA0`.' },
            baud: { type: 'integer', minimum: 300, maximum: 4_000_000, default: 57600, description: 'Of `serial`.' },
            file: { ...PATH, description: 'A recorded .tlog file, for trying things out.' },
            speed: {
              type: 'number',
              minimum: 0.1,
              maximum: 1000,
              default: 1,
              description: 'How many times as fast `file` is played.',
            },
            system: {
              type: 'integer',
              minimum: 1,
              maximum: 255,
              description: 'System id of this vehicle; nobody else on the link is believed.',
            },
            send: {
              type: 'boolean',
              default: true,
              description: 'Ask the autopilot for the messages it does not send by itself; `false`: only listen.',
            },
            position_hz: {
              type: 'number',
              minimum: 1,
              maximum: 50,
              default: 10,
              description: 'How often it is asked to send its position.',
            },
            signing_key: {
              ...PATH,
              description:
                'File with the key of MAVLink message signing (32 bytes, or 64 hex digits): nothing unsigned is believed.',
            },
          },
        },
        gpsd: {
          type: 'object',
          additionalProperties: false,
          description: 'A receiver, by gpsd. It cannot tell whether anything is armed or has landed: never safe.',
          properties: {
            connect: {
              type: 'string',
              pattern: '^tcp://',
              default: 'tcp://127.0.0.1:2947',
              description: '`tcp://host:port` of gpsd.',
            },
            device: { ...PATH, description: 'Only this receiver of those that gpsd has.' },
          },
        },
        disarmed_is_enough: {
          type: 'boolean',
          default: false,
          description: 'Rovers and boats: disarmed alone is safe, landed or not.',
        },
        cannot_move: {
          type: 'boolean',
          default: false,
          description: 'With `gpsd`: the device cannot move, so it is always safe.',
        },
      },
    },
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
