import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import t from 'tap';
import { LOG_LEVELS, logEntry, parseEntry, sayEntry, writeEntry } from '../../agent/values/log-line.ts';

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

t.test('what a person reads, and what the file has', async (t) => {
  const entry = logEntry(NOW, 'notice', 'applied aim', { config: 'aim', code: null });
  t.equal(sayEntry(entry), '2026-01-02T03:04:05.006Z notice  applied aim');
  t.equal(writeEntry(entry), '2026-01-02T03:04:05.006Z notice  applied aim\tconfig=aim\n');
  const doubted = logEntry(NOW, 'error', 'x', { clock: 'untrusted', n: 3, yes: true });
  t.equal(sayEntry(doubted), '2026-01-02T03:04:05.006Z (clock untrusted) error   x');
  t.equal(writeEntry(doubted), '2026-01-02T03:04:05.006Z error   x\tn=3 yes=true clock=untrusted\n');
});

t.test('what was written is read again, whatever it says', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 80 });
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4_000_000_000_000 }),
      fc.constantFrom(...LOG_LEVELS),
      text.map((one) => one.replaceAll(/\p{Cs}/gu, '')),
      fc.dictionary(fc.stringMatching(/^[a-z_]{1,8}$/), fc.stringMatching(/^[\x20-\x7e]{0,8}$/)),
      fc.boolean(),
      (ms, level, line, { clock: _, ...fields }, untrusted) => {
        const entry = logEntry(ms, level, line, untrusted ? { ...fields, clock: 'untrusted' } : fields);
        const written = writeEntry(entry);
        const read = parseEntry(written.slice(0, -1));
        return written.indexOf('\n') === written.length - 1 && isDeepStrictEqual(read, entry);
      },
    ),
    { numRuns: 300 },
  );
});

t.test('no sender can forge a line, move a cursor or ring a bell', async (t) => {
  const hostile = 'a\n2026 error forged\r\u001b[2J\u0007\u0000\u007f\u0085\u009b31m\tconfig=aim end';
  t.match(
    writeEntry(logEntry(0, 'info', hostile)),
    /^1970-01-01T00:00:00\.000Z info {4}a\?2026 error forged\?\?\[2J\?{5}31m\?config=aim end\n$/,
  );
  t.ok(writeEntry(logEntry(0, 'info', 'x'.repeat(1_000_000))).length < 5000, 'nor fill the file with one');
});

t.test('what is no entry', async (t) => {
  for (const line of [
    '',
    'x',
    '2026-01-02T03:04:05.006Z',
    '2026-01-02T03:04:05.006Z notice',
    '2026-01-02T03:04:05.006Z loud    x',
    '2026-99-02T03:04:05.006Z notice  x',
    '2026-01-02T03:04:05.006Z notice  x\tconfig',
    '05.006Z notice  x',
  ])
    t.equal(parseEntry(line), null, line);
  t.match(parseEntry('2026-01-02T03:04:05.006Z notice  x\tconfig=%'), { fields: { config: '%' } });
});
