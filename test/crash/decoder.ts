import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { MavLinkPacketSignature, MavLinkTLogPacketSplitter } from 'node-mavlink';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { encode } from '../../agent/vehicle/mavlink/encode.ts';
import { MESSAGES, readField } from '../../agent/vehicle/mavlink/messages.ts';
import { createSignatureCheck, sign } from '../../agent/vehicle/mavlink/signature.ts';
import { bundle } from '../fixtures/bundle.ts';
import { FLIGHT, ourFrames, THEIRS, theirFrame, theirName, theirPackets, theirSigned } from '../fixtures/mavlink.ts';
import { compared, damagedStream, isOver, ourPlaced } from '../fixtures/mavlink-damage.ts';
import { anyOf, filled, isExtension } from '../fixtures/mavlink-messages.ts';
import { openProof } from '../fixtures/proof.ts';

// Our MAVLink against node-mavlink's, both ways; damage costs the damaged frames and no other; garbage costs neither memory nor time.

const proof = openProof(t);
t.setTimeout(proof.full ? 3_600_000 : 120_000);
const KEY = MavLinkPacketSignature.key('a secret');
const NOW = Date.UTC(2026, 0, 1);
const GARBAGE = join(import.meta.dirname, '..', 'fixtures', 'garbage-run.ts');
const [FRAMES, DAMAGED] = [10_277, 427];

t.test('what node-mavlink writes we read: all messages, both versions, signed and not', async (t) => {
  let frames = 0;
  const wrong: string[] = [];
  for (let round = 0; round < proof.rounds(20, 2_000); round += 1) {
    const check = createSignatureCheck(KEY, sha256);
    for (const [name, { id, fields }] of Object.entries(MESSAGES)) {
      const { message, values } = filled(id, proof.unit);
      const [seq, system, component] = [proof.below(256), 1 + proof.below(255), 1 + proof.below(255)];
      const bytes = Buffer.concat([
        theirFrame(message, 1, seq, system, component),
        theirFrame(message, 2, seq, system, component),
        theirSigned(message, KEY, seq, system, component),
      ]);
      const found = ourFrames(bytes, 1 + proof.below(300));
      const heads = found.map(
        (one) => `${one.version} ${one.signed} ${one.id} ${one.seq} ${one.system} ${one.component}`,
      );
      const head = `${id} ${seq} ${system} ${component}`;
      if (heads.join() !== `1 false ${head},2 false ${head},2 true ${head}`) wrong.push(`${name}: ${heads}`);
      for (const frame of found) {
        for (const [field, where] of Object.entries(fields)) {
          const said = frame.version === 1 && isExtension(id, field) ? 0 : values[field];
          const read = readField(frame.payload, where);
          if (!Object.is(read, said)) wrong.push(`${name}.${field} in version ${frame.version}: ${read}, not ${said}`);
        }
        if (frame.signed && check(frame) !== null) wrong.push(`${name}: ${check(frame)}`);
      }
      frames += found.length;
    }
  }
  t.same(wrong.slice(0, 10), [], `${frames} frames`);
  proof.figure('frames-of-node-mavlink-read', frames, '1');
});

t.test('what we write node-mavlink reads: all messages, both versions, signed and not', async (t) => {
  const signer = { key: KEY, link: 191, sha256 };
  let frames = 0;
  const wrong: string[] = [];
  for (let round = 0; round < proof.rounds(20, 2_000); round += 1) {
    for (const [name, message] of Object.entries(MESSAGES)) {
      const { id } = message;
      const values = Object.fromEntries(
        Object.entries(message.fields).map(([field, [, kind]]) => [field, anyOf(kind, proof.unit)]),
      );
      const sender = { system: 1 + proof.below(255), component: 191, seq: proof.below(256) };
      const two = encode(message, values, { version: 2, ...sender });
      const bytes = [encode(message, values, { version: 1, ...sender }), two, sign(two, signer, NOW + round)];
      const packets = await theirPackets(Buffer.concat(bytes));
      const heads = packets.map(({ header, signature }) => {
        const signed = signature === null ? 'unsigned' : signature.matches(KEY) ? 'signed' : 'signed by another';
        return `${header.msgid} ${header.seq} ${header.sysid} ${signed}`;
      });
      const head = `${id} ${sender.seq} ${sender.system}`;
      if (heads.join() !== `${head} unsigned,${head} unsigned,${head} signed`) wrong.push(`${name}: ${heads}`);
      for (const [n, packet] of packets.entries()) {
        const Theirs = THEIRS[id];
        if (Theirs === undefined) throw new Error(name);
        const read = new Map<string, unknown>(Object.entries(packet.protocol.data(packet.payload, Theirs)));
        for (const [field, value] of Object.entries(values)) {
          const found = read.get(theirName(id, field));
          const first: unknown = Array.isArray(found) ? found[0] : found;
          const said = n === 0 && isExtension(id, field) ? 0 : value;
          if (Number(first) !== said) wrong.push(`${name}.${field} in frame ${n}: ${first}, not ${said}`);
        }
      }
      frames += packets.length;
    }
  }
  t.same(wrong.slice(0, 10), [], `${frames} frames`);
  proof.figure('frames-of-ours-read-by-node-mavlink', frames, '1');
});

