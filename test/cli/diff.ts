import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command } from '../../agent/cli/diff.ts';
import { sha256Hex } from '../fixtures/device.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { run } from '../fixtures/locksmith.ts';
import { type LoneDevice, loneDevice } from '../fixtures/lone-device.ts';

const apply = async (device: LoneDevice, version: number, files: Readonly<Record<string, string>>, more = {}) =>
  device.locksmith(['apply', '-'], device.sign({ version, files, ...more }).jws);

/** The lines without the two that name the files, and what stands in those behind the name. */
function parts(stdout: string) {
  const lines = stdout.split('\n');
  return { titles: lines.slice(0, 2).map((line) => line.split('\t')[1] ?? ''), rest: lines.slice(2).join('\n') };
}

t.test('by an update, by hand, and back to what was before Locksmith', async (t) => {
  const device = loneDevice(t);
  const path = join(device.etc, 'aim.conf');
  t.match(await device.locksmith(['diff', 'aim']), { code: 4, stderr: /aim is as it was before Locksmith\nTry: / });
  await apply(device, 1, { 'aim.conf': 'hold = 500\nrate = 1\n' });
  await apply(device, 2, { 'aim.conf': 'hold = 800\nrate = 1\n' });

  const last = await device.locksmith(['diff', 'aim']);
  t.equal(last.code, 0);
  const { titles, rest } = parts(last.stdout);
  t.match(titles, [
    /^base version 1 for grp\/canary, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/,
    /^base version 2 for grp\/canary, .* UTC$/,
  ]);
  t.equal(rest, '@@ -1,2 +1,2 @@\n-hold = 500\n+hold = 800\n rate = 1\n');
  t.equal((await device.locksmith(['diff', 'aim', '2'])).stdout, last.stdout, 'that is what version 2 changed');

  const first = parts((await device.locksmith(['diff', 'aim', '1'])).stdout);
  t.match(first.titles, [/^as it was before Locksmith, /, /^base version 1 /]);
  t.equal(first.rest, '@@ -1 +1,2 @@\n hold = 500\n+rate = 1\n');

  writeFileSync(path, 'hold = 900\nrate = 1\n');
  const hand = parts((await device.locksmith(['diff', 'aim'])).stdout);
  t.match(hand.titles, [/^base version 2 /, 'on disk now']);
  t.match(hand.rest, '-hold = 800\n+hold = 900\n');
  const since = await device.locksmith(['diff', 'aim', '0', 'disk']);
  t.match(parts(since.stdout).rest, '-hold = 500\n+hold = 900\n+rate = 1\n');
  t.equal((await device.locksmith(['diff', 'aim', '0'])).stdout, since.stdout, 'nothing came before it');
  t.match(parts((await device.locksmith(['diff', 'aim', '2', '1'])).stdout).rest, '-hold = 800\n+hold = 500\n');

  const same = await device.locksmith(['diff', 'aim', '1', '1']);
  t.match(same, { code: 4, stdout: '', stderr: /^no difference: base version 1 .* → base version 1 / });
  t.match(await device.locksmith(['diff', 'aim', '7']), { code: 4, stderr: /no content of aim version 7 is kept/ });
  t.match(await device.locksmith(['diff', 'aim', 'two']), { code: 2, stderr: /expected a version, found 'two'/ });
  t.match(await device.locksmith(['diff', 'nav']), { code: 4, stderr: /there is no config 'nav'/ });

  await apply(device, 3, { 'aim.conf': 'hold = 1\n' });
  const over = parts((await device.locksmith(['diff', 'aim'])).stdout);
  t.match(over.titles, [/^edited by hand, /, /^base version 3 /], 'the edit was kept, and was what version 3 replaced');
});

t.test('what a waiting update would change', async (t) => {
  const device = loneDevice(t);
  await apply(device, 1, { 'aim.conf': 'one\n' });
  const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  await apply(device, 2, { 'aim.conf': 'two\n' });
  const { titles, rest } = parts((await device.locksmith(['diff', 'aim', '2'])).stdout);
  t.match(titles, [/^base version 1 /, 'base version 2 for grp/canary (not applied yet)']);
  t.equal(rest, '@@ -1 +1 @@\n-one\n+two\n');
  await holder.end();
});

