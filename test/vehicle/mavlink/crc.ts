import { MSG_ID_MAGIC_NUMBER, x25crc } from 'node-mavlink';
import t from 'tap';
import { checksum, extraOf, writeChecksum } from '../../../agent/vehicle/mavlink/crc.ts';
import { seeded } from '../../fixtures/mavlink.ts';

t.test('the extra byte of every published message is the one of the definitions', async (t) => {
  const ids = Object.keys(MSG_ID_MAGIC_NUMBER).map(Number);
  t.ok(ids.length > 300, `${ids.length} messages`);
  const theirs = new Map(Object.entries(MSG_ID_MAGIC_NUMBER).map(([id, extra]) => [Number(id), Number(extra)]));
  t.same(
    ids.filter((id) => extraOf(id) !== theirs.get(id)),
    [],
  );
  t.same([3, 65_535, 2 ** 24 - 1].map(extraOf), [null, null, null], 'and of no other');
});

t.test('the checksum is theirs for any bytes', async (t) => {
  const chance = seeded(1);
  for (let round = 0; round < 200; round += 1) {
    const bytes = Buffer.from(Array.from({ length: Math.floor(chance() * 280) }, () => Math.floor(chance() * 256)));
    const extra = Math.floor(chance() * 256);
    const start = Math.min(1, bytes.length);
    t.equal(checksum(bytes, start, bytes.length, extra), x25crc(bytes, start, 0, extra));
  }
  const frame = Uint8Array.of(0xfe, 1, 2, 3, 0, 0);
  writeChecksum(frame, 4, 50);
  t.equal(frame[4], checksum(frame, 1, 4, 50) & 0xff);
  t.equal(frame[5], checksum(frame, 1, 4, 50) >>> 8);
});
