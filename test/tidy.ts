import t from 'tap';
import { ARROW_RULES } from './fixtures/tidy/arrows.ts';
import { TABLE_RULES } from './fixtures/tidy/tables.ts';
import { projectTree, type Rule } from './fixtures/tidy/tree.ts';
import { TYPESCRIPT_RULES } from './fixtures/tidy/typescript.ts';
import { WORD_RULES } from './fixtures/tidy/words.ts';

// The house rules: each says where it is broken, by what, and what to do instead; and each is shown to be able to fail.

const tree = projectTree();
const rules: readonly Rule[] = [...ARROW_RULES, ...TABLE_RULES, ...TYPESCRIPT_RULES, ...WORD_RULES];

for (const rule of rules) {
  t.test(rule.name, async (t) => {
    t.not([...rule.check(new Map(Object.entries(rule.bad)))].length, 0, 'finds what is wrong in a bad example');
    t.strictSame([...rule.check(new Map(Object.entries(rule.good)))], [], 'finds nothing in a good one');
    const found = [...rule.check(tree)].map(
      ({ path, line, what }) => `${path}${line === 0 ? '' : `:${line}`}: ${what}`,
    );
    t.equal(found.join('\n'), '', `finds nothing in the project. Instead: ${rule.instead}`);
  });
}

t.test('the rules have names of their own', async (t) => {
  t.equal(new Set(rules.map(({ name }) => name)).size, rules.length);
});
