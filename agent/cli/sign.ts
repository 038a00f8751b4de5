import { writeFileSync } from 'node:fs';
import { signWish } from '../fleet/compose.ts';
import { readSigner } from '../fleet/signer.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { type Command, readArgs, type Terminal } from './command.ts';
import { FILE_HELP, FILE_OPTIONS, readFilesToSend } from './files-to-send.ts';
import { misuse, readCount, readKeyPath } from './fleet-options.ts';
import { readUpdateWords, UPDATE_HELP, UPDATE_OPTIONS } from './update-words.ts';

const OPTIONS = { ...UPDATE_OPTIONS, ...FILE_OPTIONS, version: { type: 'string' }, out: { type: 'string' } } as const;

/** `locksmith sign`: makes a signed update without a broker. */
export const command: Command = {
  help: `Usage: locksmith sign CONFIG [PATH…] --to ADDRESS --version N --key FILE [options]

Signs files as an update and prints it: for \`locksmith push --document\`, or for \`locksmith apply\` from a USB stick.
List every file of the config; NAME=PATH signs a file under another name.

  --version N           higher than any before it for this config, address and layer
${UPDATE_HELP}
${FILE_HELP}
  --out FILE            write it there instead of printing it

Example:
  locksmith sign aim_lock_config ./aim_lock_config.conf --to dev/drone-7 --version 42 --key ops.key.json --out update.jws
`,
  run,
};

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArgs('sign', argv, OPTIONS, { min: 1, max: 256, names: 'CONFIG PATH…' });
  const [config = '', ...paths] = positionals;
  if (values.version === undefined) throw misuse('sign', 'which version? give --version N');
  const iat = Math.floor(Date.now() / 1000);
  const words = readUpdateWords('sign', values, iat, false);
  const version = readCount('sign', 'version', values.version);
  const signer = await readSigner(readKeyPath('sign', values.key, terminal.env));
  const { jws } = await signWish(
    { config, iat, version, files: readFilesToSend('sign', paths, values), ...words },
    signer,
  );
  if (values.out === undefined) {
    terminal.out(`${jws}\n`);
    return EXIT.done;
  }
  try {
    writeFileSync(values.out, `${jws}\n`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new SaidError(EXIT.failed, `sign: ${values.out}: cannot be written: ${code}`, 'give another --out FILE');
  }
  terminal.err(`wrote ${values.out}: ${config} version ${version} (${words.layer}) for ${words.address}\n`);
  return EXIT.done;
}
