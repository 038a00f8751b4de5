/** What stands where a secret was. */
export const HIDDEN = '***';

/** A secret shorter than this would also blot out innocent words. */
const SECRET_MIN = 4;

/** What a setting with a secret is called. */
const NAMED =
  '(?:^|[^a-z0-9])["\']?(?:[a-z0-9]+[_-])*(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?key|(?:access|api|auth)[_-]?token)';

/** An argument that is followed by a secret. A number is none: a lock has a token, too. */
const OPTION = '(?<![\\w-])--?(?:[a-z0-9]+-)*(?:password|passwd|passphrase|pass|secret|token|api-?key|access-?key)';
const VALUE = `("[^"\\n]*"|'[^'\\n]*'|(?!\\d+(?![\\w.-]))[^\\s"',\\]}]+)`;

/** Shapes of secrets, wherever they stand; the groups around are kept. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN ([A-Z0-9 ]*)PRIVATE KEY-----[\s\S]*?(-----END \1PRIVATE KEY-----|$)/g, `(private key: ${HIDDEN})`],
  // The user part of an address, with or without a password.
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, `$1${HIDDEN}@`],
  // The private half of a JSON web key.
  [/("(?:d|p|q|dp|dq|qi|k)"\s*:\s*")[A-Za-z0-9_-]{16,}(")/g, `$1${HIDDEN}$2`],
  [/\b((?:authorization|proxy-authorization)\s*[:=]\s*)[^\r\n"']+/gi, `$1${HIDDEN}`],
  // In one word, or in the next one of a list, be it of YAML or JSON.
  [new RegExp(`(${OPTION}(?:=|["']?[\\s,]+(?:-\\s+)?))${VALUE}`, 'gi'), `$1${HIDDEN}`],
  // In the query of an address.
  [/([?&](?:[a-z0-9]+[_-])*(?:token|key|sig|signature|password|secret)=)[^&#\s"']+/gi, `$1${HIDDEN}`],
  [new RegExp(`(${NAMED}["']?\\s*[:=]\\s*)("[^"\\n]*"|'[^'\\n]*'|[^\\s,;{}]+)`, 'gim'), `$1${HIDDEN}`],
];

/** A secret as it is, and as it stands in JSON or in an address. */
function spellings(secret: string): readonly string[] {
  return [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)];
}

/** Takes secrets out of a text that leaves the device: the ones that are known, and whatever has the shape of one. Pure. */
export function redact(text: string, known: readonly string[] = []): string {
  const all = known.filter((secret) => secret.length >= SECRET_MIN).flatMap(spellings);
  // The longest first: a secret may hold another.
  const secrets = [...new Set(all)].sort((a, b) => b.length - a.length);
  const without = secrets.reduce((rest, secret) => rest.replaceAll(secret, HIDDEN), text);
  return SHAPES.reduce((rest, [shape, instead]) => rest.replace(shape, instead), without);
}
