import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import t from 'tap';
import { parse } from 'yaml';
import { parseTrust } from '../../agent/trust/document.ts';
import { COMMANDS, parseCommand } from '../../agent/values/command.ts';
import { parseUpdate } from '../../agent/values/document.ts';
import { parseHalt } from '../../agent/values/halt.ts';
import { ROLLOUT_TOPICS, TOPICS } from '../../agent/values/topics.ts';
import { COMMAND_SCHEMA, HALT_SCHEMA, UPDATE_SCHEMA } from '../../agent/wire/documents.ts';
import { PAYLOADS } from '../../agent/wire/payloads.ts';
import { ROLLOUT_PAYLOADS } from '../../agent/wire/rollout.ts';
import { TRUST_SCHEMA } from '../../agent/wire/trust.ts';
import { whyNotFits } from '../fixtures/wire.ts';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');
const document = parse(readFileSync(join(DOCS, 'asyncapi.yaml'), 'utf8'));
const published = (name: string): unknown =>
  JSON.parse(readFileSync(join(DOCS, 'schemas', `${name}.schema.json`), 'utf8'));

interface Operation {
  readonly action: string;
  readonly channel: { readonly $ref: string };
  readonly messages: readonly { readonly $ref: string }[];
  readonly bindings: { readonly mqtt: { readonly qos: number; readonly retain: boolean } };
}

t.test('the document is AsyncAPI 3, by its own schema', async (t) => {
  const require = createRequire(import.meta.url);
  const meta = JSON.parse(readFileSync(require.resolve('@asyncapi/specs/schemas/3.0.0-without-$id.json'), 'utf8'));
  const validate = new Ajv({ strict: false, validateFormats: false, logger: false }).compile(meta);
  t.ok(validate(document), JSON.stringify(validate.errors?.[0]));
  t.notOk(validate({ ...document, channels: { x: { adress: 'y' } } }), 'and that schema does look');
});

t.test('it has every topic, as the table has it, and no other', async (t) => {
  const wanted = Object.entries(TOPICS).flatMap(([kind, { pattern, direction, qos, retained }]) => {
    const addresses = pattern.includes('{address}') ? ['dev/{id}', 'grp/{group}', 'all'] : [''];
    return addresses.map((address) => ({
      address: pattern.replace('{address}', address),
      action: direction === 'from-device' ? 'send' : 'receive',
      ...{ qos, retain: retained, message: Object.entries(PAYLOADS).find(([name]) => name === kind)?.[1].name },
    }));
  });
  const ofOperators = Object.entries(ROLLOUT_TOPICS).map(([kind, address]) => ({
    ...{ address, action: 'send', qos: 1, retain: true, message: `rollout-${kind}` },
  }));
  const at = (ref: string): { readonly address: string; readonly $ref: string } =>
    ref
      .slice(2)
      .split('/')
      .reduce((value, key) => value[key], document);
  const found = Object.values<Operation>(document.operations).map(({ action, channel, messages, bindings }) => ({
    ...{ address: at(channel.$ref).address, action, qos: bindings.mqtt.qos, retain: bindings.mqtt.retain },
    message: at(messages[0]?.$ref ?? '')
      .$ref.split('/')
      .at(-1),
  }));
  const sorted = (rows: readonly { readonly address: string }[]) =>
    [...rows].sort((a, b) => (a.address < b.address ? -1 : 1));
  t.strictSame(sorted(found), sorted([...wanted, ...ofOperators]));
  t.equal(Object.keys(document.channels).length, wanted.length + ofOperators.length);
});

t.test('every message names the published schema, and that can be read by itself', async (t) => {
  for (const { name, signed } of [...Object.values(PAYLOADS), ...Object.values(ROLLOUT_PAYLOADS)]) {
    const message = document.components.messages[name];
    const where = signed === null ? message.payload : message['x-jws-payload'];
    t.same(where, { $ref: `./schemas/${name}.schema.json` });
    t.equal(message['x-jws-typ'], signed?.typ);
    const schema = published(name);
    if (typeof schema !== 'object' || schema === null) throw new Error(`${name} is no schema`);
    t.type(whyNotFits(schema, {}), 'string', `${name} wants something`);
  }
});

t.test('who reads what a device says does not break on what comes later; what it is told is closed', async (t) => {
  const evt = { seq: 1, boot: 'b', at: '2026-11-22T01:14:09.120Z', clock: 'ok', event: 'applied' };
  const schema = published('evt');
  if (typeof schema !== 'object' || schema === null) throw new Error('no schema');
  t.equal(whyNotFits(schema, { ...evt, event: 'something-new', more: 1 }), null);
  t.match(whyNotFits(PAYLOADS.evt.schema, { ...evt, more: 1 }), /additional properties/);
  t.match(whyNotFits(PAYLOADS.evt.schema, { ...evt, event: 'something-new' }), /allowed values/);
  const { name } = PAYLOADS.halt;
  t.match(JSON.stringify(published(name)), /"additionalProperties":false/);
});