t.test('as other programs read it, whatever stands in the lines', async (t) => {
  const lines = (...some: readonly string[]) => some.map((line) => `${line}\n`).join('');
  const texts = [
    lines(...Array.from({ length: 40 }, (_, n) => `line ${n}`)),
    lines(...Array.from({ length: 40 }, (_, n) => (n % 13 === 5 ? `changed ${n}` : `line ${n}`)), 'more'),
    'no end of line',
    '',
    lines('äöü ✓', '\ttab'),
  ];
  const device = loneDevice(t, { configs: { aim: { 'aim.conf': texts[0] ?? '' } } });
  for (const [index, text] of texts.entries()) if (index > 0) await apply(device, index, { 'aim.conf': text });
  for (const version of [1, 2, 3, 4]) {
    const { stdout } = await device.locksmith(['diff', 'aim', `${version}`]);
    writeFileSync(join(device.dir, 'aim.conf'), texts[version - 1] ?? '');
    execFileSync('git', ['apply', '-p0', '-'], { input: stdout, cwd: device.dir });
    t.equal(readFileSync(join(device.dir, 'aim.conf'), 'utf8'), texts[version], `version ${version}`);
  }
  await apply(device, 5, { 'aim.conf': 'bell \u0007, clear \u001b[2J, cr\r\n' });
  t.match((await device.locksmith(['diff', 'aim'])).stdout, '+bell \\u{7}, clear \\u{1b}[2J, cr\\r\n');
});

t.test('several files; one that is not text, one that was not there', async (t) => {
  const device = loneDevice(t, { configs: { set: { 'a.conf': 'a\n', 'b.bin': 'b', 'c.conf': null } } });
  await apply(device, 1, { 'a.conf': 'a\n', 'b.bin': 'b\u0000b', 'c.conf': 'c\n' }, { config: 'set' });
  const { stdout } = await device.locksmith(['diff', 'set']);
  t.notMatch(stdout, 'a.conf', 'it is the same');
  t.match(stdout, `sha256:${sha256Hex('b')} (1 bytes) → sha256:${sha256Hex('b\u0000b')} (3 bytes): not text\n`);
  t.match(
    stdout,
    /^--- \/dev\/null\tas it was before Locksmith.*\n\+\+\+ c\.conf\tbase version 1 .*\n@@ -0,0 \+1 @@\n\+c\n/m,
  );
  const json = JSON.parse((await device.locksmith(['diff', 'set', '--json'])).stdout);
  t.match(json, {
    config: 'set',
    before: { what: 'as it was before Locksmith', digest: /^sha256:/ },
    after: { what: 'base version 1 for grp/canary', at: /Z$/ },
    files: [
      { name: 'b.bin', before: { bytes: 1 }, after: { bytes: 3 }, shown: { kind: 'binary' } },
      { name: 'c.conf', before: null, after: { bytes: 2 }, shown: { kind: 'lines', hunks: [{ lines: ['+c'] }] } },
    ],
  });
});

t.test('lines only of what everybody may read, or for root', async (t) => {
  const device = loneDevice(t, { configs: { set: { 'open.conf': 'a\n', 'secret.conf': 'password = 1\n' } } });
  chmodSync(join(device.etc, 'secret.conf'), 0o640);
  await apply(device, 1, { 'open.conf': 'b\n', 'secret.conf': 'password = 2\n' }, { config: 'set' });
  t.match((await device.locksmith(['diff', 'set'])).stdout, '+password = 2');
  const nobody = 65534;
  const give = (dir: string) => {
    chownSync(dir, nobody, nobody);
    for (const entry of readdirSync(dir, { withFileTypes: true }))
      if (entry.isDirectory()) give(join(dir, entry.name));
      else chownSync(join(dir, entry.name), nobody, nobody);
  };
  give(device.state);
  give(device.etc);
  chmodSync(device.dir, 0o755);
  const under = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
  const { stdout } = await run(['diff', 'set', '--settings', device.settings], { under });
  t.match(stdout, '-a\n+b\n');
  chmodSync(device.etc, 0o700);
  const closed = await run(['diff', 'set', '--settings', device.settings], { under });
  t.notMatch(closed.stdout, '+b', 'a directory on the way is for its owner alone');
  t.match(closed.stdout, 'open.conf');
  t.notMatch(stdout, 'password');
  t.match(stdout, `→ sha256:${sha256Hex('password = 2\n')} (13 bytes): not everybody may read this file`);
});

t.test('coloured only where colour may be used', async (t) => {
  const device = loneDevice(t);
  await apply(device, 1, { 'aim.conf': 'hold = 800\n' });
  const shown = async (colour: boolean) => {
    const out: string[] = [];
    const terminal = { out: (text: string) => void out.push(text), err: () => {}, live: false, columns: null, env: {} };
    await command.run(['aim', '--settings', device.settings], { ...terminal, colour });
    return out.join('');
  };
  const plain = await shown(false);
  const coloured = await shown(true);
  t.notMatch(plain, '\u001b');
  t.match(coloured, '\u001b[31m-hold = 500\u001b[0m\n\u001b[32m+hold = 800\u001b[0m\n');
  t.equal(coloured.replaceAll(new RegExp(`${'\u001b'}\\[\\d+m`, 'g'), ''), plain);
});