t.test(`damage costs the damaged frames and no other: ${FRAMES - DAMAGED} of ${FRAMES - DAMAGED}`, async (t) => {
  const rounds = proof.rounds(1, 100);
  const counts = { intact: 0, lost: 0, strange: 0 };
  for (let round = 0; round < rounds; round += 1) {
    const { bytes, intact } = damagedStream(proof.unit, FRAMES, DAMAGED);
    const { lost, strange } = compared(
      intact,
      ourPlaced(bytes, () => 1 + proof.below(2_000)),
    );
    t.equal(intact.length, FRAMES - DAMAGED);
    // A damaged frame whose checksum is right by chance may lie over an intact one: no decoder could tell.
    t.same(
      lost.filter((one) => !strange.some((other) => isOver(one, other))),
      [],
      `round ${round}`,
    );
    counts.intact += intact.length;
    counts.lost += lost.length;
    counts.strange += strange.length;
  }
  // Each damaged frame has a handful of places at which one in 65,536 goes through.
  t.ok(
    counts.strange <= 2 + rounds / 4,
    `${counts.strange} checksums right by chance, ${counts.lost} frames under them`,
  );
  proof.figure('damage-intact-frames', counts.intact, '1');
  proof.figure('damage-intact-frames-found', counts.intact - counts.lost, '1');
  proof.figure('damage-checksums-right-by-chance', counts.strange, '1');
});

t.test('the same finds what a decoder loses that goes on behind a frame whose checksum is wrong', async (t) => {
  const program = await bundle(join(import.meta.dirname, '..', 'fixtures', 'mavlink-damage.ts'), [
    {
      file: 'agent/vehicle/mavlink/frames.ts',
      from: 'at += frame?.raw.length ?? 1;',
      to: "at += frame?.raw.length ?? (typeof length === 'number' ? length : 1);",
    },
  ]);
  const faulty: { readonly ourPlaced: typeof ourPlaced } = await import(program);
  const { bytes, intact } = damagedStream(proof.unit, FRAMES, DAMAGED);
  const { lost, strange } = compared(
    intact,
    faulty.ourPlaced(bytes, () => 1_000),
  );
  const unexplained = lost.filter((one) => !strange.some((other) => isOver(one, other)));
  t.ok(unexplained.length > DAMAGED / 4, `${unexplained.length} of ${intact.length}`);
  proof.figure('damage-lost-without-resync', unexplained.length, '1');
});

/** Most often that one byte may be looked at: thrice by each frame that could begin in the 280 bytes up to it. */
const LOOKS_MAX = 3 * 280;
/** What a decoder may hold on to, in bytes, with what its process holds for itself. */
const HELD_MAX = 256 * 1024;
/** What its process may grow meanwhile: pieces that are not collected yet. */
const RSS_MAX = 32 * 2 ** 20;
/** What a decoder may keep for the next piece: less than the longest frame. */
const KEPT_MAX = 280;

interface Cost {
  readonly given: number;
  readonly frames: number;
  readonly keptMost: number;
  readonly looksMost: number;
  readonly looksMean: number;
  readonly heldMore: number;
  readonly rssMore: number;
}

/** Gives garbage to a decoder in a process of its own. */
async function cost(program: string, plan: object): Promise<Cost> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const all = { seed: proof.below(2 ** 31), garbage: 'random', piece: 4096, decoder: 'ours', counts: false, ...plan };
  const child = spawn(process.execPath, ['--expose-gc', program, JSON.stringify(all)], { env });
  t.teardown(() => child.kill('SIGKILL'));
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
  if (err !== '') throw new Error(err);
  return JSON.parse(out);
}

