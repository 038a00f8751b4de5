import t from 'tap';
import { type HeldRecord, parseRecord, recordText } from '../../agent/lock/record.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const held: HeldRecord = {
  ...{ mode: 'held', kind: 'kernel', purpose: 'hold', token: 17, boot: 'b' },
  holder: { pid: 4711, start: 99, command: 'flock', user: 'root', unit: 'aim.service' },
  ...{ pidNamespace: 4026531836, timeNamespace: null, sidecar: { dev: 1, ino: 2 } },
  ...{ since: '2026-01-01T00:00:00.000Z', sinceBootMs: 5, reason: 'why', deadlineBootMs: null },
  reclaims: [{ oldToken: 15, newToken: 16, why: 'gone', by: null, holder: null }],
};

t.test('what is written reads back the same', async (t) => {
  t.strictSame(parseRecord(bytes(recordText(held))), held);
  const free = { mode: 'free', token: 18, boot: 'b', reclaims: [] } as const;
  t.strictSame(parseRecord(bytes(recordText(free))), free);
  const lease = { ...held, kind: 'lease', deadlineBootMs: 70, reason: null, reclaims: [] } as const;
  t.strictSame(parseRecord(bytes(recordText(lease))), lease);
});

t.test('cut off anywhere it is no record', async (t) => {
  const text = recordText(held).trimEnd();
  for (let end = 0; end < text.length; end += 1) t.equal(parseRecord(bytes(text.slice(0, end))), null);
});

t.test('every field of the wrong kind makes it no record, or is left out', async (t) => {
  const json: Record<string, unknown> = JSON.parse(recordText(held));
  for (const key of [
    'v',
    'mode',
    'token',
    'boot',
    'kind',
    'purpose',
    'holder',
    'since',
    'since_boot_ms',
    'deadline_boot_ms',
    'sidecar',
  ])
    for (const value of [undefined, {}, [], -1, 1.5, 'x', true]) {
      if (typeof value === 'string' && ['boot', 'since'].includes(key)) continue;
      t.equal(parseRecord(bytes(JSON.stringify({ ...json, [key]: value }))), null, `${key}: ${JSON.stringify(value)}`);
    }
  t.match(parseRecord(bytes(JSON.stringify({ ...json, pid_namespace: 'x', reason: 7, reclaims: [3] }))), {
    ...{ pidNamespace: null, reason: null, reclaims: [] },
  });
});

t.test('hostile text cannot reach a terminal', async (t) => {
  const json = { ...JSON.parse(recordText(held)), reason: `\x1b[2J${'a'.repeat(9999)}` };
  const record = parseRecord(bytes(JSON.stringify(json)));
  if (record?.mode !== 'held') throw new Error('no record');
  t.notOk(record.reason?.includes('\x1b'));
  t.ok((record.reason ?? '').length < 300);
  t.equal(parseRecord(new Uint8Array([0xff, 0xfe])), null);
  t.equal(parseRecord(bytes('{"v":1,"mode":"free","token":1,"boot":"b","__proto__":{"x":1}}'))?.token, 1);
});
