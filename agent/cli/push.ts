import { readFileSync } from 'node:fs';
import { type SignedUpdate, signWish } from '../fleet/compose.ts';
import { readSigner } from '../fleet/signer.ts';
import { parseUpdate } from '../values/document.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { parseStrictJson } from '../values/json.ts';
import { type Command, readArgs, type Terminal } from './command.ts';
import { DELIVER_HELP, DELIVER_OPTIONS, deliver } from './deliver.ts';
import { FILE_HELP, FILE_OPTIONS, readFilesToSend } from './files-to-send.ts';
import { BROKER_HELP, misuse, readCount, readKeyPath } from './fleet-options.ts';
import { readUpdateWords, UPDATE_HELP, UPDATE_OPTIONS } from './update-words.ts';

const OPTIONS = {
  ...DELIVER_OPTIONS,
  ...UPDATE_OPTIONS,
  ...FILE_OPTIONS,
  version: { type: 'string' },
  document: { type: 'string' },
} as const;

/** `locksmith push`: signs files of a config and publishes them, or publishes what `locksmith sign` made. */
export const command: Command = {
  help: `Usage: locksmith push CONFIG [PATH…] --to ADDRESS [options]
       locksmith push --document FILE [options]

Signs files as an update and publishes it, retained, so that devices that are away get it later.
List every file of the config; NAME=PATH sends a file under another name.

${UPDATE_HELP}
${FILE_HELP}
  --version N           instead of the next one after all that are known
  --document FILE       publish an update that \`locksmith sign\` made, as it is
${BROKER_HELP}
${DELIVER_HELP}

Example:
  locksmith push aim_lock_config ./aim_lock_config.conf --to grp/canary --layer shadow --until 4h \\
    --key ops.key.json --broker mqtts://broker:8883 --wait 3
`,
  run,
};

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const document = argv.some((arg) => arg === '--document' || arg.startsWith('--document='));
  const bounds = document ? { min: 0, max: 0, names: '' } : { min: 1, max: 256, names: 'CONFIG PATH…' };
  const { values, positionals } = readArgs('push', argv, OPTIONS, bounds);
  if (values.document !== undefined) {
    const signed = readDocument(values.document);
    const { aud: address, config, layer, version } = signed.update;
    const place = { address, config, layer };
    return deliver({ command: 'push', place, version, make: async () => signed }, values, terminal);
  }
  const [config = '', ...paths] = positionals;
  const iat = Math.floor(Date.now() / 1000);
  const words = readUpdateWords('push', values, iat, false);
  const signer = await readSigner(readKeyPath('push', values.key, terminal.env));
  const files = readFilesToSend('push', paths, values);
  const version = values.version === undefined ? null : readCount('push', 'version', values.version);
  const make = (next: number) => signWish({ config, iat, files, ...words, version: next }, signer);
  // Before anything goes out: a wish that cannot be signed must not use a version up.
  await make(version ?? 1);
  const place = { address: words.address, config, layer: words.layer };
  return deliver({ command: 'push', place, version, make }, values, terminal);
}

/** Reads a signed update from a file. Its signature is the devices' business; its shape must be right to know where it goes. */
function readDocument(path: string): SignedUpdate {
  try {
    const jws = readFileSync(path, 'latin1').trim();
    const json = parseStrictJson(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const update = json.kind === 'json' ? parseUpdate(json.value) : null;
    if (update === null || jws.split('.').length !== 3) throw misuse('push', `${path}: not a signed update`);
    if ('kind' in update) throw misuse('push', `${path}: ${update.reason} (${update.code})`);
    return { update, jws };
  } catch (error) {
    if (error instanceof SaidError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new SaidError(EXIT.usage, `push: ${path}: cannot be read: ${code}`, 'locksmith push --help');
  }
}
