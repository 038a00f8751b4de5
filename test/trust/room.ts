import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostEd25519 } from '../../agent/host/ed25519.ts';
import { hostFiles } from '../../agent/host/files.ts';
import type { JournalRecord } from '../../agent/ports/journal.ts';
import { createTrustMemory } from '../../agent/trust/memory.ts';
import { openTrust } from '../../agent/trust/room.ts';
import { Failure } from '../../agent/values/errors.ts';
import type { EventBody } from '../../agent/values/report.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { entry, trustDocument } from '../fixtures/trust.ts';

const keyDir = t.testdir();
const r1 = opensslKey(keyDir, 'r1');
const r2 = opensslKey(keyDir, 'r2');
const ops = opensslKey(keyDir, 'ops');
const night = opensslKey(keyDir, 'night');
const NOW_S = 1_795_298_400;

/** The room in `dir`, on the journal records of the lives before. */
function life(dir: string, records: JournalRecord[], files = hostFiles()) {
  const memory = createTrustMemory();
  for (const record of records) memory.fold(record);
  const events: EventBody[] = [];
  const lines: string[] = [];
  const revoked: string[][] = [];
  const done = { times: 0 };
  const answered = new Set<string>();
  const room = openTrust({
    ...{ root: 'fleet', addresses: ['dev/d7', 'all'], files, sha256, ed25519: hostEd25519(), state: dir, memory },
    seed: join(dir, 'keys.json'),
    log: { say: (level, line) => void lines.push(`${level} ${line}`) },
    time: () => ({ nowS: NOW_S, clock: 'ok' }),
    async refuse(hash, { code, reason }, signed, said) {
      if (answered.has(hash)) return;
      answered.add(hash);
      events.push({ event: 'refused', code, reason: `${signed ? 'signed' : 'unsigned'} ${reason}`, ...said });
    },
    async speak(given, said) {
      for (const record of given) {
        records.push(record);
        memory.fold(record);
      }
      events.push(...said);
    },
    revoke(kids) {
      if (kids.length > 0) revoked.push([...kids]);
      const fate = { t: 'revoked', kids };
      const end: EventBody = { event: 'refused', code: 'unknown-key' };
      return {
        records: kids.length === 0 ? [] : [fate],
        events: kids.length === 0 ? [] : [end],
        dropped: kids.length,
        done: () => {
          done.times += 1;
        },
      };
    },
  });
  const send = (text: string, topic = 'fleet/v1/all/trust') =>
    room.frame({ topic, payload: new TextEncoder().encode(text), retain: true });
  const start = async () => {
    await room.open();
    await room.settle();
  };
  const kids = () => room.ring().keys.map(({ kid }) => kid);
  return { room, events, lines, revoked, done, send, start, kids, memory };
}

const seed = (...keys: readonly object[]) => JSON.stringify({ keys });
const SEED = seed(entry(r1, 'root'), entry(ops));
const doc = (version: number, keys: readonly object[], signers = [r1]) =>
  trustDocument({ v: 1, version, keys }, signers);
const codes = (events: readonly EventBody[]) => events.map(({ event, code }) => code ?? event);

t.test('a trust document replaces the keys, durably; trust.keys is not touched', async (t) => {
  const dir = t.testdir({ 'keys.json': SEED });
  const records: JournalRecord[] = [];
  const first = life(dir, records);
  await first.start();
  t.same([first.events, first.kids()], [[], ['r1', 'ops']]);
  const text = doc(3, [entry(r1, 'root'), entry(night)]);
  await first.send(text);
  t.same(first.kids(), ['r1', 'night']);
  t.match(first.events, [
    {
      ...{ event: 'trust', version: 3, address: 'all', who: 'r1' },
      reason: 'trust document version 3: new night; revoked ops; 1 documents dropped',
    },
    { event: 'refused', code: 'unknown-key' },
  ]);
  t.same([first.revoked, first.done.times], [[['ops']], 1]);
  t.equal(readFileSync(join(dir, 'keys.json'), 'utf8'), SEED);
  await first.send(text);
  await first.send(text, 'fleet/v1/dev/d7/trust');
  await first.send('');
  t.equal(first.events.length, 2, 'the same again, whoever it is for, and nothing at all, are answered by silence');
  const second = life(dir, records);
  await second.start();
  t.same([second.events, second.kids(), second.lines], [[], ['r1', 'night'], []]);
});

t.test('older ones are refused, and others of the same version', async (t) => {
  const dir = t.testdir({ 'keys.json': SEED });
  const { start, send, events, kids } = life(dir, []);
  await start();
  const old = doc(2, [entry(r1, 'root'), entry(ops)]);
  await send(doc(3, [entry(r1, 'root'), entry(night)]));
  events.length = 0;
  await send(old);
  await send(old);
  await send(doc(3, [entry(r1, 'root'), entry(ops)]));
  await send(doc(4, [entry(ops)]));
  await send(doc(4, [entry(r1, 'root')], [ops]));
  await send('junk');
  t.same(codes(events), ['replayed', 'version-reused', 'no-root', 'unknown-key', 'malformed']);
  t.match(events[0], { version: 2, address: 'all', reason: 'signed trust document: version 2, but 3 was seen' });
  t.same(kids(), ['r1', 'night']);
});

