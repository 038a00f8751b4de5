/** What stands where a secret was. */
export const HIDDEN = '***';

/** A secret shorter than this would also blot out innocent words. */
const SECRET_MIN = 4;

/** What a setting with a secret is called. */
const NAMED = '(?:^|[^a-z0-9])["\']?(?:[a-z0-9]+[_-])*(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key)';

/** Shapes of secrets, wherever they stand; the groups around are kept. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----[\s\S]*?(-----END \1PRIVATE KEY-----|$)/g, `(private key: ${HIDDEN})`],
  // The user part of an address, with or without a password.
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, `$1${HIDDEN}@`],
  // The private half of a JSON web key.
  [/("(?:d|p|q|dp|dq|qi|k)"\s*:\s*")[A-Za-z0-9_-]{16,}(")/g, `$1${HIDDEN}$2`],
  [/\b((?:authorization|proxy-authorization)\s*[:=]\s*)[^\r\n"']+/gi, `$1${HIDDEN}`],
  [new RegExp(`(${NAMED}["']?\\s*[:=]\\s*)("[^"\\n]*"|'[^'\\n]*'|[^\\s,;{}]+)`, 'gim'), `$1${HIDDEN}`],
];

/** Takes secrets out of a text that leaves the device: the ones that are known, and whatever has the shape of one. Pure. */
export function redact(text: string, known: readonly string[] = []): string {
  // The longest first: a secret may hold another.
  const secrets = known.filter((secret) => secret.length >= SECRET_MIN).sort((a, b) => b.length - a.length);
  const without = secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  return SHAPES.reduce((rest, [shape, instead]) => rest.replace(shape, instead), without);
}
