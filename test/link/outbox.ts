import t from 'tap';
import type { Publish } from '../../agent/link/session.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { event, listedOutbox } from '../fixtures/outbox.ts';

/** A link whose answers are given by hand. */
function handLink() {
  const sent: {
    readonly topic: string;
    readonly seq: number;
    readonly retain: boolean;
    answer(code: number): Promise<void>;
  }[] = [];
  const publish: Publish = (topic, payload, { retain }) =>
    new Promise((resolve) => {
      const { seq }: { seq: number } = JSON.parse(payload);
      const answer = async (code: number) => {
        resolve(code);
        await new Promise(setImmediate);
      };
      sent.push({ topic, seq, retain, answer });
    });
  return { sent, publish, seqs: () => sent.map(({ seq }) => seq) };
}
const turn = () => new Promise(setImmediate);

t.test('numbers without gaps, stamped, on the right topics', async (t) => {
  const { outbox, say, records } = listedOutbox();
  const link = handLink();
  outbox.linkUp(link.publish);
  say(event(1), { kind: 'reported', config: 'camera', body: { drift: null } });
  say({ kind: 'lock', config: 'camera', body: { token: 3 } });
  t.same(
    link.sent.map(({ seq, topic, retain }) => [seq, topic, retain]),
    [
      [1, 'fleet/v1/dev/drone-7/evt', false],
      [2, 'fleet/v1/dev/drone-7/reported/camera', true],
      [3, 'fleet/v1/dev/drone-7/lock/camera', true],
    ],
  );
  t.match(records[0], {
    t: 'out',
    seq: 1,
    kind: 'evt',
    body: { seq: 1, boot: /^6b1a/, at: '2026-01-01T00:00:00.000Z', clock: 'ok', event: 'applied' },
  });
});

t.test('nothing goes out before it is on disk, also not behind something that is', async (t) => {
  const { outbox, write, say } = listedOutbox();
  const link = handLink();
  outbox.linkUp(link.publish);
  const first = write(event(1));
  const second = write(event(2), event(3));
  t.same(link.seqs(), []);
  outbox.wake(first);
  t.same(link.seqs(), [1]);
  outbox.linkDown();
  outbox.linkUp(link.publish);
  t.same(link.seqs(), [1, 1], 'a new link does not let it out either');
  outbox.wake(second);
  t.same(link.seqs(), [1, 1, 2, 3]);
  say(event(4));
  t.same(link.seqs().at(-1), 4);
});

t.test('a small window, and the next when one is answered', async (t) => {
  const { outbox, say, memory } = listedOutbox();
  const link = handLink();
  outbox.linkUp(link.publish);
  for (let n = 1; n <= 20; n += 1) say(event(n));
  t.equal(link.sent.length, 8);
  await link.sent[1]?.answer(0);
  t.equal(link.sent.length, 9);
  t.equal(memory.pending.size, 20, 'nothing is noted over the head of the first');
  for (let i = 0; i < link.sent.length; i += 1) await link.sent[i]?.answer(0);
  t.same(
    link.seqs(),
    Array.from({ length: 20 }, (_, i) => i + 1),
  );
  t.equal(memory.pending.size, 0);
  t.equal(await outbox.drained(0), true);
});

t.test(
  'a lost link: from the first that was not answered, once more, in order; late answers of the old link do not count',
  async (t) => {
    const { outbox, say, memory } = listedOutbox();
    const [one, two] = [handLink(), handLink()];
    outbox.linkUp(one.publish);
    for (let n = 1; n <= 5; n += 1) say(event(n));
    await one.sent[0]?.answer(0);
    await one.sent[3]?.answer(0);
    outbox.linkDown();
    outbox.linkUp(two.publish);
    await one.sent[1]?.answer(0);
    t.same(two.seqs(), [2, 3, 5], 'what was answered is not said again');
    await two.sent[1]?.answer(0);
    await two.sent[2]?.answer(0);
    t.ok(memory.pending.has(2), 'the answer to 2 came over the old link');
    await two.sent[0]?.answer(0);
    t.equal(memory.pending.size, 0);
  },
);

