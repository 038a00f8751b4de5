import { appendFileSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostLog } from '../../agent/host/log.ts';
import { followLog, keepFollowing } from '../../agent/host/log-reader.ts';
import { until } from '../fixtures/until.ts';

const writer = (path: string) => hostLog({ path, level: 'debug', nowMs: () => 0, echo: () => {} });
const texts = (read: { readonly entries: readonly { readonly text: string }[] }) =>
  read.entries.map(({ text }) => text);

t.test('both files, then what comes', async (t) => {
  const path = join(t.testdir(), 'log');
  const log = followLog(path);
  t.same(log.read(), { entries: [], damaged: 0 }, 'no file yet');
  const { say } = writer(path);
  say('info', 'one');
  t.same(texts(log.read()), ['one']);
  t.same(texts(log.read()), []);
  appendFileSync(path, '1970-01-01T00:00:00.000Z info    tw');
  t.same(texts(log.read()), [], 'half a line is none yet');
  appendFileSync(path, 'ö\n');
  t.same(texts(log.read()), ['twö']);

  say('info', 'last of the old file');
  renameSync(path, `${path}.1`);
  writer(path).say('info', 'first of the new');
  t.same(texts(log.read()), ['last of the old file', 'first of the new'], 'put aside while it is read');
  log.close();
  const fresh = followLog(path);
  t.same(texts(fresh.read()), ['one', 'twö', 'last of the old file', 'first of the new']);
  fresh.close();
  fresh.close();
});

t.test('cut at every byte, as by a power cut, it gives every whole line and the ones after it', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'log');
  const { say } = writer(path);
  for (const text of ['one', 'two ö', 'three']) say('info', text, { config: 'aim' });
  const bytes = readFileSync(path);
  for (let length = 0; length <= bytes.length; length += 1) {
    const cut = join(dir, `cut-${length}`);
    writeFileSync(cut, bytes.subarray(0, length));
    writer(cut).say('info', 'after it');
    const log = followLog(cut);
    const read = log.read();
    log.close();
    const whole = bytes.subarray(0, length).toString().split('\n').length - 1;
    t.same(texts(read).slice(0, whole), ['one', 'two ö', 'three'].slice(0, whole), `${length} bytes`);
    t.equal(texts(read).at(-1), 'after it');
    t.ok(read.damaged <= 1);
  }
});

t.test('what a disk leaves after a power cut is left out and counted', async (t) => {
  const path = join(t.testdir(), 'log');
  writeFileSync(path, `${'\0'.repeat(300)}\n\0\0Z info x\n`);
  writer(path).say('info', 'good');
  const log = followLog(path);
  t.match(log.read(), { entries: [{ text: 'good' }], damaged: 1 });
  log.close();
});

t.test('follows until it is told to end, and says what it cannot read', async (t) => {
  const dir = t.testdir();
  const path = join(dir, 'log');
  const { say } = writer(path);
  const heard: string[] = [];
  const log = followLog(path);
  const following = keepFollowing(log, (read) => void heard.push(...texts(read)));
  say('info', 'one');
  await until('one', () => heard.length === 1);
  process.emit('SIGTERM', 'SIGTERM');
  await following;
  log.close();

  mkdirSync(join(dir, 'folder'));
  const wrong = followLog(join(dir, 'folder'));
  await t.rejects(
    keepFollowing(wrong, () => {}),
    { name: 'Failure', code: 'io' },
  );
  t.throws(() => wrong.read(), { name: 'Failure' });
  wrong.close();
});
