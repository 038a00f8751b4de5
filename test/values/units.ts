import t from 'tap';
import { baseName, isDigest, NAME, parseDurationMs, rfc3339, sayBytes, sayDuration } from '../../agent/values/units.ts';

t.test('an instant is said in UTC with milliseconds', async (t) => {
  t.equal(rfc3339(0), '1970-01-01T00:00:00.000Z');
  t.equal(rfc3339(1795298400123), '2026-11-21T22:00:00.123Z');
});

t.test('durations are read with their unit, and nothing else is', async (t) => {
  const good = { '500ms': 500, '90s': 90_000, '10m': 600_000, '4h': 14_400_000, '7d': 604_800_000, '0s': 0 };
  for (const [text, ms] of Object.entries(good)) t.equal(parseDurationMs(text), ms, text);
  for (const text of ['', '5', 's', '-1s', '1.5h', '1 s', '5S', '1w', '10m ', '99999999999999999d', '0x1s']) {
    t.equal(parseDurationMs(text), null, `'${text}'`);
  }
});

t.test('a length of time is said the way a person would', async (t) => {
  const said: readonly (readonly [number, string])[] = [
    [-5, '0 s'],
    [999, '0 s'],
    [8_000, '8 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [31 * 60_000, '31 min'],
    [3_600_000, '1 h'],
    [4 * 3_600_000 + 10 * 60_000, '4 h 10 min'],
    [24 * 3_600_000, '1 d'],
    [74 * 3_600_000, '3 d 2 h'],
  ];
  for (const [ms, words] of said) t.equal(sayDuration(ms), words, String(ms));
});

t.test('sizes', async (t) => {
  const said: readonly (readonly [number, string])[] = [
    [0, '0 KiB'],
    [9_999, '9 KiB'],
    [2 ** 20, '1 MiB'],
    [2 ** 30 - 1, '1023 MiB'],
    [3_330_000_000, '3.1 GiB'],
  ];
  for (const [bytes, words] of said) t.equal(sayBytes(bytes), words, String(bytes));
});

t.test('names', async (t) => {
  for (const name of ['a', 'aim_lock_config', 'Drone-7', 'x'.repeat(64)]) t.ok(NAME.test(name), name);
  for (const name of ['', 'a/b', 'a b', 'a.b', 'ä', 'x'.repeat(65), 'a\n', '+', '#']) t.notOk(NAME.test(name), name);
});

t.test('a digest is lower-case hex after its algorithm', async (t) => {
  t.ok(isDigest(`sha256:${'0a'.repeat(32)}`));
  for (const text of [
    '',
    `sha256:${'0A'.repeat(32)}`,
    'a'.repeat(64),
    `sha256:${'a'.repeat(63)}`,
    `sha512:${'a'.repeat(64)}`,
  ]) {
    t.notOk(isDigest(text), text);
  }
});

t.test('the last part of a path', async (t) => {
  t.equal(baseName('/etc/aim/aim_lock_config.conf'), 'aim_lock_config.conf');
  t.equal(baseName('plain'), 'plain');
});
