import t from 'tap';
import { packetBytes } from '../../agent/link/meter.ts';
import { bench, slowBench, toldOf, turn } from '../fixtures/lanes.ts';

t.test(
  'with a link a heartbeat and a position go at once and touch no disk; a track is kept until it was acknowledged',
  async (t) => {
    const { lanes, publish, sent, records, memory, answerAll } = bench();
    lanes.linkUp(publish);
    const before = records.length;
    lanes.say('hb', { n: 1 });
    lanes.say('position', { n: 2 });
    t.equal(records.length, before);
    lanes.say('track', { n: 3 }, [{ t: 'more' }]);
    t.same(sent, [
      { topic: 'fleet/v1/dev/drone-7/hb', text: '{"n":1}', qos: 0, retain: false },
      { topic: 'fleet/v1/dev/drone-7/position', text: '{"n":2}', qos: 0, retain: true },
      { topic: 'fleet/v1/dev/drone-7/track', text: '{"n":3}', qos: 1, retain: false },
    ]);
    t.equal(memory.waiting.size, 1);
    await answerAll();
    t.equal(memory.waiting.size, 0);
    t.match(records.at(-1), { t: 'lane-got' });
  },
);

t.test('without a link all is kept; when it is there how it was last goes first, the rest in order', async (t) => {
  const { lanes, publish, sent, answerAll } = bench();
  for (let n = 1; n <= 3; n += 1) {
    lanes.say('position', { n });
    lanes.say('hb', { n });
    lanes.say('track', { n });
  }
  t.equal(lanes.backlog().count, 9);
  lanes.linkUp(publish);
  await answerAll();
  t.same(
    sent.map(({ topic, text, qos, retain }) => [topic.split('/').at(-1), JSON.parse(text).n, qos, retain]),
    [
      ['position', 3, 1, true],
      ['hb', 3, 1, false],
      ['position', 1, 1, false],
      ['hb', 1, 1, false],
      ['track', 1, 1, false],
      ['position', 2, 1, false],
      ['hb', 2, 1, false],
      ['track', 2, 1, false],
      ['track', 3, 1, false],
    ],
  );
  t.equal(lanes.backlog().count, 0);
});

t.test('while much waits, how it is now goes at once and is what is retained; each once', async (t) => {
  const { clock, lanes, publish, sent, answerAll } = bench();
  for (let n = 1; n <= 60; n += 1) {
    lanes.say('position', { n });
    lanes.say('hb', { n });
  }
  lanes.linkUp(publish);
  await answerAll();
  for (let n = 61; n <= 70; n += 1) {
    lanes.say('position', { n });
    lanes.say('hb', { n });
    t.match(sent.slice(-2), [
      { text: `{"n":${n}}`, qos: 0, retain: true },
      { text: `{"n":${n}}`, qos: 0 },
    ]);
    clock.advance(1000);
    await answerAll();
  }
  t.equal(lanes.backlog().count, 0);
  for (const lane of ['position', 'hb']) {
    const told = toldOf(lane, sent);
    const isRetained = lane === 'position';
    t.same(told[0], [60, 1, isRetained]);
    const kept = told.slice(1).filter(([, qos]) => qos === 1);
    t.same(
      kept,
      Array.from({ length: 59 }, (_, n) => [n + 1, 1, false]),
      'what waits: in order, behind it',
    );
    t.equal(told.length, 70);
  }
});

t.test('what is of the past stays so: over the end of the link, a kill, a journal written anew', async (t) => {
  const { clock, lanes, publish, sent, answerAll, memory, records } = bench();
  for (let n = 1; n <= 60; n += 1) lanes.say('position', { n });
  lanes.linkUp(publish);
  await answerAll();
  lanes.linkDown();
  lanes.linkUp(publish);
  await answerAll();
  t.same(
    toldOf('position', sent).filter(([, , retain]) => retain),
    [[60, 1, true]],
    'nothing newer waits',
  );
  lanes.say('position', { n: 61 });
  clock.advance(1000);
  lanes.answered(20);
  for (const replay of [records, memory.snapshot()]) {
    const next = bench(JSON.parse(JSON.stringify(replay)));
    next.lanes.linkUp(next.publish);
    await next.answerAll();
    t.ok(next.sent.length > 0);
    t.notOk(
      next.sent.some(({ retain }) => retain),
      'after a kill',
    );
    next.lanes.linkDown();
    next.lanes.say('position', { n: 62 });
    next.lanes.linkUp(next.publish);
    await next.answerAll();
    t.same(
      toldOf('position', next.sent).filter(([, , retain]) => retain),
      [[62, 1, true]],
    );
  }
});

