import { PATH } from './words.ts';

/** `vehicle`: where the state of the vehicle comes from. */
export const VEHICLE = {
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
} as const;
