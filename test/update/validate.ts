import { renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostFiles } from '../../agent/host/files.ts';
import { hostParsers } from '../../agent/host/parsers.ts';
import type { ConfigSettings } from '../../agent/settings-schema.ts';
import { openValidator } from '../../agent/update/validate.ts';

type File = ConfigSettings['files'][number];
const rate = { type: 'object', properties: { rate: { type: 'number', minimum: 1 } }, additionalProperties: false };
const open = () => openValidator(hostFiles(), hostParsers);

/** Asks about a text; the reason of the refusal, or null. */
async function ask(validator: ReturnType<typeof open>, format: File['format'], text: string, schema?: string) {
  const file = { path: '/etc/aim.conf', format, follow: false, ...(schema === undefined ? {} : { schema }) };
  const refusal = await validator.check(file, 'aim.conf', Buffer.from(text, 'latin1'));
  if (refusal === null) return null;
  return refusal.code === 'schema' && refusal.final ? refusal.reason : `wrong refusal ${JSON.stringify(refusal)}`;
}

t.test('every format, good and bad, with and without a schema', async (t) => {
  const schema = join(t.testdir({ schema: JSON.stringify(rate) }), 'schema');
  const validator = open();
  const table: readonly (readonly [File['format'], string, string, string])[] = [
    ['json', '{"rate":5}', '{"rate":', '{"rate":0}'],
    ['yaml', 'rate: 5\n', 'rate: [', 'rate: five\n'],
    ['toml', 'rate = 5\n', 'rate = \n', 'rate = true\n'],
    ['ini', 'rate = 5\n', 'rate = 5\nrate = 6\n', 'rate = five\n'],
  ];
  for (const [format, good, bad, unfit] of table) {
    t.equal(await ask(validator, format, good, schema), null, format);
    t.match(await ask(validator, format, bad, schema), new RegExp(`^aim.conf: cannot be read as ${format}: `), bad);
    t.match(await ask(validator, format, unfit, schema), /^aim.conf: \/rate must be /, unfit);
    t.equal(await ask(validator, format, unfit), null, 'without a schema only the format counts');
    t.match(await ask(validator, format, `${good}\xff`), /cannot be read as/, 'not UTF-8');
  }
  t.equal(await ask(validator, 'text', '\xff\x00'), null, 'plain text may be anything');
  t.match(await ask(validator, 'text', '', schema), /a schema needs a format/);
  t.match(await ask(validator, 'json', '{"colour":1}', schema), /additional properties \('colour'\)/);
});

t.test('one schema for an ini and a json file: each is read its own way', async (t) => {
  const schema = join(t.testdir({ schema: JSON.stringify(rate) }), 'schema');
  const validator = open();
  t.equal(await ask(validator, 'ini', 'rate = 5\n', schema), null);
  t.match(await ask(validator, 'json', '{"rate":"5"}', schema), /must be number/);
  t.equal(await ask(validator, 'ini', 'rate = 5\n', schema), null);
});

t.test('a schema that changes counts at once, also behind a link', async (t) => {
  const dir = t.testdir({ schema: JSON.stringify(rate) });
  const [schema, link] = [join(dir, 'schema'), join(dir, 'link')];
  symlinkSync('schema', link);
  const validator = open();
  for (const path of [schema, link]) t.equal(await ask(validator, 'json', '{"rate":5}', path), null);
  writeFileSync(join(dir, 'next'), JSON.stringify({ ...rate, required: ['more'] }));
  renameSync(join(dir, 'next'), schema);
  for (const path of [schema, link]) t.match(await ask(validator, 'json', '{"rate":5}', path), /'more'/);
});

t.test('a schema that cannot be used lets nothing through', async (t) => {
  const dir = t.testdir({
    broken: '{',
    list: '[1]',
    bad: JSON.stringify({ type: 'nonsense' }),
    remote: JSON.stringify({ $ref: 'http://127.0.0.1/other.json' }),
    waits: JSON.stringify({ $async: true, type: 'object' }),
    utf16: Buffer.from('\ufeff{}', 'utf16le'),
  });
  const validator = open();
  for (const name of ['none', 'broken', 'bad', 'remote', 'waits', 'utf16']) {
    t.match(await ask(validator, 'json', '{"rate":5}', join(dir, name)), /cannot be used: /, name);
  }
});

t.test('the edition a schema says it is in', async (t) => {
  const dir = t.testdir({
    seven: JSON.stringify({
      $schema: 'http://json-schema.org/draft-07/schema#',
      definitions: { a: rate },
      $ref: '#/definitions/a',
    }),
    twenty: JSON.stringify({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $defs: { a: rate },
      $ref: '#/$defs/a',
    }),
  });
  for (const name of ['seven', 'twenty']) {
    t.equal(await ask(open(), 'json', '{"rate":5}', join(dir, name)), null, name);
    t.match(await ask(open(), 'json', '{"rate":0}', join(dir, name)), /must be >= 1/, name);
  }
});

t.test('a reason stays one short line, whatever the names in a document', async (t) => {
  const schema = join(t.testdir({ schema: JSON.stringify({ additionalProperties: { type: 'number' } }) }), 'schema');
  const strict = join(t.testdir({ schema: JSON.stringify({ additionalProperties: false }) }), 'schema');
  const name = JSON.stringify(`\u001b[2J\n${'x'.repeat(100_000)}`);
  for (const path of [schema, strict]) {
    t.match(await ask(open(), 'json', `{${name}:"x"}`, path), /^\P{Cc}{1,900}$/u);
  }
  t.match(await ask(open(), 'yaml', `a: 1\n${'x'.repeat(100_000)}\nb`), /^\P{Cc}{1,900}$/u);
});
