import { createHmac } from 'node:crypto';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeDevice, workDir } from '../fixtures/device.ts';
import { type DocumentWish, nowS, payloadOf, signedDocument } from '../fixtures/documents.ts';
import { type Heard, openFleetEar } from '../fixtures/fleet-ear.ts';
import { start } from '../fixtures/locksmith.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { type OpensslKey, opensslKey, opensslSign } from '../fixtures/openssl.ts';

// Everything that must be refused, each through a real broker and the built program: its code, no touch of the file, and reported.

const NAME = 'aim.json';
const BEFORE = '{"hold_ms": 500}\n';
const GROUP = 'v1/grp/canary/desired/aim/base';

/** What is published, and what must be said of it. */
interface Case {
  readonly what: string;
  readonly code: string;
  /** Must stand in the reason. */
  readonly reason: RegExp;
  /** Default: the topic it is right for. */
  readonly topic?: string;
  message(key: OpensslKey, stranger: OpensslKey): string | Uint8Array;
}

const good = (more: Partial<DocumentWish> = {}): DocumentWish => ({
  version: 10,
  files: { [NAME]: '{"hold_ms": 800}\n' },
  ...more,
});
const signed = (more: Partial<DocumentWish>) => (key: OpensslKey) => signedDocument(key, good(more)).jws;
/** A payload as text, so that it can say what no object of ours can. */
const signedText = (text: (payload: Record<string, unknown>) => string) => (key: OpensslKey) =>
  opensslSign(key, text(payloadOf(good())));
const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const header = (alg: string) => ({ alg, typ: 'locksmith-update+jwt', kid: 'by-openssl' });

const CASES: readonly Case[] = [
  {
    ...{ what: 'changed after it was signed', code: 'bad-signature', reason: /does not fit/ },
    message(key) {
      const [head, , signature] = signedDocument(key, good()).jws.split('.');
      return `${head}.${encode(payloadOf(good({ version: 11 })))}.${signature}`;
    },
  },
  {
    ...{ what: 'signed by another key under a known id', code: 'bad-signature', reason: /by-openssl/ },
    message: (_, stranger) => opensslSign(stranger, payloadOf(good()), { kid: 'by-openssl' }),
  },
  {
    what: 'an unknown key',
    code: 'unknown-key',
    reason: /stranger/,
    message: (_, stranger) => opensslSign(stranger, payloadOf(good())),
  },
  {
    ...{ what: 'alg none', code: 'bad-algorithm', reason: /none/ },
    message: () => `${encode(header('none'))}.${encode(payloadOf(good()))}.`,
  },
  {
    ...{ what: 'HS256 with the public key as its secret', code: 'bad-algorithm', reason: /HS256/ },
    message(key) {
      const input = `${encode(header('HS256'))}.${encode(payloadOf(good()))}`;
      return `${input}.${createHmac('sha256', Buffer.from(key.jwk.x, 'base64url')).update(input).digest('base64url')}`;
    },
  },
  {
    what: 'another kind of document',
    code: 'bad-type',
    reason: /typ/,
    message: signed({ header: { typ: 'locksmith-halt+jwt' } }),
  },
  {
    ...{
      what: 'signed for the group, published to the device',
      code: 'wrong-audience',
      reason: /signed for grp\/canary, published to dev\/drone-7/,
    },
    ...{ topic: 'v1/dev/drone-7/desired/aim/base', message: signed({}) },
  },
  {
    ...{ what: "another device's document, replayed here", code: 'wrong-audience', reason: /signed for dev\/drone-8/ },
    ...{ topic: 'v1/dev/drone-7/desired/aim/base', message: signed({ aud: 'dev/drone-8' }) },
  },
  {
    ...{
      what: 'another layer than the topic says',
      code: 'wrong-topic',
      reason: /signed for aim\/base, published on aim\/shadow/,
    },
    ...{ topic: 'v1/grp/canary/desired/aim/shadow', message: signed({}) },
  },
  {
    what: 'an older version',
    code: 'replayed',
    reason: /version 4 .* but 5 was seen/,
    message: signed({ version: 4 }),
  },
  { what: 'a version used twice', code: 'version-reused', reason: /version 5/, message: signed({ version: 5 }) },
  {
    what: 'past its exp',
    code: 'expired',
    reason: /exp was/,
    message: (key) => signedDocument(key, good({ iat: nowS() - 100, payload: { exp: nowS() - 10 } })).jws,
  },
  {
    what: 'from the future',
    code: 'from-future',
    reason: /signed at/,
    message: (key) => signedDocument(key, good({ iat: nowS() + 3600 })).jws,
  },
  {
    what: 'content against the schema',
    code: 'schema',
    reason: /aim\.json.*hold_ms/,
    message: signed({ version: 6, files: { [NAME]: '{"hold_ms": "long"}\n' } }),
  },
  {
    what: 'content that is no JSON',
    code: 'schema',
    reason: /aim\.json/,
    message: signed({ version: 7, files: { [NAME]: '{"hold_ms": ' } }),
  },
  {
    ...{ what: 'a config that is not managed', code: 'not-managed', reason: /passwd/ },
    ...{ topic: 'v1/grp/canary/desired/passwd/base', message: signed({ config: 'passwd' }) },
  },
  {
    what: 'a file the config does not have',
    code: 'incomplete',
    reason: /shadow\.conf/,
    message: signed({ files: { [NAME]: '{"hold_ms": 1}', 'shadow.conf': 'x' } }),
  },
  {
    ...{ what: 'a set that is not whole', code: 'incomplete', reason: /b\.conf is missing/ },
    ...{ topic: 'v1/grp/canary/desired/pair/base', message: signed({ config: 'pair', files: { 'a.conf': 'x' } }) },
  },
  {
    what: 'a path for a name',
    code: 'malformed',
    reason: /files\[0\]\.name: .*path/,
    message: signed({ files: { '../aim.json': 'x' } }),
  },
  {
    ...{ what: 'content that is not what its digest says', code: 'digest-mismatch', reason: /aim\.json/ },
    message: signed({
      payload: { files: [{ name: NAME, digest: `sha256:${'0'.repeat(64)}`, encoding: 'utf8', content: 'x' }] },
    }),
  },
  {
    what: 'larger than a message may be',
    code: 'too-large',
    reason: /131072/,
    message: () => 'x'.repeat(128 * 1024 + 1),
  },
  {
    what: 'garbage',
    code: 'malformed',
    reason: /three/,
    message: () => Buffer.from([0, 255, 10, 13, 27, 91, 51, 49, 109]),
  },
  { what: 'garbage in three parts', code: 'malformed', reason: /header/, message: () => 'aaaa.bbbb.cccc' },
  {
    ...{ what: 'JSON nested too deep', code: 'malformed', reason: /nested deeper/ },
    message: signedText(
      (payload) => `{"note":${'['.repeat(5000)}${']'.repeat(5000)},${JSON.stringify(payload).slice(1)}`,
    ),
  },
  {
    what: '__proto__',
    code: 'malformed',
    reason: /__proto__/,
    message: signedText((payload) => `{"__proto__":{"v":1},${JSON.stringify(payload).slice(1)}`),
  },
  {
    what: 'a key twice',
    code: 'malformed',
    reason: /version/,
    message: signedText((payload) => `{"version":99,${JSON.stringify(payload).slice(1)}`),
  },
  { what: 'an unknown field', code: 'unknown-field', reason: /hurry/, message: signed({ payload: { hurry: true } }) },
  { what: 'another format', code: 'unsupported-format', reason: /v: 2/, message: signed({ payload: { v: 2 } }) },
  {
    what: 'a base with an end',
    code: 'malformed',
    reason: /until/,
    message: signed({ payload: { until: nowS() + 60 } }),
  },
];