const DIGEST = `sha256:${'a'.repeat(64)}`;
const base = { v: 1, id: 'x', iat: 1_795_298_400 };
const update = { ...base, aud: 'grp/canary', config: 'aim', version: 3 };
const file = { name: 'a.conf', digest: DIGEST, encoding: 'utf8', content: 'x' };
const command = { ...base, aud: 'dev/drone-7', exp: 1_795_298_700, config: 'aim' };
const jwk = { kty: 'OKP', crv: 'Ed25519', kid: 'k', x: 'A'.repeat(43) };
const parsers = [
  {
    ...{ what: 'update', schema: UPDATE_SCHEMA, parse: parseUpdate },
    good: [
      { ...update, layer: 'base', files: [file, { name: 'b', absent: true }], expect: { token: 0 }, retry: true },
      {
        ...update,
        layer: 'shadow',
        until: 1_795_299_000,
        files: [{ name: 'b', digest: DIGEST, url: 'https://h/f', size: 1 }],
      },
      { ...update, layer: 'shadow', withdraw: true, note: 'n', rollout: 'r', exp: 1_795_299_000 },
      {
        ...{ ...update, layer: 'base', files: [file], confirm: { within_s: 60, by: 'link' } },
        when: { vehicle: 'safe', window: { cron: '0 2 * * *', minutes: 60, tz: 'UTC' } },
      },
    ],
  },
  {
    ...{ what: 'command', schema: COMMAND_SCHEMA, parse: parseCommand },
    good: [
      { ...command, cmd: 'release', token: 3, reason: 'r', holder: { pid: 1, start: null }, end_holder: true },
      { ...command, cmd: 'refresh', seq: 3 },
      { ...command, cmd: 'confirm', update: 'u', reason: 'r' },
      { ...command, cmd: 'rollback', update: 'u', reason: 'r' },
    ],
  },
  {
    ...{ what: 'halt', schema: HALT_SCHEMA, parse: parseHalt },
    good: [
      { ...base, aud: 'all', version: 1, rollout: 'r', exp: 1_795_299_000, note: 'n' },
      { ...base, aud: 'dev/x', version: 2, configs: ['aim'], lift: true },
    ],
  },
  {
    ...{ what: 'trust', schema: TRUST_SCHEMA, parse: parseTrust },
    good: [
      {
        v: 1,
        version: 1,
        aud: 'all',
        note: 'n',
        keys: [{ ...jwk, role: 'root', nbf: 1, exp: 2, use: 'sig', alg: 'EdDSA' }],
      },
      {
        ...{ v: 1, version: 2 },
        keys: [
          {
            ...jwk,
            key_ops: ['verify'],
            may: { addresses: ['grp/*'], configs: [], commands: ['refresh'], end_holder: true },
          },
        ],
      },
    ],
  },
];

/** The value with one thing wrong or missing, at every place in it. */
function* spoilt(value: unknown): Generator<unknown> {
  if (Array.isArray(value)) {
    for (const [index, item] of value.entries())
      for (const wrong of spoilt(item)) yield value.map((one: unknown, at) => (at === index ? wrong : one));
  } else if (typeof value === 'object' && value !== null) {
    yield { ...value, strange: 1 };
    for (const [key, member] of Object.entries(value)) {
      yield Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
      for (const wrong of spoilt(member)) yield { ...value, [key]: wrong };
    }
  }
  for (const wrong of [null, -1, 1.5, '', ' ', 'no such', {}, [], true, false]) yield wrong;
}

for (const { what, schema, parse: read, good } of parsers) {
  t.test(`the schema of ${what} says what the agent says`, async (t) => {
    const isTaken = (value: unknown) => {
      const read_ = read(value);
      return !('kind' in read_ && read_.kind === 'refusal');
    };
    const count = { tried: 0, taken: 0 };
    for (const value of good) {
      t.ok(isTaken(value), 'the agent takes the good one');
      t.equal(whyNotFits(schema, value), null, 'and so does the schema');
      for (const wrong of spoilt(value)) {
        count.tried += 1;
        if (isTaken(wrong)) count.taken += 1;
        // What no schema can say: a cron expression, a time zone, a host, base names, times that come after others.
        const isBeyond = /cron|tz|url|\.name|is not after|more than 7 days|content/.test(JSON.stringify(read(wrong)));
        if (!isBeyond && isTaken(wrong) !== (whyNotFits(schema, wrong) === null)) {
          t.fail(`${JSON.stringify(wrong)}: agent ${JSON.stringify(read(wrong))}, schema ${whyNotFits(schema, wrong)}`);
        }
      }
    }
    t.ok(count.tried > 50 && count.taken > 0, `${count.tried} spoilt, of which ${count.taken} are still good`);
  });
}

t.test('every command of the code has its branch', async (t) => {
  const branches = COMMAND_SCHEMA.oneOf.map(({ properties }) => properties.cmd.const);
  t.strictSame([...branches].sort(), [...COMMANDS].sort());
});
