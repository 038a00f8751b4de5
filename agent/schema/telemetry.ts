/** `telemetry`: what the device tells, and how often. */
export const TELEMETRY = {
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
          maximum: 12,
          default: 8,
          description: [
            'Most that is kept in RAM. On the disk it takes up to twice that and 1 MB; while the file is written anew, 3.5 times that and 2 MB.',
            'More than 12 would not fit beside the agent in the 200 MB that its unit may take.',
            'When full: detail of tracks goes first, then tracks, positions, heartbeats.',
          ].join(' '),
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
} as const;
