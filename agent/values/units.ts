/** An instant on the wall clock in RFC 3339 UTC with milliseconds, as the agent says it. `ms`: Unix milliseconds. */
export function rfc3339(ms: number): string {
  return new Date(ms).toISOString();
}

const DURATION = /^(\d+)(ms|s|m|h|d)$/;
const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Reads a duration such as `500ms`, `90s`, `10m`, `4h`, `7d` into milliseconds; null if it is not one. */
export function parseDurationMs(text: string): number | null {
  const match = DURATION.exec(text);
  if (match === null) return null;
  const unit = match[2];
  if (unit !== 'ms' && unit !== 's' && unit !== 'm' && unit !== 'h' && unit !== 'd') return null;
  const value = Number(match[1]) * UNIT_MS[unit];
  return Number.isSafeInteger(value) ? value : null;
}

/** Says a length of time the way a person would: `8 s`, `31 min`, `4 h 10 min`, `3 d 2 h`. */
export function sayDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return hours % 24 === 0 ? `${Math.floor(hours / 24)} d` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

const MIB = 1024 * 1024;

/** Says a size the way a person would: `3.1 GiB`, `412 MiB`, `9 KiB`. */
export function sayBytes(bytes: number): string {
  if (bytes >= 1024 * MIB) return `${(bytes / 1024 / MIB).toFixed(1)} GiB`;
  return bytes >= MIB ? `${Math.floor(bytes / MIB)} MiB` : `${Math.floor(bytes / 1024)} KiB`;
}

/** What a device, group or config may be called. Source: the wire contract; the same everywhere. */
export const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/** True for a digest as it is written everywhere: `sha256:` and 64 lower-case hex digits. */
export function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

/** The last part of a path: what people call the file. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