t.test('cut off between the file and the journal, the next start ends it', async (t) => {
  const dir = t.testdir({ 'keys.json': SEED });
  const records: JournalRecord[] = [];
  const first = life(dir, records);
  await first.start();
  const before = [...records];
  await first.send(doc(3, [entry(r2, 'root'), entry(night)], [r1, r2]));
  const second = life(dir, before);
  await second.start();
  t.match(second.events[0], { event: 'trust', version: 3, reason: /new r2 \(root\), night; revoked r1 \(root\), ops/ });
  t.same([second.revoked, second.done.times], [[['ops']], 0], 'nothing is woken before the line has started');
  t.equal(second.memory.version(), 3);
  const third = life(dir, before);
  await third.start();
  t.same(third.events, [], 'once');
});

t.test('a change of trust.keys by hand revokes as well, while no trust document is in force', async (t) => {
  const dir = t.testdir({ 'keys.json': SEED });
  const records: JournalRecord[] = [];
  await life(dir, records).start();
  writeFileSync(join(dir, 'keys.json'), seed(entry(r1, 'root'), entry(night)));
  const second = life(dir, records);
  await second.start();
  t.match(second.events[0], { event: 'trust', reason: /^the keys of .*keys\.json: new night; revoked ops/ });
  t.notHas(second.events[0], { version: 0 });
  await second.send(doc(1, [entry(r1, 'root'), entry(ops)]));
  writeFileSync(join(dir, 'keys.json'), SEED);
  const third = life(dir, records);
  await third.start();
  t.same(third.kids(), ['r1', 'ops']);
  t.match(third.lines, [
    /^warning .*keys\.json: has changed; not looked at since trust document version 1 is in force/,
  ]);
});

t.test(
  'a state file that cannot be read is put aside; with both gone trust.keys counts, and older documents still do not',
  async (t) => {
    const dir = t.testdir({ 'keys.json': SEED });
    const records: JournalRecord[] = [];
    const first = life(dir, records);
    await first.start();
    const text = doc(5, [entry(r1, 'root'), entry(night)]);
    await first.send(text);
    writeFileSync(join(dir, 'trust.json'), 'junk');
    const second = life(dir, records);
    await second.start();
    t.same(second.kids(), ['r1', 'night']);
    t.match(second.events, [
      {
        event: 'quarantined',
        reason:
          /trust\.json: is not what was written; as it was: .*damaged-1; the keys are those of trust document version 5/,
      },
    ]);
    for (const name of ['trust.json', 'trust.copy.json']) writeFileSync(join(dir, name), 'junk');
    const third = life(dir, records);
    await third.start();
    t.same(third.kids(), ['r1', 'ops']);
    t.same(codes(third.events), ['quarantined', 'quarantined', 'trust', 'unknown-key']);
    third.events.length = 0;
    await third.send(doc(4, [entry(r1, 'root'), entry(ops), entry(r2)]));
    t.same(codes(third.events), ['replayed']);
    await third.send(text);
    t.same(third.kids(), ['r1', 'night'], 'the one that was in force is taken again');
  },
);

t.test('a disk that takes no file: nothing has changed, and it is taken when it does', async (t) => {
  const dir = t.testdir({ 'keys.json': SEED });
  const files = hostFiles();
  const disk = { full: true };
  const { start, send, events, kids } = life(dir, [], {
    ...files,
    writeDurably: async (op, path, bytes, mode) => {
      if (disk.full) throw new Failure('disk-full', op, path, `${path}: no space left`, { retry: true });
      return files.writeDurably(op, path, bytes, mode);
    },
  });
  await start();
  const text = doc(3, [entry(r1, 'root'), entry(night)]);
  await t.rejects(send(text), { code: 'disk-full' });
  t.same([events, kids()], [[], ['r1', 'ops']]);
  disk.full = false;
  await send(text);
  t.same(kids(), ['r1', 'night']);
});

t.test('no keys at all is a wrong setting', async (t) => {
  const { room } = life(t.testdir({}), []);
  await t.rejects(room.open(), { exit: 2, message: /keys\.json: there is no such file \(trust\.keys\)/ });
  t.throws(room.ring);
  t.notOk(room.isOurs({ topic: 'fleet/v1/all/halt', payload: new Uint8Array(), retain: true }));
  t.ok(room.isOurs({ topic: 'fleet/v1/dev/d7/trust', payload: new Uint8Array(), retain: true }));
});
