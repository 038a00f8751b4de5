import t from 'tap';
import { bootMsOf, MESSAGES, readField, SIZES } from '../../../agent/vehicle/mavlink/messages.ts';
import { THEIRS } from '../../fixtures/mavlink.ts';

const KINDS: Readonly<Record<string, string>> = {
  ...{ uint8_t: 'u8', int8_t: 'i8', uint16_t: 'u16', int16_t: 'i16', uint32_t: 'u32', int32_t: 'i32' },
  ...{ uint64_t: 'u64', float: 'f32', uint8_t_mavlink_version: 'u8', 'uint16_t[]': 'u16' },
};

t.test('ids, lengths, places and kinds are those of the published definitions', async (t) => {
  for (const [name, { id, length, fields }] of Object.entries(MESSAGES)) {
    const theirs = Object.values(THEIRS).find(({ MSG_ID }) => MSG_ID === id);
    t.equal(theirs?.MSG_NAME, name);
    const base = theirs?.FIELDS.filter(({ extension }) => !extension) ?? [];
    t.equal(length, Math.max(...base.map(({ offset, size, length: count }) => offset + size * (count || 1))), name);
    for (const [field, [offset, kind]] of Object.entries(fields)) {
      const found = theirs?.FIELDS.find(({ source }) => source === field);
      t.equal(found?.offset, offset, `${name}.${field}`);
      t.equal(KINDS[found?.type ?? ''], kind, `${name}.${field}`);
    }
  }
});

t.test('what version 2 cut off the end is zero', async (t) => {
  t.equal(readField(Uint8Array.of(0x10, 0x27), [0, 'u32']), 10_000);
  t.equal(readField(Uint8Array.of(), [4, 'f32']), 0);
  t.equal(readField(Uint8Array.of(0xff), [0, 'i16']), 255, 'half a number');
});

t.test('every kind is read to its ends', async (t) => {
  const ones = new Uint8Array(8).fill(0xff);
  const read = Object.keys(SIZES).map((kind) => {
    const [known] = (['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'u64', 'f32'] as const).filter((one) => one === kind);
    return [kind, known === undefined ? null : readField(ones, [0, known])];
  });
  t.same(Object.fromEntries(read), {
    ...{ u8: 255, i8: -1, u16: 65_535, i16: -1, u32: 2 ** 32 - 1, i32: -1, f32: Number.NaN, u64: 2 ** 64 },
  });
});

t.test('the time since it started is found in every message that has one', async (t) => {
  const payload = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0);
  t.equal(bootMsOf({ id: MESSAGES.ATTITUDE.id, payload }), 1);
  t.equal(bootMsOf({ id: MESSAGES.SYSTEM_TIME.id, payload }), 2);
  t.equal(bootMsOf({ id: MESSAGES.HEARTBEAT.id, payload }), null);
});
