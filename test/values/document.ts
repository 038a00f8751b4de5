import fc from 'fast-check';
import t from 'tap';
import { parseUpdate, updatePayload, whyNoBaseName } from '../../agent/values/document.ts';
import type { Update } from '../../agent/values/update.ts';

const DIGEST = `sha256:${'0a'.repeat(32)}`;
const FILE = { name: 'aim.conf', digest: DIGEST, encoding: 'utf8', content: 'x=1\n' };
const BASE = { v: 1, id: 'u-1', aud: 'grp/canary', config: 'aim', layer: 'base', version: 3, iat: 1000, files: [FILE] };
const SHADOW = { ...BASE, layer: 'shadow', until: 2000 };

function said(payload: unknown): string {
  const result = parseUpdate(payload);
  return 'kind' in result ? `${result.code}: ${result.reason}` : 'taken';
}
function codeOf(payload: unknown): string | null {
  const result = parseUpdate(payload);
  return 'kind' in result ? result.code : null;
}
const base = (change: object) => said({ ...BASE, ...change });
const file = (change: object) => said({ ...BASE, files: [{ ...FILE, ...change }] });

t.test('what is right is taken', async (t) => {
  t.same(parseUpdate(BASE), { ...BASE, withdraw: false });
  t.equal(said(SHADOW), 'taken');
  t.equal(said({ ...SHADOW, exp: 5, expect: { digest: DIGEST, token: 0 }, rollout: 'r', note: 'ü' }), 'taken');
  const { files, ...empty } = BASE;
  t.same(parseUpdate({ ...empty, withdraw: true }), { ...empty, withdraw: true, files: [] });
  t.equal(said({ ...empty, layer: 'shadow', withdraw: true }), 'taken', 'a withdrawal of a shadow needs no end');
  t.equal(file({ encoding: 'base64', content: 'AAE=' }), 'taken');
  t.equal(file({ encoding: 'base64', content: '' }), 'taken');
  t.equal(file({ content: '\u{1f512}' }), 'taken');
});

t.test('each kind of wrong has its code', async (t) => {
  t.equal(codeOf({ ...BASE, v: 2 }), 'unsupported-format');
  t.equal(codeOf({ ...BASE, extra: 1 }), 'unknown-field');
  t.equal(codeOf({ ...BASE, files: [{ ...FILE, url: 'https://h/x' }] }), 'malformed', 'content and an address');
  t.equal(codeOf({ ...BASE, files: [FILE, FILE] }), 'incomplete');
  t.equal(codeOf({ ...BASE, version: 0 }), 'malformed');
  t.equal(codeOf(BASE), null);
});

t.test('the format version comes first', async (t) => {
  t.equal(said({ v: 2, everything: 'else' }), 'unsupported-format: v: 2, this agent reads 1');
  t.equal(said({ v: '1' }), 'malformed: v: expected 1');
  t.equal(said({}), 'malformed: v: expected 1');
  for (const payload of [null, 7, 'x', [], undefined])
    t.equal(said(payload), 'malformed: document: expected an object');
});

t.test('unknown fields, anywhere', async (t) => {
  t.equal(base({ extra: 1 }), 'unknown-field: extra: not a field of an update');
  t.equal(base({ expect: { digest: DIGEST, size: 1 } }), 'unknown-field: expect.size: not a field of an update');
  t.equal(file({ mode: 420 }), 'unknown-field: files[0].mode: not a field of an update');
  t.equal(said(JSON.parse('{"v":1,"__proto__":{"id":"x"}}')), 'unknown-field: __proto__: not a field of an update');
});

t.test('a file may be one that is to be absent', async (t) => {
  const absent = (more: object = {}) => base({ files: [{ name: 'gone.conf', absent: true, ...more }] });
  t.equal(absent(), 'taken');
  t.equal(absent({ absent: false }), 'malformed: files[0].absent: expected true, or nothing');
  for (const key of ['digest', 'encoding', 'content', 'url', 'size'])
    t.equal(absent({ [key]: '' }), `malformed: files[0].${key}: a file that is to be absent has none`);
  t.match(absent({ name: '..' }), 'malformed: files[0].name: ');
});