t.test('refused with its code, the file untouched, and reported', { timeout: 240_000 }, async (t) => {
  const dir = workDir(t);
  const broker = await startMosquitto(t);
  const ear = await openFleetEar(t, broker);
  const key = opensslKey(join(dir, 'key'));
  const stranger = opensslKey(join(dir, 'stranger'), 'stranger');
  const schema = join(dir, 'schema.json');
  writeFileSync(schema, JSON.stringify({ type: 'object', properties: { hold_ms: { type: 'integer' } } }));
  const configs = { aim: { [NAME]: BEFORE }, pair: { 'a.conf': 'a', 'b.conf': 'b' } };
  const device = makeDevice(join(dir, 'device'), {
    ...{ url: broker.url, keys: [key], configs, heartbeatS: 1 },
    formats: { [NAME]: { format: 'json', schema } },
  });
  const agent = start(['run', '--settings', device.settings]);
  t.teardown(() => agent.stop('SIGKILL'));
  await agent.line('connected and subscribed');
  // Version 5 is what later ones are compared with.
  const first = signedDocument(key, good({ version: 5, files: { [NAME]: '{"hold_ms": 700}\n' } }));
  await mosquittoPub(broker, `fleet/${first.topic}`, first.jws);
  await ear.hears('fleet', ({ body }) => body.update === first.id && body.event === 'applied');
  const path = join(device.etc, NAME);
  const untouched = () => {
    const { mtimeMs, ctimeMs, ino } = statSync(path);
    return { mtimeMs, ctimeMs, ino, text: readFileSync(path, 'utf8') };
  };
  const before = untouched();
  const counted = new Map<string, number>();

  for (const { what, code, reason, topic = GROUP, message } of CASES) {
    const since = ear.heard('fleet').at(-1)?.seq ?? 0;
    await mosquittoPub(broker, `fleet/${topic}`, message(key, stranger));
    const refusal = (heard: Heard) => heard.seq > since && heard.body.event === 'refused';
    const said = await ear.hears('fleet', refusal, 20_000).catch(() => null);
    t.match(said?.body, { event: 'refused', code, reason, final: true }, `${what}: ${code}`);
    counted.set(code, (counted.get(code) ?? 0) + 1);
  }
  t.same(untouched(), before, 'the file was not touched: not its bytes, its times, nor its inode');
  const refusals = () => ear.heard('fleet').filter(({ body }) => body.event === 'refused').length;
  t.equal(refusals(), CASES.length, 'one event each');
  // The last new one for this device is the last attempt; what nobody trusted signed, what is old and what is for others changes nothing.
  const tried = ({ kind, text }: Heard) =>
    kind === 'reported' && JSON.parse(text).last_attempt?.code === 'digest-mismatch';
  const last = await ear.hears('fleet', tried, 20_000);
  t.match(JSON.parse(last.text), {
    ...{ running: { version: 5, layer: 'base', address: 'grp/canary' }, pending: null },
    last_attempt: { version: 10, result: 'refused' },
  });
  const beats = await mosquittoSub(t, broker, ['fleet/v1/dev/drone-7/hb']);
  const beat = await beats.next(() => true);
  t.same(JSON.parse(beat.payload.toString()).counters.refused, Object.fromEntries(counted), 'each is counted');
});
