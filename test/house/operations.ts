import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { LINK_TEXTS } from '../../agent/link/states.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');

t.test('operations.md has every state of the link, in the words a person sees', async (t) => {
  const page = read('docs/operations.md');
  for (const [state, { words, remedy }] of Object.entries(LINK_TEXTS)) {
    const row = `| \`${state}\` | ${words.replace('%', '…')} | ${remedy ?? 'nothing'} |`;
    t.ok(page.includes(`\n${row}\n`), `docs/operations.md has the row ${row}`);
  }
});

t.test('README.md and operations.md point to pages that exist', async (t) => {
  for (const page of ['README.md', 'docs/operations.md']) {
    const folder = page.includes('/') ? 'docs' : '.';
    for (const [, target = ''] of read(page).matchAll(/\]\(([^)#]+)[^)]*\)/g)) {
      t.ok(existsSync(join(ROOT, folder, target)), `${page}: ${target}`);
    }
  }
});
