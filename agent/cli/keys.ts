import { isEd25519Jwk, makeKeyFiles, readKeyText } from '../fleet/signer.ts';
import { readDraft } from '../fleet/trust-draft.ts';
import { parseKeys, type TrustKey } from '../trust/keys.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { parseStrictJson } from '../values/json.ts';
import { NAME, rfc3339 } from '../values/units.ts';
import { type Command, readArgs, type Terminal } from './command.ts';
import { misuse } from './fleet-options.ts';
import { compose, pushTrust, signDraft } from './keys-trust.ts';

/** `locksmith keys`: makes key pairs and shows what is in key files. */
export const command: Command = {
  help: `Usage: locksmith keys new NAME [--root] [--out DIR]
       locksmith keys list FILE… [--json]
       locksmith keys compose DRAFT --from FILE [--add FILE]… [--remove ID]… [--to ADDRESS] [--version N] [--note TEXT]
       locksmith keys sign DRAFT --key FILE
       locksmith keys push DRAFT [--wait N] [--within D] [--json] [options of the broker, as for push]

new   makes an Ed25519 key pair: NAME.key.json (private, mode 0600, stays with the operator) and NAME.pub.json, a JWKS that
      devices are given as \`trust.keys\`. Never overwrites. With --root it is a root key: it signs which keys count from now on,
      and nothing else. Make it on a machine without a network, and keep it there.
list  shows the keys in such files: id, role, how long they are valid and what they may sign.

Which keys count on the devices is changed by a trust document:
compose  writes one that nobody has signed: the keys of --from (the devices' keys.json, or the last trust document), with those of
         --add (NAME.pub.json; what a key may is in its entry) and without --remove. The version is one more than that of --from.
sign     adds the signature of a root key to it, and shows what it says. Needs no network: carry the file from one to the other.
         Each root key that is new signs too; so does an old one, for devices that know no other.
push     publishes it, retained. --wait N shows what N devices made of it. A push key that is left out is revoked.

Example:
  locksmith keys new night-shift --out ~/.config/locksmith
  locksmith keys new safe --root --out /media/vault
  locksmith keys list /etc/locksmith/keys.json
`,
  run,
};

async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [what, ...rest] = argv;
  if (what === 'new') return makeNew(rest, terminal);
  if (what === 'list') return list(rest, terminal);
  if (what === 'compose') return compose(rest, terminal);
  if (what === 'sign') return signDraft(rest, terminal);
  if (what === 'push') return pushTrust(rest, terminal);
  throw misuse(
    'keys',
    what === undefined
      ? 'new, list, compose, sign or push?'
      : `expected new, list, compose, sign or push, found '${what}'`,
  );
}

async function makeNew(argv: readonly string[], terminal: Terminal): Promise<number> {
  const options = {
    out: { type: 'string', default: '.' },
    root: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  } as const;
  const { values, positionals } = readArgs('keys', argv, options, { min: 1, max: 1, names: 'NAME' });
  const [name = ''] = positionals;
  if (!NAME.test(name)) throw misuse('keys', `a name is 1 to 64 letters, digits, _ or -, found '${name}'`);
  const { kid, privatePath, publicPath } = await makeKeyFiles(name, values.out, values.root ? 'root' : 'push');
  if (values.json) {
    terminal.out(`${JSON.stringify({ kid, private: privatePath, public: publicPath })}\n`);
    return EXIT.done;
  }
  const use = values.root ? 'keep it offline; locksmith keys sign' : 'keep it; sign with --key';
  terminal.out(`${kid}\n  private  ${privatePath}  (${use})\n  public   ${publicPath}  (devices: trust.keys)\n`);
  return EXIT.done;
}

function list(argv: readonly string[], terminal: Terminal): number {
  const options = { json: { type: 'boolean', default: false } } as const;
  const { values, positionals } = readArgs('keys', argv, options, { min: 1, max: 256, names: 'FILE…' });
  const rows = positionals.flatMap((path) => rowsOf(path, readKeyText(path)));
  if (values.json) terminal.out(`${JSON.stringify(rows)}\n`);
  else for (const row of rows) terminal.out(`${sayRow(row)}\n`);
  return EXIT.done;
}

interface Row {
  readonly file: string;
  readonly kid: string;
  readonly kind: 'private' | 'public';
  readonly role: TrustKey['role'] | null;
  readonly nbf: string | null;
  readonly exp: string | null;
  readonly may: { readonly [what: string]: readonly string[] | boolean | null } | null;
}

function rowsOf(file: string, text: string): readonly Row[] {
  const json = parseStrictJson(text);
  if (json.kind === 'json' && isEd25519Jwk(json.value) && json.value.d !== undefined) {
    return [
      { file, kid: json.value.kid, kind: 'private', role: json.value.role ?? null, nbf: null, exp: null, may: null },
    ];
  }
  const keys = /^\s*\{"payload":/.test(text) ? readDraft(text, file).document.ring.keys : parseKeys(text, file).keys;
  if (keys.length === 0) throw new SaidError(EXIT.usage, `${file}: no key in it`, 'locksmith keys new NAME');
  const time = (seconds: number | null) => (seconds === null ? null : rfc3339(seconds * 1000));
  return keys.map(({ kid, role, nbf, exp, may: { endHolder, ...may } }) => ({
    file,
    kid,
    kind: 'public',
    role,
    nbf: time(nbf),
    exp: time(exp),
    may: { ...may, end_holder: endHolder },
  }));
}

function sayRow({ file, kid, kind, role, nbf, exp, may }: Row): string {
  const limits = Object.entries(may ?? {}).flatMap(([what, list]) =>
    Array.isArray(list) ? [`only ${what} ${list.join(' ')}`] : list === true ? [`may ${what}`] : [],
  );
  const life = [...(nbf === null ? [] : [`from ${nbf}`]), ...(exp === null ? [] : [`until ${exp}`])];
  return [
    kid.padEnd(24),
    kind === 'private' && role === null ? 'private' : `${kind} ${role}`,
    ...life,
    ...limits,
    file,
  ].join('  ');
}
