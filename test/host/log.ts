import { existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostLog, logLine } from '../../agent/host/log.ts';
import type { LogLevel } from '../../agent/ports/log.ts';

const nowMs = () => Date.UTC(2026, 0, 2, 3, 4, 5, 6);

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
  t.same(echoed, [
    '2026-01-02T03:04:05.006Z notice  applied aim_lock_config\n',
    '2026-01-02T03:04:05.006Z error   no room\n',
  ]);
  t.equal(readFileSync(path, 'utf8'), echoed.join(''));
  t.equal(statSync(path).mode & 0o777, 0o640);
  const again = open(path, 'error');
  again.log.say('warning', 'no');
  again.log.say('error', 'yes');
  t.equal(readFileSync(path, 'utf8'), [...echoed, ...again.echoed].join(''), 'goes on at the end');
  const nowhere = open(null);
  nowhere.log.say('info', 'x');
  t.equal(nowhere.echoed.length, 1);
});

t.test('no sender can forge a line, move a cursor or ring a bell', async (t) => {
  const hostile = 'a\n2026 error forged\r\u001b[2J\u0007\u0000\u007f\u0085\u009b31m end';
  t.match(
    logLine(0, 'info', hostile),
    /^1970-01-01T00:00:00\.000Z info {4}a\?2026 error forged\?\?\[2J\?{5}31m end\n$/,
  );
});

t.test('at its bound it is put aside once; two files are the most there ever are', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'log');
  const { log } = open(path);
  const line = 'x'.repeat(100_000);
  for (let n = 0; n < 40; n += 1) log.say('info', `${n} ${line}`);
  t.ok(statSync(path).size <= 1_200_000);
  t.ok(statSync(`${path}.1`).size <= 1_200_000);
  t.match(readFileSync(path, 'utf8').split('\n').at(-2), / 39 x/);
  t.notOk(existsSync(`${path}.2`));
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
