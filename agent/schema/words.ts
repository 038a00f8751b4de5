/** Name of a device, group or config. */
export const NAME = { type: 'string', pattern: '^[A-Za-z0-9_-]{1,64}$' } as const;
/** A name, or the absolute path of a file that holds one. */
export const NAME_OR_PATH = { type: 'string', pattern: '^([A-Za-z0-9_-]{1,64}$|/)' } as const;
/** An absolute path. */
export const PATH = { type: 'string', pattern: '^/' } as const;
/** A systemd unit by its full name. */
export const UNIT = {
  type: 'string',
  pattern: '^[A-Za-z0-9:_.\\\\@-]{1,247}\\.(service|socket|timer|path|target)$',
} as const;
/** A command and its arguments; no shell. */
export const ARGV = { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 } } as const;
/** Time limit of a hook, in seconds. */
export const HOOK_S = { type: 'number', exclusiveMinimum: 0, maximum: 300 } as const;
