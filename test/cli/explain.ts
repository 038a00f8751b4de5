import t from 'tap';
import { command } from '../../agent/cli/explain.ts';
import { CODES } from '../../agent/values/errors.ts';
import { LINK_WORDS } from '../../agent/values/link.ts';
import { VERDICTS } from '../../agent/values/lock.ts';
import { EVENTS, GATES } from '../../agent/values/report.ts';
import { runCommand } from '../fixtures/command.ts';
import { run } from '../fixtures/locksmith.ts';

const WORDS = ['COLD', 'HOT', ...Object.keys(CODES), ...VERDICTS, ...GATES, ...EVENTS, ...LINK_WORDS];

t.test('every word that a device says has a meaning and a remedy, set for 80 columns', async (t) => {
  const { out: list } = await runCommand(command, []);
  for (const word of WORDS) {
    const { code, out } = await runCommand(command, [word]);
    t.equal(code, 0, word);
    t.match(out, /^[A-Za-z0-9-]+: (a|an) .*\nmeans {4}\S.*/, word);
    t.match(out, /^do {7}\S/m, word);
    t.ok(` ${list} `.replaceAll('\n', ' ').includes(` ${word} `), `${word} is in the list`);
    for (const line of out.split('\n')) t.ok(line.length <= 80, line);
  }
  for (const line of list.split('\n')) t.ok(line.length <= 80, line);
});

t.test('the text is THE table', async (t) => {
  const { out } = await runCommand(command, ['lock-mismatch', '--json']);
  t.match(JSON.parse(out), [{ word: 'lock-mismatch', ...CODES['lock-mismatch'] }]);
  const all = JSON.parse((await runCommand(command, ['--json'])).out);
  t.match(all, { 'a code of a refusal or a failure': CODES });
});

t.test('a word with two uses has both; words as they stand in a log are found', async (t) => {
  const { out } = await runCommand(command, ['expired']);
  t.match(out, 'expired: a code of');
  t.match(out, '\n\nexpired: an event of');
  for (const said of [['lock', 'mismatch:'], ['Lock mismatch'], ['(lock-mismatch)'], ['LOCK_MISMATCH']])
    t.match(await runCommand(command, said), { code: 0, out: /^lock-mismatch: / }, said.join(' '));
  t.match((await runCommand(command, ['hot'])).out, /^HOT: a state of a lock\nmeans {4}Somebody has the lock/);
});

t.test('a word it does not know: the nearest, or the list; without settings and without root', async (t) => {
  const ran = await run(['explain', 'lock-missmatch']);
  t.match(ran, { code: 4, stdout: '', stderr: /no word 'lock-missmatch'\nTry: locksmith explain lock-mismatch\n$/ });
  const far = await runCommand(command, ['zzzzzzzz\u001b']);
  t.match(far, { code: 4, err: /no word 'zzzzzzzz\?'\nTry: locksmith explain, which lists all\n/ });
});