t.test('a file may be one that is to be fetched', async (t) => {
  const MIB = 1024 * 1024;
  const remote = { name: 'map.bin', digest: DIGEST, url: 'https://files.example/map.bin', size: 8 * MIB };
  const by = (more: object) => base({ files: [{ ...remote, ...more }] });
  t.equal(by({}), 'taken');
  t.equal(by({ size: 0 }), 'taken');
  t.equal(by({ encoding: 'utf8' }), 'malformed: files[0].encoding: a file by url has none');
  t.equal(by({ url: undefined }), 'malformed: files[0].size: only for a file by url');
  t.equal(file({ size: 1 }), 'malformed: files[0].size: only for a file by url');
  t.match(by({ url: 7 }), 'malformed: files[0].url: expected a text');
  t.match(by({ url: 'ftp://x/y' }), 'malformed: files[0].url: expected https://');
  for (const size of [-1, 1.5, '9', undefined]) t.match(by({ size }), 'malformed: files[0].size: ');
  t.match(by({ digest: 'md5:1' }), 'malformed: files[0].digest: ');
  t.match(by({ size: 8 * MIB + 1 }), 'too-large: files: 8388609 bytes are to be fetched');
  const two = base({ files: [remote, { ...remote, name: 'b', size: 1 }] });
  t.match(two, 'too-large: files: 8388609 bytes are to be fetched');
});

t.test('each key has its rule', async (t) => {
  for (const key of ['id', 'aud', 'config', 'layer', 'version', 'iat']) {
    const { [key]: _, ...rest }: Record<string, unknown> = BASE;
    t.equal(said(rest), `malformed: ${key}: is missing`);
    t.match(base({ [key]: null }), `malformed: ${key}: `);
  }
  for (const id of ['', 'a b', 'x'.repeat(65)]) t.match(base({ id }), 'malformed: id: ');
  for (const aud of ['dev', 'dev/', 'dev/a/b', 'ALL', 'grp/*', 'dev/../x'])
    t.match(base({ aud }), 'malformed: aud: ', aud);
  for (const config of ['', 'a.b', '../x', 'x'.repeat(65)]) t.match(base({ config }), 'malformed: config: ');
  for (const version of [0, -1, 1.5, 2 ** 53, '3', Number.NaN]) t.match(base({ version }), 'malformed: version: ');
  for (const key of ['iat', 'exp']) {
    for (const time of [0, -5, 1e15, 1.5, '2026']) t.match(base({ [key]: time }), `malformed: ${key}: `);
  }
  t.match(base({ note: 'x'.repeat(1025) }), 'malformed: note: ');
  t.match(base({ rollout: 'a b' }), 'malformed: rollout: ');
  t.match(base({ expect: {} }), 'malformed: expect: ');
  t.match(base({ expect: { digest: 'sha256:0' } }), 'malformed: expect.digest: ');
  t.match(base({ expect: { token: -1 } }), 'malformed: expect.token: ');
});

t.test('layers and withdrawals', async (t) => {
  t.equal(base({ until: 5 }), 'malformed: until: only a shadow ends');
  t.equal(base({ layer: 'shadow' }), 'malformed: until: is missing: a shadow needs it');
  t.match(said({ ...SHADOW, until: 'later' }), 'malformed: until: ');
  t.equal(base({ withdraw: true }), 'malformed: files: a withdrawal has no files');
  t.equal(base({ withdraw: false }), 'malformed: withdraw: expected true, or nothing');
  t.equal(base({ files: undefined }), 'malformed: files: is missing');
  t.equal(base({ files: [] }), 'malformed: files: expected a list of files');
});

t.test('files', async (t) => {
  for (const name of ['', '.', '..', '/etc/passwd', 'a/b', '../a', 'a\u0000b', 'a\nb', '\ud800', 'ä'.repeat(128), 7]) {
    t.match(file({ name }), 'malformed: files[0].name: ', JSON.stringify(name).slice(0, 20));
  }
  t.equal(whyNoBaseName('ä'.repeat(127)), null);
  t.match(file({ digest: DIGEST.toUpperCase() }), 'malformed: files[0].digest: ');
  t.match(file({ encoding: 'hex' }), 'malformed: files[0].encoding: ');
  t.match(file({ content: 7 }), 'malformed: files[0].content: ');
  t.match(file({ content: 'a\ud800b' }), 'malformed: files[0].content: half a character');
  for (const content of ['A', 'AA', 'AAA', 'AA=', 'AAE', 'AAF=', 'AB==', 'A A=', 'AA-_', 'AAE=\n', '====']) {
    t.match(file({ encoding: 'base64', content }), 'malformed: files[0].content: expected base64', content);
  }
  t.match(said({ ...BASE, files: [FILE, FILE] }), 'incomplete: files[1].name: aim.conf is listed twice');
  t.match(said({ ...BASE, files: [FILE, 7] }), 'malformed: files[1]: expected an object');
});