t.test('what the broker has not taken when something newer is said is of the past', async (t) => {
  const { clock, lanes, publish, sent, answers, records } = bench();
  for (let n = 1; n <= 3; n += 1) lanes.say('position', { n });
  lanes.linkUp(publish);
  lanes.say('position', { n: 4 });
  clock.advance(1000);
  lanes.answered(20);
  const next = bench(JSON.parse(JSON.stringify(records)));
  next.lanes.linkUp(next.publish);
  await next.answerAll();
  t.same(toldOf('position', next.sent), [
    [1, 1, false],
    [2, 1, false],
    [3, 1, false],
  ]);
  for (const answer of answers) answer(0x87);
  await turn();
  const before = sent.length;
  clock.advance(30_000);
  t.ok(sent.length > before, 'tried again');
  t.notOk(sent.slice(before).some(({ retain }) => retain));
});

t.test('a start after a crash goes on with what was kept', async (t) => {
  const first = bench();
  first.lanes.say('hb', { n: 1 });
  first.lanes.say('track', { n: 2 });
  const second = bench(JSON.parse(JSON.stringify(first.records)));
  second.lanes.say('hb', { n: 3 });
  second.lanes.linkUp(second.publish);
  await second.answerAll();
  t.same(
    second.sent.map(({ text }) => JSON.parse(text).n),
    [3, 1, 2],
  );
  const third = bench(JSON.parse(JSON.stringify(second.records)));
  third.lanes.linkUp(third.publish);
  t.same(third.sent, [], 'and each only until it was acknowledged');
});

t.test('what a dying link has swallowed is sent again; what came before an answer is not', async (t) => {
  const { clock, lanes, publish, sent, answerAll } = bench();
  lanes.linkUp(publish);
  lanes.say('hb', { n: 1 });
  clock.advance(1000);
  lanes.answered(20);
  lanes.say('hb', { n: 2 });
  clock.advance(30_000);
  lanes.linkDown();
  lanes.linkUp(publish);
  await answerAll();
  t.same(
    sent.map(({ text }) => JSON.parse(text).n),
    [1, 2, 2],
  );
});

t.test(
  'an outage that nobody has noticed yet: what does not get through is kept after a second, for the case of a kill',
  async (t) => {
    const { clock, lanes, publish, queued, kept, told, records, memory } = slowBench();
    lanes.say('hb', { n: 1 });
    clock.advance(60_000);
    t.equal(kept(), 0, 'it got through');
    queued.bytes = 7;
    lanes.say('position', { n: 2 });
    clock.advance(900);
    t.equal(kept(), 0, 'it may be on its way');
    clock.advance(100);
    t.equal(kept(), 1);
    queued.bytes = 14;
    lanes.say('position', { n: 3 });
    clock.advance(1_000);
    t.equal(kept(), 2);
    t.same(
      told(),
      [
        [1, 0],
        [2, 0],
        [3, 0],
      ],
      'as long as the link may be there, nothing is sent twice',
    );

    const next = bench(JSON.parse(JSON.stringify(records)));
    next.lanes.linkUp(next.publish);
    await next.answerAll();
    t.same(
      next.sent.map(({ text }) => JSON.parse(text).n),
      [3, 2],
      'after a kill',
    );

    lanes.answered(20);
    t.equal(memory.waiting.size, 0, 'it was only slow');
    lanes.linkDown();
    lanes.linkUp(publish);
    t.equal(told().length, 3);
  },
);

t.test('a link that ends after all: what was kept and what was not goes out again, once', async (t) => {
  const { clock, lanes, publish, queued, kept, told, answerAll, memory } = slowBench();
  lanes.say('hb', { n: 1 });
  clock.advance(1_000);
  queued.bytes = 7;
  lanes.say('hb', { n: 2 });
  clock.advance(1_000);
  queued.bytes = 14;
  lanes.say('hb', { n: 3 });
  t.equal(kept(), 1);
  lanes.linkDown();
  t.equal(lanes.backlog().count, 3);
  lanes.linkUp(publish);
  await answerAll();
  t.same(told().slice(3), [
    [3, 1],
    [1, 1],
    [2, 1],
  ]);
  t.equal(memory.waiting.size, 0);
});