t.test('after a restart: what was not noted as sent goes out, after start() only', async (t) => {
  const before = listedOutbox();
  const link = handLink();
  before.outbox.linkUp(link.publish);
  for (let n = 1; n <= 5; n += 1) before.say(event(n));
  await link.sent[0]?.answer(0);
  before.outbox.linkDown();
  const after = listedOutbox({}, before.records);
  const next = handLink();
  after.outbox.linkUp(next.publish);
  t.same(next.seqs(), []);
  after.outbox.start();
  t.same(next.seqs(), [2, 3, 4, 5]);
  after.say(event(6));
  t.same(next.seqs().at(-1), 6);
});

t.test('a broker that was away gets the last states again, but not those that just went out', async (t) => {
  const { outbox, say } = listedOutbox();
  const [one, two, three] = [handLink(), handLink(), handLink()];
  const reported = (config: string) => ({ kind: 'reported', config, body: {} }) as const;
  outbox.linkUp(one.publish);
  say(reported('camera'), reported('radio'), event(1));
  for (let i = 0; i < 3; i += 1) await one.sent[i]?.answer(0);
  outbox.linkDown();
  say(reported('radio'));
  outbox.linkUp(two.publish);
  t.same(two.seqs(), [4, 1]);
  for (let i = 0; i < 2; i += 1) await two.sent[i]?.answer(0);
  t.equal(two.sent.length, 2);
  outbox.linkDown();
  outbox.linkUp(three.publish);
  t.same(three.seqs().sort(), [1, 4]);
});

t.test('paced after a long outage', async (t) => {
  const clock = manualClock();
  const { outbox, say } = listedOutbox({ clock });
  let sent = 0;
  for (let n = 1; n <= 1000; n += 1) say(event(n));
  outbox.linkUp(async () => {
    sent += 1;
    return 0;
  });
  const settle = async () => {
    for (let i = 0; i < 100; i += 1) await turn();
  };
  await settle();
  t.equal(sent, 50, 'the burst');
  for (let i = 0; i < 200; i += 1) {
    clock.advance(5);
    await turn();
  }
  await settle();
  t.ok(sent > 230 && sent <= 251, `${sent} after one second`);
});

t.test('a message the broker refuses holds the rest back, is said aloud, and is tried again', async (t) => {
  const clock = manualClock();
  const { outbox, say, lines } = listedOutbox({ clock });
  const link = handLink();
  outbox.linkUp(link.publish);
  say(event(1), event(2));
  await link.sent[0]?.answer(135);
  t.ok(lines.some((line) => line.startsWith('error') && line.includes('fleet/v1/dev/drone-7/evt')));
  say(event(3));
  t.same(link.seqs(), [1, 2]);
  clock.advance(30_000);
  t.same(link.seqs(), [1, 2, 1, 3]);
});

t.test(
  'at the bound: states and like events first, then the oldest, and one event that says so; nothing of it is forgotten in a restart',
  async (t) => {
    const bounds = { maxCount: 20, maxBytes: 1e6 };
    const { outbox, say, memory, records } = listedOutbox({ bounds });
    say({ kind: 'reported', config: 'camera', body: { n: 1 } });
    for (let n = 1; n <= 500; n += 1) {
      say(event(n), { kind: 'reported', config: 'camera', body: { n } });
      t.ok(memory.pending.size <= bounds.maxCount + 1);
    }
    const again = listedOutbox({ bounds }, records);
    t.same([...again.memory.pending], [...memory.pending], 'the same after a replay');
    const link = handLink();
    outbox.linkUp(link.publish);
    for (let i = 0; i < link.sent.length; i += 1) await link.sent[i]?.answer(0);
    const sent = new Set(link.seqs());
    const dropped = [...records]
      .reverse()
      .flatMap(({ body }) => (typeof body === 'object' && body !== null && 'to_seq' in body ? [body] : []))
      .find((body) => 'seq' in body && typeof body.seq === 'number' && sent.has(body.seq));
    t.match(dropped, { event: 'dropped', from_seq: 1 });
    if (dropped === undefined || !('to_seq' in dropped) || typeof dropped.to_seq !== 'number') throw new Error('none');
    t.equal(
      [...sent].filter((seq) => again.memory.history().some((evt) => evt.seq === seq && evt.event === 'dropped'))
        .length,
      1,
      'one such event, not one for every loss',
    );
    const last = Math.max(...sent);
    for (let seq = 1; seq <= last; seq += 1) {
      if (!sent.has(seq)) t.ok(seq <= dropped.to_seq, `the gap at ${seq} is announced`);
    }
  },
);

