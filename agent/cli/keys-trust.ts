import { writeFileSync } from 'node:fs';
import { connectFleet } from '../fleet/link.ts';
import { publishOrder } from '../fleet/orders.ts';
import { readKeyText, readRootSigner } from '../fleet/signer.ts';
import { composeTrust, draftText, readDraft, readKeysOf, type TrustDraft } from '../fleet/trust-draft.ts';
import { rootsOf } from '../trust/document.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { parseAddress } from '../values/topics.ts';
import { readArgs, type Terminal } from './command.ts';
import { BROKER_OPTIONS, misuse, readBroker, readCount, readDuration, withLinkWords } from './fleet-options.ts';

/** `locksmith keys compose`: the payload of a trust document, for others to sign. */
export async function compose(argv: readonly string[], terminal: Terminal): Promise<number> {
  const options = {
    from: { type: 'string' },
    add: { type: 'string', multiple: true },
    remove: { type: 'string', multiple: true },
    version: { type: 'string' },
    to: { type: 'string', default: 'all' },
    note: { type: 'string' },
  } as const;
  const { values, positionals } = readArgs('keys', argv, options, { min: 1, max: 1, names: 'FILE' });
  const [path = ''] = positionals;
  if (values.from === undefined) throw misuse('keys', 'compose: which keys to begin with? give --from FILE');
  const address = parseAddress(values.to);
  if (address === null) throw misuse('keys', `--to: expected dev/ID, grp/GROUP or all, found '${values.to}'`);
  const base = readKeysOf(readKeyText(values.from), values.from);
  const add = (values.add ?? []).flatMap((file) => readKeysOf(readKeyText(file), file).keys);
  const version = values.version === undefined ? base.version + 1 : readCount('keys', 'version', values.version);
  const { remove = [], note } = values;
  const text = composeTrust({ keys: base.keys, add, remove, version, address, note });
  write(path, text, 'wx');
  terminal.out(`${path}\n${sayDraft(readDraft(text, path))}`);
  return EXIT.done;
}

/** `locksmith keys sign`: adds a signature; works without a network. */
export async function signDraft(argv: readonly string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArgs(
    'keys',
    argv,
    { key: { type: 'string' } },
    { min: 1, max: 1, names: 'FILE' },
  );
  const [path = ''] = positionals;
  const keyPath = values.key ?? terminal.env.LOCKSMITH_KEY;
  if (keyPath === undefined || keyPath === '') throw misuse('keys', 'sign: which key? give --key FILE');
  const draft = readDraft(readKeyText(path), path);
  const signer = await readRootSigner(keyPath);
  const entry = draft.document.ring.find(signer.kid);
  if (entry !== null && entry.x !== signer.x) {
    throw new SaidError(
      EXIT.refused,
      `${path}: names another key ${signer.kid} than the one in ${keyPath}`,
      'compose it again with the right NAME.pub.json',
    );
  }
  const signature = await signer.signTrust(draft.jws.payload);
  const others = draft.jws.signatures.filter(({ kid }) => kid !== signer.kid);
  const text = draftText(draft.jws.payload, [...others, signature]);
  write(path, text, 'w');
  const role = entry?.role === 'root' ? 'a root key from then on' : 'a root key that goes, or is not in it';
  terminal.out(`${path}\n${sayDraft(readDraft(text, path))}signed by ${signer.kid}: ${role}\n`);
  return EXIT.done;
}

/** `locksmith keys push`: publishes a signed trust document, and shows what devices made of it. */
export async function pushTrust(argv: readonly string[], terminal: Terminal): Promise<number> {
  const options = {
    ...BROKER_OPTIONS,
    wait: { type: 'string' },
    within: { type: 'string', default: '5m' },
    json: { type: 'boolean', default: false },
  } as const;
  const { values, positionals } = readArgs('keys', argv, options, { min: 1, max: 1, names: 'FILE' });
  const [path = ''] = positionals;
  const draft = readDraft(readKeyText(path), path);
  const { document, jws } = draft;
  if (jws.signatures.length === 0) {
    throw new SaidError(
      EXIT.refused,
      `${path}: nobody has signed it`,
      `locksmith keys sign ${path} --key ROOT.key.json`,
    );
  }
  const unsigned = rootsOf(document.ring).filter(({ kid }) => !jws.signatures.some((one) => one.kid === kid));
  if (unsigned.length > 0) {
    const names = unsigned.map(({ kid }) => kid).join(', ');
    terminal.err(`locksmith: ${names} has not signed: a device to which that root key is new refuses the document\n`);
  }
  const broker = readBroker('keys', values, terminal.env);
  const wait = values.wait === undefined ? 0 : readCount('keys', 'wait', values.wait);
  const withinMs = readDuration('keys', 'within', values.within);
  const address = document.aud ?? 'all';
  const answers = await withLinkWords(broker, async () => {
    const link = await connectFleet(broker);
    try {
      return await publishOrder(link, {
        ...{ root: broker.root, address, order: 'trust', version: document.version, wait, withinMs },
        text: draftText(jws.payload, jws.signatures),
        onAnswer({ device, reason }) {
          if (!values.json) terminal.out(`${device}  ${reason ?? ''}\n`);
        },
      });
    } finally {
      link.close();
    }
  });
  if (values.json) terminal.out(`${JSON.stringify({ version: document.version, address, answers, asked: wait })}\n`);
  else if (wait === 0) terminal.out(`published for ${address}: version ${document.version}\n`);
  if (answers.some(({ taken }) => !taken)) return EXIT.refused;
  return answers.length < wait ? EXIT.failed : EXIT.done;
}

function write(path: string, text: string, flag: 'w' | 'wx'): void {
  try {
    writeFileSync(path, `${text}\n`, { flag, mode: 0o644 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code !== 'EEXIST') throw new SaidError(EXIT.failed, `${path}: cannot be written: ${code}`, 'take another path');
    throw new SaidError(EXIT.failed, `${path}: is there already`, 'take another name');
  }
}

/** What a draft says, for whoever is about to sign it. */
function sayDraft({ document, jws }: TrustDraft): string {
  const signed = (kid: string) => (jws.signatures.some((one) => one.kid === kid) ? '  signed' : '');
  const rows = document.ring.keys.map(({ kid, role }) => `  ${role.padEnd(4)}  ${kid}${signed(kid)}\n`);
  const others = jws.signatures.filter(({ kid }) => document.ring.find(kid) === null);
  const note = document.note === null ? '' : `: ${document.note}`;
  const gone = others.map(({ kid }) => `  gone  ${kid}  signed\n`);
  return [`version ${document.version} for ${document.aud ?? 'any address'}${note}\n`, ...rows, ...gone].join('');
}
