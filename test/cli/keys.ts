import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command } from '../../agent/cli/keys.ts';
import { runCommand } from '../fixtures/command.ts';

t.test('new makes a pair, list shows it', async (t) => {
  const dir = t.testdir();
  const made = await runCommand(command, ['new', 'night-shift', '--out', dir]);
  t.match(made, {
    code: 0,
    out: /^night-shift-[0-9a-f]{8}\n {2}private {2}.*night-shift\.key\.json .*\n {2}public .*night-shift\.pub\.json/,
  });
  t.equal(statSync(join(dir, 'night-shift.key.json')).mode & 0o777, 0o600);
  const files = [join(dir, 'night-shift.key.json'), join(dir, 'night-shift.pub.json')];
  const listed = await runCommand(command, ['list', ...files]);
  t.match(listed, { code: 0, out: /private .*\n.*public push/ });
  const { out } = await runCommand(command, ['list', ...files, '--json']);
  t.match(JSON.parse(out), [
    { kind: 'private', may: null },
    { kind: 'public', role: 'push', nbf: null, may: { addresses: null, end_holder: false } },
  ]);
  t.match(await runCommand(command, ['new', 'night-shift', '--out', dir]), { code: 1, err: /is there already\nTry: / });
  t.match(JSON.parse((await runCommand(command, ['new', 'b', '--out', dir, '--json'])).out), {
    kid: /^b-/,
    private: /b\.key/,
  });
});

t.test('a root key is made and shown as one', async (t) => {
  const dir = t.testdir();
  t.match(await runCommand(command, ['new', 'safe', '--root', '--out', dir]), { code: 0, out: /keep it offline/ });
  const listed = await runCommand(command, ['list', join(dir, 'safe.key.json'), join(dir, 'safe.pub.json')]);
  t.match(listed.out, /private root .*\n.*public root /);
});

t.test('limits are shown', async (t) => {
  const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo';
  const may = { addresses: ['grp/canary'], configs: ['aim'], end_holder: true };
  const path = join(t.testdir(), 'keys.json');
  writeFileSync(path, JSON.stringify({ keys: [{ kty: 'OKP', crv: 'Ed25519', kid: 'k', x, nbf: 1, exp: 2000, may }] }));
  const { out } = await runCommand(command, ['list', path]);
  t.match(
    out,
    /from 1970-01-01T00:00:01\.000Z {2}until 1970-01-01T00:33:20\.000Z {2}only addresses grp\/canary {2}only configs aim {2}may end_holder/,
  );
});

t.test('wrong words', async (t) => {
  for (const argv of [
    [],
    ['old'],
    ['new'],
    ['new', 'a/b'],
    ['new', 'a', 'b'],
    ['list'],
    ['list', '/nowhere/k'],
    ['new', 'a', '--bits', '4096'],
  ]) {
    t.match(await runCommand(command, argv), { code: 2, out: '', err: /\nTry: / }, argv.join(' '));
  }
});