t.test('ten million bytes of garbage: no memory', async (t) => {
  const program = await bundle(GARBAGE);
  for (const [garbage, bytes] of [
    ['random', 10_000_000],
    ['idle', 10_000_000],
    ['broken', proof.rounds(1_000_000, 10_000_000)],
    ['starts', proof.rounds(300_000, 10_000_000)],
  ] as const) {
    const { heldMore, rssMore, frames } = await cost(program, { garbage, bytes });
    t.ok(heldMore < HELD_MAX, `${garbage}: ${heldMore} bytes more are held than before, ${frames} frames by chance`);
    t.ok(rssMore < RSS_MAX, `${garbage}: the process has ${rssMore} bytes more at its height`);
    proof.figure(`garbage-${garbage}-held`, Math.round(heldMore / 1024), 'KiB');
  }
  const theirs = await cost(program, { garbage: 'idle', bytes: 4_000_000, decoder: 'theirs' });
  t.ok(theirs.heldMore > 2_000_000, `the same measure finds ${theirs.heldMore} bytes held by node-mavlink's`);
});

t.test('no byte is looked at more than so often, however much comes and in whatever pieces', async (t) => {
  const program = await bundle(GARBAGE);
  for (const [garbage, bytes, piece] of [
    ['random', proof.rounds(100_000, 10_000_000), 4096],
    ['random', proof.rounds(20_000, 1_000_000), 3],
    ['broken', proof.rounds(20_000, 1_000_000), 4096],
    ['broken', proof.rounds(10_000, 200_000), 1],
    ['starts', proof.rounds(5_000, 1_000_000), 4096],
    ['starts', proof.rounds(2_000, 200_000), 1],
  ] as const) {
    const { looksMost, looksMean, keptMost } = await cost(program, { garbage, bytes, piece, counts: true });
    const words = `${garbage} in pieces of up to ${piece}: ${looksMost}, ${looksMean.toFixed(1)} on the average`;
    t.ok(looksMost > 1 && looksMost <= LOOKS_MAX, words);
    t.ok(keptMost < KEPT_MAX, `${keptMost} bytes at most were kept for the next`);
    proof.figure(`garbage-${garbage}-in-${piece}-looks-at-a-byte-at-most`, looksMost, '1');
  }
  const [from, to] = ['all.slice(scan(all, false, scanned))', 'all.slice(0 * scan(all, false, scanned))'];
  const worse = await bundle(GARBAGE, [{ file: 'agent/vehicle/mavlink/frames.ts', from, to }]);
  const faulty = await cost(worse, { garbage: 'random', bytes: 4_000, piece: 3, counts: true });
  t.ok(faulty.looksMost > LOOKS_MAX, `the same count finds one that begins anew each time: ${faulty.looksMost}`);
  t.ok(faulty.keptMost > KEPT_MAX);
});

t.test('the recorded flight gives the same messages, one for one, as node-mavlink finds', async (t) => {
  const bytes = readFileSync(FLIGHT);
  const theirs = new Map<number, number>();
  const splitter = new MavLinkTLogPacketSplitter();
  splitter.on('data', ({ buffer }: { buffer: Buffer }) => {
    const id = buffer[0] === 0xfe ? buffer.readUInt8(5) : buffer.readUIntLE(7, 3);
    theirs.set(id, (theirs.get(id) ?? 0) + 1);
  });
  splitter.end(bytes);
  await once(splitter, 'end');
  const sorted = (counts: Map<number, number>) => [...counts].sort(([a], [b]) => a - b);
  for (let round = 0; round < proof.rounds(3, 100); round += 1) {
    const ours = new Map<number, number>();
    for (const { id } of ourFrames(bytes, 1 + proof.below(5_000))) ours.set(id, (ours.get(id) ?? 0) + 1);
    t.same(sorted(ours), sorted(theirs));
  }
  const frames = [...theirs.values()].reduce((a, b) => a + b, 0);
  t.ok(frames > 10_000 && (theirs.get(0) ?? 0) > 100 && (theirs.get(33) ?? 0) > 100, `${frames} frames`);
  proof.figure('recorded-frames', frames, '1');
});
