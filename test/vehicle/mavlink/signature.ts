import { MavLinkPacketSignature, MavLinkProtocolV2, minimal } from 'node-mavlink';
import t from 'tap';
import { sha256 } from '../../../agent/host/chance.ts';
import type { JournalRecord } from '../../../agent/ports/journal.ts';
import { createSignatureCheck, KEY_BYTES, sign } from '../../../agent/vehicle/mavlink/signature.ts';
import { createSignedTimes } from '../../../agent/vehicle/mavlink/signed-times.ts';
import { ourBytes, ourFrames, theirPackets } from '../../fixtures/mavlink.ts';

const KEY = MavLinkPacketSignature.key('a secret');
const NOW = Date.UTC(2026, 0, 1);

/** A heartbeat that node-mavlink signed. */
function theirs(atMs: number, { key = KEY, link = 1, component = 1 } = {}) {
  const protocol = new MavLinkProtocolV2(1, component, MavLinkProtocolV2.IFLAG_SIGNED, 0);
  const bytes = protocol.sign(protocol.serialize(new minimal.Heartbeat(), 3), link, key, atMs);
  const [frame] = ourFrames(bytes);
  if (frame === undefined) throw new Error('no frame');
  return frame;
}

t.test('signed by node-mavlink: taken once, in order', async (t) => {
  const check = createSignatureCheck(KEY, sha256);
  t.equal(check(theirs(NOW)), null);
  t.match(check(theirs(NOW)), 'sent again');
  t.equal(check(theirs(NOW + 1)), null);
  t.match(check(theirs(NOW - 1)), 'sent again');
  t.equal(check(theirs(NOW, { link: 2 })), null, 'another link has a time of its own');
  t.match(check(theirs(NOW - 61_000, { link: 3 })), 'sent again', 'but not one from long ago');
});

t.test(
  'over a restart: what was recorded is not taken again, but for the last minute; a new key begins anew',
  async (t) => {
    const records: JournalRecord[] = [];
    const life = () => {
      const signed = createSignedTimes();
      for (const record of JSON.parse(JSON.stringify(records))) signed.fold(record);
      return { signed, keep: (more: readonly JournalRecord[]) => void records.push(...more) };
    };
    const first = createSignatureCheck(KEY, sha256, life());
    for (let s = 0; s <= 600; s += 1) t.equal(first(theirs(NOW + s * 1_000)), null);
    t.ok(records.length <= 11, `${records.length} records in ten minutes`);
    const second = createSignatureCheck(KEY, sha256, life());
    for (let s = 0; s <= 540; s += 20) t.match(second(theirs(NOW + s * 1_000)), 'sent again', `of second ${s}`);
    t.match(second(theirs(NOW, { link: 2 })), 'sent again', 'nor over another link');
    t.equal(second(theirs(NOW + 601_000)), null, 'the vehicle itself goes on');
    const key = MavLinkPacketSignature.key('a new secret');
    t.equal(createSignatureCheck(key, sha256, life())(theirs(NOW, { key })), null);
  },
);

t.test('a sender from the future keeps nobody out for longer than this life', async (t) => {
  const records: JournalRecord[] = [];
  const life = (wallMs: number | null) => {
    const signed = createSignedTimes(() => wallMs);
    for (const record of JSON.parse(JSON.stringify(records))) signed.fold(record);
    return { signed, keep: (more: readonly JournalRecord[]) => void records.push(...more) };
  };
  const first = createSignatureCheck(KEY, sha256, life(NOW));
  t.equal(first(theirs(Date.UTC(2035, 0, 1), { link: 9 })), null);
  t.same(records, []);
  t.match(first(theirs(Date.UTC(2035, 0, 1), { link: 9 })), 'sent again', 'but it is remembered until then');
  const second = createSignatureCheck(KEY, sha256, life(NOW));
  t.equal(second(theirs(NOW)), null);
  t.equal(second(theirs(Date.UTC(2035, 0, 1), { link: 9 })), null);
  t.equal(second(theirs(NOW + 120_000)), null);
  t.equal(records.length, 2, 'those of the others go on record all the same');
  const third = createSignatureCheck(KEY, sha256, life(NOW));
  t.match(third(theirs(NOW + 120_000)), 'sent again');
  t.equal(third(theirs(NOW + 120_000, { link: 2 })), null);
});

t.test('unsigned, by another key, or touched: not taken', async (t) => {
  const check = createSignatureCheck(KEY, sha256);
  const [unsigned] = ourFrames(ourBytes('HEARTBEAT', { type: 2 }));
  t.equal(unsigned && check(unsigned), 'not signed');
  t.match(check(theirs(NOW, { key: MavLinkPacketSignature.key('another') })), 'another key');
  const good = theirs(NOW);
  for (const at of [good.raw.length - 1, good.raw.length - 13, good.raw.length - 8]) {
    const raw = good.raw.slice();
    raw[at] = (raw[at] ?? 0) ^ 1;
    t.match(check({ ...good, raw }), 'another key', `byte ${at}`);
  }
  t.equal(check(good), null, 'and none of that spoilt it for the right one');
});

t.test('a flood of senders fills no memory', async (t) => {
  const check = createSignatureCheck(KEY, sha256);
  for (let component = 1; component <= 64; component += 1) t.equal(check(theirs(NOW, { component })), null);
  t.match(check(theirs(NOW, { component: 65 })), 'too many');
  t.equal(check(theirs(NOW + 1, { component: 64 })), null);
  t.equal(check(theirs(NOW + 61_000, { component: 64 })), null);
  t.equal(check(theirs(NOW + 61_000, { component: 65 })), null, 'those of long ago make room');
  t.match(check(theirs(NOW, { component: 1 })), 'sent again', 'and nothing of theirs is taken again');
});

t.test('node-mavlink takes what we sign', async (t) => {
  t.equal(KEY.length, KEY_BYTES);
  const bytes = sign(ourBytes('COMMAND_LONG', { command: 511, param1: 33 }), { key: KEY, link: 191, sha256 }, NOW);
  const [packet] = await theirPackets(bytes);
  t.equal(packet?.signature?.matches(KEY), true);
  t.equal(packet?.signature?.linkId, 191);
  t.equal(packet?.signature?.timestamp, (NOW - Date.UTC(2015, 0, 1)) * 100);
  t.equal(packet?.signature?.matches(MavLinkPacketSignature.key('another')), false);
});
