import { ARGV, HOOK_S, NAME, PATH, UNIT } from './words.ts';

/** `configs`: what the device manages. */
export const CONFIGS = {
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
              description: 'JSON Schema the parsed content must fit: 2020-12, or draft-07 where its `$schema` says so.',
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
            description: 'Program and arguments, no shell; `{staged}` is the new file, `{staged:NAME}` one of several.',
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
} as const;