t.test('confirm and retry', async (t) => {
  const confirm = (value: unknown) => said({ ...BASE, confirm: value });
  for (const by of ['link', 'fleet']) {
    const good = { within_s: 60, by };
    t.same(parseUpdate({ ...BASE, confirm: good }), { ...parseUpdate(BASE), confirm: good });
  }
  t.match(confirm({ by: 'link' }), 'malformed: confirm.within_s: ');
  t.match(confirm({ within_s: 4, by: 'link' }), 'malformed: confirm.within_s: expected a whole number from 5');
  t.match(confirm({ within_s: 60, by: 'me' }), 'malformed: confirm.by: expected link or fleet');
  t.match(confirm({ within_s: 60, by: 'link', x: 1 }), 'unknown-field: confirm.x');
  t.match(confirm(60), 'malformed: confirm: expected an object');
  t.match(parseUpdate({ ...BASE, retry: true }), { retry: true });
  for (const retry of [false, 1, 'yes']) t.match(said({ ...BASE, retry }), 'malformed: retry: ');
});

t.test('when', async (t) => {
  const WINDOW = { cron: '0 2 * * *', minutes: 60, tz: 'Europe/Berlin' };
  const when = (value: unknown) => said({ ...BASE, when: value });
  for (const good of [{ window: WINDOW }, { vehicle: 'safe' }, { window: WINDOW, vehicle: 'safe' }]) {
    t.same(parseUpdate({ ...BASE, when: good }), { ...parseUpdate(BASE), when: good });
  }
  t.match(when({}), 'malformed: when: expected window or vehicle');
  t.match(when({ vehicle: 'any' }), 'malformed: when.vehicle: expected safe');
  t.match(when({ vehicle: 'safe', more: 1 }), 'unknown-field: when.more');
  t.match(when({ window: 7 }), 'malformed: when.window: expected an object');
  t.match(when({ window: { ...WINDOW, cron: 7 } }), 'malformed: when.window.cron: ');
  t.match(
    when({ window: { ...WINDOW, cron: '61 * * * *' } }),
    'malformed: when.window: cron: minute: expected 0 to 59',
  );
  t.match(when({ window: { ...WINDOW, minutes: '60' } }), 'malformed: when.window.minutes: ');
  t.match(when({ window: { ...WINDOW, minutes: 1e9 } }), 'malformed: when.window: minutes: ');
  t.match(when({ window: { ...WINDOW, tz: undefined } }), 'malformed: when.window.tz: ');
  t.match(when({ window: { ...WINDOW, tz: 'Mars/Olympus' } }), 'malformed: when.window: tz: ');
  t.match(when({ window: { ...WINDOW, until: 5 } }), 'unknown-field: when.window.until');
});

const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const time = fc.integer({ min: 1, max: 253_402_300_799 });
const digest = fc.stringMatching(/^[0-9a-f]{64}$/).map((hex) => `sha256:${hex}`);
const content = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text) => ({ encoding: 'utf8' as const, content: text })),
  fc.uint8Array().map((bytes) => ({ encoding: 'base64' as const, content: Buffer.from(bytes).toString('base64') })),
);
const files = fc.uniqueArray(
  fc.record({ name, digest, body: content }).map(({ name, digest, body }) => ({ name, digest, ...body })),
  { minLength: 1, maxLength: 4, selector: (each) => each.name },
);
const update: fc.Arbitrary<Update> = fc
  .record({
    id: name,
    aud: fc.oneof(
      name.map((id) => `dev/${id}` as const),
      name.map((group) => `grp/${group}` as const),
      fc.constant('all' as const),
    ),
    config: name,
    version: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    iat: time,
    end: fc.constantFrom({ layer: 'base' as const }, { layer: 'shadow' as const, until: 99 }),
    what: fc.oneof(
      files.map((list) => ({ withdraw: false, files: list })),
      fc.constant({ withdraw: true, files: [] }),
    ),
    more: fc.record(
      {
        exp: time,
        expect: fc.record({ digest }),
        when: fc.constant({ vehicle: 'safe' as const }),
        rollout: name,
        note: fc.string(),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ end, what, more, ...rest }) => ({ v: 1, ...rest, ...end, ...what, ...more }));

t.test('what is signed is what is read', async (t) => {
  fc.assert(
    fc.property(update, (each) => {
      t.same(parseUpdate(JSON.parse(JSON.stringify(updatePayload(each)))), each);
    }),
    { numRuns: 100 },
  );
});

t.test('anything else is refused, with a reason that names a place, and nothing is thrown', async () => {
  const place = /^[A-Za-z0-9_.[\]?…\x20-\x7e-]+: /;
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true }), (value) => {
      const result = parseUpdate(value);
      return 'kind' in result && place.test(result.reason);
    }),
  );
  fc.assert(
    fc.property(update, fc.constantFrom(...Object.keys(BASE)), fc.anything(), (each, key, value) => {
      const result = parseUpdate({ ...updatePayload(each), [key]: value });
      return !('kind' in result) || place.test(result.reason);
    }),
  );
});
