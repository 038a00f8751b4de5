import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostLog } from '../../agent/host/log.ts';
import type { LogLevel } from '../../agent/values/log-line.ts';

const nowMs = () => Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const AT = '2026-01-02T03:04:05.006Z';

function open(path: string | null, level: LogLevel = 'info') {
  const echoed: string[] = [];
  return { log: hostLog({ path, level, nowMs, echo: (line) => void echoed.push(line) }), echoed };
}

t.test('one plain line an event, in the file and where it is echoed', async (t) => {
  const path = join(t.testdir(), 'log');
  const { log, echoed } = open(path);
  log.say('notice', 'applied aim_lock_config');
  log.say('debug', 'not important enough');
  log.say('error', 'no room');
  t.same(echoed, [`${AT} notice  applied aim_lock_config\n`, `${AT} error   no room\n`]);
  t.equal(readFileSync(path, 'utf8'), echoed.join(''));
  t.equal(statSync(path).mode & 0o777, 0o640);
  const again = open(path, 'error');
  again.log.say('warning', 'no');
  again.log.say('error', 'yes', { config: 'aim' });
  t.equal(readFileSync(path, 'utf8'), `${echoed.join('')}${AT} error   yes\tconfig=aim\n`, 'goes on at the end');
  t.same(again.echoed, [`${AT} error   yes\n`], 'fields are for machines');
  const nowhere = open(null);
  nowhere.log.say('info', 'x');
  t.equal(nowhere.echoed.length, 1);
});

t.test('at its bound it is put aside once; two files are the most there ever are', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'log');
  const { log } = open(path);
  const line = 'x'.repeat(3900);
  for (let n = 0; n < 1000; n += 1) log.say('info', `${n} ${line}`);
  t.ok(statSync(path).size <= 1_060_000);
  t.ok(statSync(`${path}.1`).size <= 1_060_000);
  t.match(readFileSync(path, 'utf8').split('\n').at(-2), / 999 x/);
  t.notOk(existsSync(`${path}.2`));
});

t.test('what a power cut left of a line takes no other with it', async (t) => {
  const path = join(t.testdir(), 'log');
  writeFileSync(path, `${AT} notice  whole\n${AT} notice  half`);
  open(path).log.say('info', 'next');
  t.equal(readFileSync(path, 'utf8'), `${AT} notice  whole\n${AT} notice  half\n${AT} info    next\n`);
});

t.test('a file that somebody removes is made again', async (t) => {
  const path = join(t.testdir(), 'log');
  const { log } = open(path);
  log.say('info', 'one');
  rmSync(path);
  log.say('info', 'two');
  t.equal(readFileSync(path, 'utf8'), `${AT} info    two\n`);
});

t.test('what cannot be written is said once, and heals', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'gone', 'log');
  const { log, echoed } = open(path);
  log.say('info', 'one');
  log.say('info', 'two');
  t.match(echoed, [/one/, /error +the log cannot be written: ENOENT/, /two/]);
  t.equal(echoed.length, 3);
  mkdirSync(join(dir, 'gone'));
  log.say('info', 'three');
  t.match(readFileSync(path, 'utf8'), /three\n$/);
  rmSync(path);
  symlinkSync('/dev/null', path);
  const other = open(path);
  other.log.say('info', 'x');
  t.match(other.echoed, [/x/, /ELOOP/], 'never through a link');
});

t.test('a full disk stops nobody', async (t) => {
  const { log, echoed } = open('/dev/full');
  log.say('info', 'one');
  log.say('info', 'two');
  t.match(echoed, [/one/, /the log cannot be written: ENOSPC/, /two/]);
});

t.test('nor does a listener that is gone', async (t) => {
  const path = join(t.testdir(), 'log');
  const log = hostLog({
    path,
    level: 'info',
    nowMs,
    echo: () => {
      throw new Error('EPIPE');
    },
  });
  log.say('info', 'one');
  t.equal(readFileSync(path, 'utf8'), `${AT} info    one\n`);
});

t.test('where somebody takes entries with fields, the echo has only what was not taken', async (t) => {
  const echoed: string[] = [];
  const entries: unknown[] = [];
  const log = hostLog({
    ...{ path: null, level: 'info', nowMs, echo: (line) => void echoed.push(line) },
    entry: (...said) => entries.push(said) < 2,
  });
  log.say('warning', 'refused', { code: 'lock-mismatch' });
  log.say('debug', 'not important enough');
  log.say('notice', 'applied');
  t.same(entries, [
    ['warning', 'refused', { code: 'lock-mismatch' }],
    ['notice', 'applied', {}],
  ]);
  t.same(echoed, ['2026-01-02T03:04:05.006Z notice  applied\n']);
});
