import { readFileSync } from 'node:fs';
import type { Settings } from '../settings-schema.ts';

/** Every line of a file that could be part of a secret; none if it cannot be read. */
function linesOf(path: string | undefined): readonly string[] {
  if (path === undefined) return [];
  try {
    const lines = readFileSync(path, 'latin1').split(/\r?\n/);
    return lines.map((line) => line.trim()).filter((line) => line !== '' && !line.startsWith('-----'));
  } catch {
    return [];
  }
}

/** Secrets that this device has, so that they can be taken out wherever they turn up, such as in a message of a program. */
export function knownSecrets({ broker }: Settings): readonly string[] {
  const users = broker.urls.flatMap((url) => {
    const [, user = ''] = /:\/\/([^/@]*)@/.exec(url) ?? [];
    return [user, ...user.split(':').slice(1)];
  });
  return [...linesOf(broker.password_file), ...linesOf(broker.tls?.key), ...users].filter((secret) => secret !== '');
}
