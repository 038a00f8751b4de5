import { readFileSync, statSync } from 'node:fs';
import type { Settings } from '../settings-schema.ts';

/** Size of a key of MAVLink message signing. */
const KEY_BYTES = 32;
/** An argument that says a secret, or is followed by one. */
const SECRET_ARGUMENT =
  /^--?(?:[a-z0-9]+-)*(?:password|passwd|passphrase|pass|secret|token|api-?key|access-?key)(?:=(.*))?$/i;

/** Null if there is no such file, or it may not be read. */
function read(path: string | undefined): Buffer | null {
  try {
    // Not what never ends: the settings may be wrong.
    return path !== undefined && statSync(path).isFile() ? readFileSync(path) : null;
  } catch {
    return null;
  }
}

/** Every line of a file that could be part of a secret; none if it cannot be read. */
function linesOf(path: string | undefined): readonly string[] {
  const lines = read(path)?.toString('utf8').split(/\r?\n/) ?? [];
  return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('-----'));
}

/** A key of 32 bytes can be kept as they are; then it would be shown in hex, if at all. */
function keyOf(path: string | undefined): readonly string[] {
  const bytes = read(path);
  return bytes?.length === KEY_BYTES ? [bytes.toString('hex')] : linesOf(path);
}

/** What follows an argument that is named like a secret. */
function secretArguments(argv: readonly string[] = []): readonly string[] {
  return argv.flatMap((word, at) => {
    const [, value] = SECRET_ARGUMENT.exec(word) ?? [];
    return SECRET_ARGUMENT.test(word) ? [value ?? argv[at + 1] ?? ''] : [];
  });
}

/** The user part of an address: whole, its password, and both as they are meant. */
function usersOf(url: string): readonly string[] {
  const [, user = ''] = /:\/\/([^/@]*)@/.exec(url) ?? [];
  const parts = [user, ...user.split(':').slice(1)];
  return [...parts, ...parts.map(decoded)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Secrets that this device has, so that they can be taken out wherever they turn up, such as in a message of a program. */
export function knownSecrets({ broker, vehicle, configs }: Settings): readonly string[] {
  const hooks = Object.values(configs).flatMap(({ check, reload, health }) => [check, reload, health]);
  const found = [
    ...linesOf(broker.password_file),
    ...linesOf(broker.tls?.key),
    ...keyOf(vehicle?.mavlink?.signing_key),
    ...broker.urls.flatMap(usersOf),
    ...hooks.flatMap((hook) => secretArguments(hook?.argv)),
  ];
  return [...new Set(found)].filter((secret) => secret !== '');
}

/** The same out of the text of settings that are wrong: whatever files it seems to name for secrets. */
export function secretsNamedIn(text: string): readonly string[] {
  const named = [...text.matchAll(/\b(password_file|key|signing_key)["']?\s*:\s*["']?(\/[^\s"',}]+)/g)];
  const files = named.flatMap(([, what, path]) => (what === 'signing_key' ? keyOf(path) : linesOf(path)));
  const urls = [...text.matchAll(/\b[a-z]+:\/\/[^\s"',\]]+/g)].flatMap(([url]) => usersOf(url));
  return [...new Set([...files, ...urls])].filter((secret) => secret !== '');
}
