import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostFiles } from '../../agent/host/files.ts';
import { hostViews } from '../../agent/host/view.ts';
import { BEAT_MAX_MS, beatAgeMs, createBeat, parseBeat, readBeat, stateByBeat } from '../../agent/telemetry/beat.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

const self = { pid: 4711, start: 99 };

t.test('a beat says when, and whose it is', async (t) => {
  const clock = manualClock();
  const path = join(t.testdir({}), 'beat');
  const beat = createBeat({ clock, openView: hostViews(hostFiles()), log: { say: () => t.fail('said') }, path, self });
  clock.advance(1234);
  beat();
  const read = parseBeat(readFileSync(path, 'utf8'));
  t.strictSame(read, { at: '2026-01-01T00:00:01.234Z', boot: clock.bootId, boot_ms: 1234, ...self });
  clock.advance(31_000);
  if (read === null) throw new Error('no beat');
  t.equal(beatAgeMs(read, clock), 31_000);
  t.equal(beatAgeMs(read, { ...clock, wallMs: () => 0 }), 31_000, 'whatever the wall clock says');
  const rebooted = { ...clock, bootId: 'other', bootMs: () => 5 };
  t.equal(beatAgeMs(read, rebooted), 31_000, 'from another boot: by the wall clock');
  t.equal(beatAgeMs(read, { ...rebooted, wallMs: () => 0 }), 0, 'never less than none');
});

t.test('a beat soon after another is not written', async (t) => {
  const clock = manualClock();
  const path = join(t.testdir({}), 'beat');
  const beat = createBeat({ clock, openView: hostViews(hostFiles()), log: { say: () => t.fail('said') }, path, self });
  const written: (number | undefined)[] = [];
  for (let look = 0; look < 7; look += 1) {
    beat();
    written.push(parseBeat(readFileSync(path, 'utf8'))?.boot_ms);
    clock.advance(4_500);
  }
  t.same(written, [0, 0, 9_000, 9_000, 18_000, 18_000, 27_000]);
});

t.test('a beat that cannot be written is said once, and again when it fails anew', async (t) => {
  const dir = join(t.testdir({}), 'run');
  const said: string[] = [];
  const log = { say: (_level: string, line: string) => void said.push(line) };
  const beat = createBeat({
    clock: manualClock(),
    openView: hostViews(hostFiles()),
    log,
    path: join(dir, 'beat'),
    self,
  });
  beat();
  beat();
  t.equal(said.length, 1);
  t.match(said[0], /^no beat: /);
  mkdirSync(dir);
  beat();
  t.ok(existsSync(join(dir, 'beat')));
});

t.test('what is no beat', async (t) => {
  const good = { at: '2026-01-01T00:00:00.000Z', boot: 'b', boot_ms: 1, ...self };
  t.ok(parseBeat(JSON.stringify(good)));
  t.ok(parseBeat(JSON.stringify({ ...good, start: null })));
  for (const wrong of ['', '{', 'null', '[]', '{}']) t.equal(parseBeat(wrong), null, wrong);
  for (const [key, value] of Object.entries({ at: 'noon', boot: 1, boot_ms: 'x', pid: null, start: 'x' })) {
    t.equal(parseBeat(JSON.stringify({ ...good, [key]: value })), null, key);
  }
});

t.test('whether the daemon lives, by its beat and its process', async (t) => {
  const clock = { bootId: 'b', bootMs: () => 100_000, wallMs: () => 0 };
  const beat = (ageMs: number, more = {}) => ({ at: '', boot: 'b', boot_ms: 100_000 - ageMs, ...self, ...more });
  const [fresh, old] = [beat(BEAT_MAX_MS), beat(BEAT_MAX_MS + 1)];
  const there = { start: 99, zombie: false };
  const hidden = { start: null, zombie: false };
  t.equal(stateByBeat(fresh, there, clock), 'running');
  t.equal(stateByBeat(old, there, clock), 'frozen');
  for (const gone of [null, { start: 100, zombie: false }, { ...there, zombie: true }])
    t.equal(stateByBeat(fresh, gone, clock), 'stopped');
  t.equal(
    stateByBeat(beat(0, { boot: 'before' }), there, clock),
    'stopped',
    'the numbers are given anew at every boot',
  );
  t.equal(stateByBeat(fresh, hidden, clock), 'running', 'somebody has that number, and it has just moved');
  t.equal(stateByBeat(old, hidden, clock), 'unknown', 'frozen, or another with its number');
});

t.test('a beat that is being written while it is read is read again', async (t) => {
  const good = { at: '2026-01-01T00:00:00.000Z', boot: 'b', boot_ms: 1_300_004, ...self };
  const text = JSON.stringify(good);
  const torn = text.replace('1300004', '1200004');
  const reading = (...texts: (string | null)[]) => {
    const left = [...texts];
    const bytes = () => {
      const next = left.length > 1 ? left.shift() : left[0];
      return next === null || next === undefined ? null : new TextEncoder().encode(next);
    };
    return readBeat({ read: bytes }, '/beat');
  };
  t.strictSame(reading(text), good);
  t.strictSame(reading(torn, text), good);
  t.strictSame(reading('{"at":', torn, text), good);
  t.equal(reading(null), null);
  const changing = Array.from({ length: 50 }, (_, i) => `${i}`);
  t.equal(reading(...changing), null, 'and not for ever');
});

t.test('it is as long each time, for it is written in place', async (t) => {
  const clock = manualClock();
  const path = join(t.testdir({}), 'beat');
  const beat = createBeat({ clock, openView: hostViews(hostFiles()), log: { say: () => t.fail('said') }, path, self });
  const sizes = [1, 10, 100_000, 10 ** 10].map((ms) => {
    clock.advance(ms);
    beat();
    return readFileSync(path).length;
  });
  t.equal(new Set(sizes).size, 1, `${sizes}`);
});
