import { signWish } from '../fleet/compose.ts';
import { readSigner } from '../fleet/signer.ts';
import { type Command, readArgs, type Terminal } from './command.ts';
import { DELIVER_HELP, DELIVER_OPTIONS, deliver } from './deliver.ts';
import { BROKER_HELP, misuse, readKeyPath } from './fleet-options.ts';
import { readUpdateWords } from './update-words.ts';

const OPTIONS = {
  ...DELIVER_OPTIONS,
  to: { type: 'string' },
  layer: { type: 'string' },
  key: { type: 'string' },
  note: { type: 'string' },
} as const;

/** `locksmith withdraw`: publishes the signed tombstone of an update. */
export const command: Command = {
  help: `Usage: locksmith withdraw CONFIG --to ADDRESS --layer base|shadow [options]

Takes back what was pushed to an address and layer: devices go on with the next update that is for them, or with what
was there before. It is a signed document of its own, and stays on the broker in place of the old one.

  --to ADDRESS          dev/ID, grp/GROUP or all
  --layer base|shadow   which layer is taken back
  --key FILE            private key made by \`locksmith keys new\` (or set LOCKSMITH_KEY)
  --note TEXT           words for people
${BROKER_HELP}
${DELIVER_HELP}

Example:
  locksmith withdraw aim_lock_config --to grp/canary --layer shadow --key ops.key.json --broker mqtts://broker:8883
`,
  run,
};

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArgs('withdraw', argv, OPTIONS, { min: 1, max: 1, names: 'CONFIG' });
  const [config = ''] = positionals;
  if (values.layer === undefined) throw misuse('withdraw', 'which layer? give --layer base or --layer shadow');
  const iat = Math.floor(Date.now() / 1000);
  const { address, layer, note } = readUpdateWords('withdraw', values, iat, true);
  const signer = await readSigner(readKeyPath('withdraw', values.key, terminal.env));
  const make = (version: number) => signWish({ config, address, layer, iat, note, files: null, version }, signer);
  await make(1);
  return deliver({ command: 'withdraw', place: { address, config, layer }, version: null, make }, values, terminal);
}