t.test('a way that is slow: how far it got is told by the bytes of whole packets', async (t) => {
  const { clock, lanes, queued, kept } = slowBench();
  queued.bytes = packetBytes('fleet/v1/dev/drone-7/position', '{"n":2}', 0);
  for (const n of [1, 2]) lanes.say('position', { n });
  clock.advance(1_000);
  t.equal(kept(), 1, 'the first got through');
});

t.test('whoever leaves does not wait for what was only slow', async (t) => {
  const { clock, lanes, queued } = slowBench();
  queued.bytes = 7;
  lanes.say('hb', { n: 1 });
  clock.advance(1_000);
  t.equal(lanes.backlog().count, 1);
  const left = lanes.drained(60_000);
  clock.advance(100);
  lanes.answered(20);
  await left;
  t.equal(lanes.backlog().count, 0);
});

t.test('what piled up is paced, and waits for the records', async (t) => {
  const { clock, lanes, waiting, publish, sent, answerAll } = bench();
  for (let n = 1; n <= 100; n += 1) lanes.say('hb', { n });
  waiting.records = 50;
  lanes.linkUp(publish);
  t.same(toldOf('hb', sent), [[100, 1, false]], 'records go first, but for how it is now');
  waiting.records = 0;
  clock.advance(250);
  await answerAll();
  t.equal(sent.length, 1 + 25, 'the burst');
  clock.advance(1000);
  await answerAll();
  t.ok(sent.length > 26 && sent.length <= 52, 'then by and by');
  for (let n = 0; n < 10; n += 1) {
    clock.advance(1000);
    await answerAll();
  }
  t.same(
    sent.slice(1).map(({ text }) => JSON.parse(text).n),
    Array.from({ length: 99 }, (_, n) => n + 1),
  );
});

t.test('too much: given up in its order, counted, and told once', async (t) => {
  const { lanes, memory, records } = bench([], 3300);
  lanes.say('hb', { hb: 'x'.repeat(900) });
  lanes.say('track', { track: 'x'.repeat(900) });
  lanes.say('position', { position: 'x'.repeat(900) });
  lanes.say('hb', { hb: 'y'.repeat(900) });
  t.same(
    [...memory.waiting.values()].map(({ lane, text }) => [lane, text.length > 100]),
    [
      ['hb', true],
      ['track', false],
      ['position', true],
      ['hb', true],
    ],
  );
  t.equal(lanes.untold(), null, 'less detail is not less');
  lanes.say('hb', { hb: 'z'.repeat(900) });
  t.same(
    [...memory.waiting.values()].map(({ lane }) => lane),
    ['hb', 'hb', 'hb'],
  );
  t.same(lanes.untold(), { track: 1, position: 1, hb: 0 });
  t.same(lanes.lost(), { track: 1, position: 1, hb: 0 });
  lanes.told({ track: 1, position: 1, hb: 0 });
  t.equal(lanes.untold(), null);
  t.same(lanes.lost(), { track: 1, position: 1, hb: 0 }, 'counted since the start');
  t.same(bench(JSON.parse(JSON.stringify(records))).lanes.untold(), null, 'also over a restart');
});

t.test('what is too old goes', async (t) => {
  const { clock, lanes } = bench();
  lanes.say('hb', { n: 1 });
  clock.advance(3_600_001);
  lanes.settle();
  t.equal(lanes.backlog().count, 0);
  t.same(lanes.untold(), { track: 0, position: 0, hb: 1 });
});

t.test('whoever leaves can wait for the rest to go, but not for ever', async (t) => {
  const { clock, lanes, publish, answerAll } = bench();
  await lanes.drained(1000);
  lanes.say('track', { n: 1 });
  const late = lanes.drained(1000);
  clock.advance(1000);
  await late;
  lanes.linkUp(publish);
  const soon = lanes.drained(1000);
  await answerAll();
  await soon;
  t.equal(lanes.backlog().count, 0);
});

t.test('what is on its way is not given up while it is kept, however little may be', async (t) => {
  const { clock, lanes, queued, memory } = slowBench(5);
  queued.bytes = 1_000;
  lanes.say('hb', { n: 1 });
  clock.advance(1_000);
  t.equal(memory.waiting.size, 1);
  t.equal(lanes.lost().hb, 0);
});
