import { randomUUID } from 'node:crypto';
import { connectFleet } from '../fleet/link.ts';
import { publishOrder, retainedHalt } from '../fleet/orders.ts';
import { readSigner } from '../fleet/signer.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { type Halt, isLifted, parseHalt, sayHalted } from '../values/halt.ts';
import { parseAddress } from '../values/topics.ts';
import { type Command, readArgs, type Terminal } from './command.ts';
import {
  BROKER_HELP,
  BROKER_OPTIONS,
  misuse,
  parseTime,
  readBroker,
  readCount,
  readDuration,
  readKeyPath,
  withLinkWords,
} from './fleet-options.ts';

const OPTIONS = {
  ...BROKER_OPTIONS,
  to: { type: 'string' },
  rollout: { type: 'string' },
  config: { type: 'string', multiple: true },
  exp: { type: 'string' },
  note: { type: 'string' },
  lift: { type: 'boolean', default: false },
  replace: { type: 'boolean', default: false },
  key: { type: 'string' },
  wait: { type: 'string' },
  within: { type: 'string', default: '5m' },
  json: { type: 'boolean', default: false },
} as const;

/** `locksmith halt`: publishes a stop sign, or lifts it. */
export const command: Command = {
  help: `Usage: locksmith halt --to ADDRESS [--rollout NAME | --config NAME…] [options]
       locksmith halt --to ADDRESS --lift [options]

Lets updates wait on the devices of an address: those of a roll-out, those of configs, or all, until it is lifted or ends. It stops
no rollback, no withdrawal and no shadow that falls off. An address has one halt: one that holds something else is only replaced
with --replace, or by one that holds everything for as long as nobody lifts it.

  --to ADDRESS          dev/ID, grp/GROUP or all
  --exp T               it ends by itself: a duration from now (4h) or a time (2026-12-01T06:00:00Z)
  --note TEXT           words for people, at most 256 characters
  --key FILE            private key made by \`locksmith keys new\` (or set LOCKSMITH_KEY)
  --wait N              wait for the answers of N devices and show each
  --within D            how long to wait (default: 5m)
  --json                print one JSON object at the end
${BROKER_HELP}

Exit codes: 0 done, 1 no broker, no answer, or another halt is there, 2 wrong usage, 3 refused by a device.

Example:
  locksmith halt --to grp/canary --rollout spring --note 'gimbals turn' --key ops.key.json --broker mqtts://broker:8883
`,
  run,
};

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values } = readArgs('halt', argv, OPTIONS, { min: 0, max: 0, names: '' });
  const address = values.to === undefined ? null : parseAddress(values.to);
  if (address === null) throw misuse('halt', 'for whom? give --to dev/ID, grp/GROUP or all');
  const nowS = Math.floor(Date.now() / 1000);
  const exp = values.exp === undefined ? undefined : parseTime(values.exp, nowS);
  if (exp === null || (exp !== undefined && exp <= nowS)) {
    throw misuse('halt', `--exp: expected a duration like 4h or a time to come, found '${values.exp}'`);
  }
  const { rollout, config = [], note, lift } = values;
  if (lift && (rollout !== undefined || config.length > 0 || exp !== undefined)) {
    throw misuse(
      'halt',
      '--lift ends the halt of the address, whatever it holds: without --rollout, --config and --exp',
    );
  }
  const broker = readBroker('halt', values, terminal.env);
  const signer = await readSigner(readKeyPath('halt', values.key, terminal.env));
  const wait = values.wait === undefined ? 0 : readCount('halt', 'wait', values.wait);
  const withinMs = readDuration('halt', 'within', values.within);
  const make = (version: number): Halt => {
    const halt = parseHalt({
      ...{ v: 1, id: randomUUID(), aud: address, version, iat: nowS },
      ...(exp === undefined ? {} : { exp }),
      ...(rollout === undefined ? {} : { rollout }),
      ...(config.length === 0 ? {} : { configs: config }),
      ...(lift ? { lift } : {}),
      ...(note === undefined ? {} : { note }),
    });
    if ('kind' in halt) throw misuse('halt', halt.reason);
    return halt;
  };
  make(1);
  return withLinkWords(broker, async () => {
    const link = await connectFleet(broker);
    try {
      const before = await retainedHalt(link, broker.root, address);
      // The time is higher than any version of a halt that the broker may have forgotten.
      const halt = make(Math.max((before?.version ?? 0) + 1, nowS));
      const same = before !== null && sayHalted(before) === sayHalted(halt);
      const over = before === null || isLifted(before, nowS);
      // Who stops everything stops that too, and must not be kept from it by the halt of some roll-out.
      const holdsAll = rollout === undefined && config.length === 0 && exp === undefined;
      if (!lift && !over && !same && !holdsAll && !values.replace) {
        throw new SaidError(
          EXIT.failed,
          `halt: for ${address} there is one already (version ${before.version}), of ${sayHalted(before)}, which would not be held any more`,
          'add --replace if that is what you want',
        );
      }
      const { version } = halt;
      const answers = await publishOrder(link, {
        ...{ root: broker.root, address, order: 'halt', version, wait, withinMs },
        text: await signer.signHalt(halt),
        onAnswer({ device, reason }) {
          if (!values.json) terminal.out(`${device}  ${reason ?? ''}\n`);
        },
      });
      if (values.json) terminal.out(`${JSON.stringify({ halt, answers, asked: wait })}\n`);
      else terminal.out(`${lift ? 'lifted' : sayHalted(halt)} for ${address}: version ${version}\n`);
      if (answers.some(({ taken }) => !taken)) return EXIT.refused;
      return answers.length < wait ? EXIT.failed : EXIT.done;
    } finally {
      link.close();
    }
  });
}
