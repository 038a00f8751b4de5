import { COUNT_SCHEMA, NUMBER } from './words.ts';

const FLIGHT = { type: 'string', description: 'name of the flight' } as const;
const LATITUDE = { type: 'number', minimum: -90, maximum: 90 } as const;

/** Where the vehicle is: what OwnTracks reads, and the exact values. What is not known is absent. */
export const POSITION_SCHEMA = {
  type: 'object',
  properties: {
    _type: { const: 'location' },
    lat: LATITUDE,
    lon: { type: 'number', minimum: -180, maximum: 180 },
    alt: { type: 'integer', description: 'm' },
    vel: { type: 'integer', minimum: 0, description: 'km/h' },
    cog: { type: 'integer', minimum: 0, maximum: 359, description: 'degrees from north over east' },
    acc: { type: 'integer', minimum: 0, description: 'm' },
    batt: { type: 'integer', minimum: 0, maximum: 100, description: 'percent' },
    tst: { ...COUNT_SCHEMA, description: 'epoch seconds' },
    unix_ms: COUNT_SCHEMA,
    alt_m: { type: 'number', description: 'above mean sea level' },
    velocity_mps: {
      type: 'array',
      items: [NUMBER, NUMBER, NUMBER],
      minItems: 3,
      maxItems: 3,
      description: 'north, east, down',
    },
    turn_dps: { type: 'number', description: 'how fast the course turns, clockwise' },
    heading_deg: { type: 'number', minimum: 0, maximum: 360 },
    fix: { enum: ['none', '2d', '3d'] },
    satellites: COUNT_SCHEMA,
    flight: FLIGHT,
  },
  required: ['_type', 'lat', 'lon', 'alt', 'tst', 'unix_ms', 'alt_m'],
  additionalProperties: false,
} as const;

/** A stretch of a flight: a GeoJSON Feature. */
export const TRACK_SCHEMA = {
  type: 'object',
  properties: {
    type: { const: 'Feature' },
    geometry: {
      type: 'object',
      properties: {
        type: { const: 'LineString' },
        coordinates: {
          type: 'array',
          minItems: 2,
          items: {
            type: 'array',
            // Over the date line longitudes go on beyond 180.
            items: [NUMBER, LATITUDE, NUMBER, NUMBER],
            minItems: 4,
            maxItems: 4,
            description: 'longitude, latitude, metres above mean sea level, Unix ms',
          },
        },
      },
      required: ['type', 'coordinates'],
      additionalProperties: false,
    },
    properties: {
      type: 'object',
      properties: {
        flight: FLIGHT,
        seq: { type: 'integer', minimum: 1, description: 'batches of a flight count from 1' },
        error_m: { type: 'number', exclusiveMinimum: 0, description: 'no input point is further from the line' },
        raw_points: COUNT_SCHEMA,
        largest_correction_m: { type: ['number', 'null'] },
        boot_ms: { type: 'number', description: "the vehicle's own clock at the first point" },
        gaps_ms: {
          type: 'array',
          items: { type: 'array', items: [NUMBER, NUMBER], minItems: 2, maxItems: 2 },
          description: 'in these times no position came',
        },
        end: { enum: ['time', 'landed', 'stopped', 'restarted', 'interrupted'] },
      },
      required: ['flight', 'seq', 'error_m', 'raw_points', 'largest_correction_m', 'boot_ms', 'gaps_ms', 'end'],
      additionalProperties: false,
    },
  },
  required: ['type', 'geometry', 'properties'],
  additionalProperties: false,
} as const;