t.test('what is under way is never given up', async (t) => {
  const { outbox, say, memory } = listedOutbox({ bounds: { maxCount: 10, maxBytes: 1e6 } });
  const link = handLink();
  outbox.linkUp(link.publish);
  for (let n = 1; n <= 40; n += 1) say(event(n));
  t.same(link.seqs(), [1, 2, 3, 4, 5, 6, 7, 8]);
  t.same([...memory.pending.keys()].slice(0, 8), [1, 2, 3, 4, 5, 6, 7, 8]);
});

t.test('asked to, it says the last states again, as they were; of one config, or of all', async (t) => {
  const { outbox, say, memory } = listedOutbox();
  const reported = (config: string) => ({ kind: 'reported', config, body: {} }) as const;
  outbox.republish(null);
  const link = handLink();
  outbox.linkUp(link.publish);
  say(reported('camera'), event(1), reported('radio'), { kind: 'lock', config: 'camera', body: { token: 3 } });
  outbox.republish(null);
  t.same(link.seqs(), [1, 2, 3, 4], 'what is under way is on its way');
  for (let i = 0; i < 4; i += 1) await link.sent[i]?.answer(0);
  outbox.republish('camera');
  t.same(link.seqs().slice(4), [1, 4]);
  t.ok(link.sent.every(({ topic, retain }) => retain || topic.endsWith('/evt')));
  for (let i = 4; i < 6; i += 1) await link.sent[i]?.answer(0);
  outbox.republish(null);
  t.same(link.seqs().slice(6), [1, 3, 4]);
  t.equal(memory.lastSeq(), 4, 'no number is given for it');
});

t.test('what the broker had when, whole from the first on', async (t) => {
  const clock = manualClock();
  const { outbox, say } = listedOutbox({ clock });
  const link = handLink();
  outbox.linkUp(link.publish);
  for (let n = 1; n <= 3; n += 1) say(event(n));
  await link.sent[1]?.answer(0);
  t.equal(outbox.acknowledged(0), 0, 'the first is not there yet');
  await link.sent[0]?.answer(0);
  t.equal(outbox.acknowledged(0), 2);
  t.equal(outbox.acknowledged(5000), 0);
  clock.advance(5000);
  await link.sent[2]?.answer(0);
  t.same([outbox.acknowledged(0), outbox.acknowledged(5000)], [3, 2]);
});

t.test('whoever asks is told when the broker has more, and by then it can be asked how much', async (t) => {
  const { outbox, say } = listedOutbox();
  const link = handLink();
  const told: number[] = [];
  outbox.onAcknowledged(() => void told.push(outbox.acknowledged(0)));
  outbox.linkUp(link.publish);
  say(event(1), event(2));
  await link.sent[1]?.answer(0);
  await link.sent[0]?.answer(0);
  t.same(told, [0, 2], 'the second alone says nothing of the first');
  say(event(3));
  outbox.linkDown();
  await link.sent[2]?.answer(0);
  t.equal(told.length, 2, 'an answer over a link that is gone is none');
});
