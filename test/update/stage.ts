import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostTargets } from '../../agent/host/targets.ts';
import type { ConfigSettings } from '../../agent/settings-schema.ts';
import { digestOf } from '../../agent/update/content.ts';
import { discard, stage, validate, withFiles } from '../../agent/update/stage.ts';
import { refuse } from '../../agent/values/errors.ts';
import { configDir } from '../fixtures/config-files.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const content = (name: string, text: string) => ({ name, bytes: bytes(text), digest: digestOf(bytes(text), sha256) });

/** A config of files in a directory of its own. */
function config(t: { teardown(fn: () => void): void }, ...names: readonly string[]) {
  const [dir, remove] = configDir();
  t.teardown(remove);
  for (const name of names) writeFileSync(join(dir, name), `old ${name}`);
  const files = names.map((name) => ({ path: join(dir, name), format: 'text', follow: false }) as const);
  const settings: ConfigSettings = { files, on_hot: 'wait', on_drift: 'report', generations: 10, writers: [] };
  return { dir, settings };
}
const openFds = () => readdirSync('/proc/self/fd').length;

t.test('every file of the config is staged beside its own, none is touched', async (t) => {
  const { dir, settings } = config(t, 'a', 'b', 'c');
  const fds = openFds();
  await withFiles(hostTargets(), settings, async (open) => {
    t.same(
      open.map(({ name }) => name),
      ['a', 'b', 'c'],
    );
    const gone = { name: 'c', bytes: null, digest: null };
    const staged = await stage(open, [gone, content('b', 'new b'), content('a', 'new a')]);
    t.match(staged, [
      { name: 'a', digest: digestOf(bytes('new a'), sha256) },
      { name: 'b', digest: digestOf(bytes('new b'), sha256) },
      { name: 'c', digest: null, staged: null },
    ]);
    t.equal(readdirSync(dir).length, 5);
    for (const { name, staged: own } of staged) {
      if (own !== null) t.equal(readFileSync(join(dir, own), 'utf8'), `new ${name}`);
      t.equal(readFileSync(join(dir, name), 'utf8'), `old ${name}`);
    }
    discard(staged);
    discard(staged);
    t.same(readdirSync(dir).sort(), ['a', 'b', 'c']);
  });
  t.equal(openFds(), fds, 'and every directory is let go');
});

t.test('one that cannot be staged: the others are taken back', async (t) => {
  const { dir, settings } = config(t, 'a', 'b');
  await withFiles(hostTargets(), settings, async (open) => {
    const broken = open.map((file) => ({
      ...file,
      target: file.name === 'a' ? file.target : { ...file.target, stage: () => Promise.reject(new Error('no room')) },
    }));
    await t.rejects(stage(broken, [content('a', 'x'), content('b', 'x')]), { message: 'no room' });
  });
  t.same(readdirSync(dir).sort(), ['a', 'b']);
});

t.test('a directory that is not there, and a use that fails: every directory is let go', async (t) => {
  const { dir, settings } = config(t, 'a');
  const fds = openFds();
  const two = {
    ...settings,
    files: [...settings.files, { path: join(dir, 'none', 'b'), format: 'text', follow: false } as const],
  };
  await t.rejects(
    withFiles(hostTargets(), two, async () => {}),
    { code: 'missing-directory' },
  );
  await t.rejects(
    withFiles(hostTargets(), settings, () => Promise.reject(new Error('later'))),
    { message: 'later' },
  );
  t.equal(openFds(), fds);
  mkdirSync(join(dir, 'none'));
  t.equal(await withFiles(hostTargets(), two, async (open) => open.length), 2);
});

t.test('the first content that does not pass refuses all', async (t) => {
  const { settings } = config(t, 'a', 'b', 'c');
  const asked: string[] = [];
  const validator = {
    async check(_file: unknown, name: string) {
      asked.push(name);
      return name === 'b' ? refuse('schema', name) : null;
    },
  };
  await withFiles(hostTargets(), settings, async (open) => {
    const all = [content('c', '3'), content('a', '1'), content('b', '2')];
    t.match(await validate(validator, open, all), { code: 'schema', reason: 'b' });
    t.same(asked, ['a', 'b']);
    t.equal(
      await validate(validator, open, [content('a', '1'), { name: 'b', bytes: null }]),
      null,
      'what is absent has no content',
    );
  });
});
