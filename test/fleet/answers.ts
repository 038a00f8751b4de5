import t from 'tap';
import { openAnswers } from '../../agent/fleet/answers.ts';

const ASKED = { root: 'fleet', id: 'u1', config: 'aim', address: 'all', layer: 'base', withdraw: false } as const;
const frame = (topic: string, body: unknown, retain = false) => ({
  topic,
  payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  retain,
});
const evt = (body: object, device = 'd1') => frame(`fleet/v1/dev/${device}/evt`, { update: 'u1', ...body });

t.test('every event has its meaning', async (t) => {
  const table = [
    [{ event: 'applied', final: true }, 'applied', true, true],
    [{ event: 'refused', final: true, code: 'schema' }, 'refused', true, false],
    [{ event: 'refused', final: false, code: 'lock-mismatch' }, 'waiting', false, true],
    [{ event: 'waiting' }, 'waiting', false, true],
    [{ event: 'applying' }, 'applying', false, true],
    [{ event: 'covered' }, 'covered', true, true],
    [{ event: 'duplicate' }, 'duplicate', true, true],
    [{ event: 'failed', final: true }, 'failed', true, false],
    [{ event: 'rolled-back', final: true }, 'rolled-back', true, false],
    [{ event: 'superseded', final: true }, 'superseded', true, false],
    [{ event: 'expired', final: true }, 'expired', true, false],
    [{ event: 'withdrawn', final: true }, 'withdrawn', true, false],
  ] as const;
  for (const [body, state, closed, good] of table) {
    t.match(openAnswers(ASKED).take(evt(body)), { device: 'd1', state, closed, good }, body.event);
  }
  t.match(openAnswers({ ...ASKED, withdraw: true }).take(evt({ event: 'withdrawn', final: true })), { good: true });
  t.equal(openAnswers(ASKED).take(evt({ event: 'lock-hot' })), null);
  t.equal(openAnswers(ASKED).take(evt({ event: 'applied', update: 'u2' })), null);
});

t.test('a report tells the same', async (t) => {
  const reported = (last_attempt: object, pending: unknown = null) =>
    openAnswers(ASKED).take(
      frame('fleet/v1/dev/d1/reported/aim', { last_attempt: { id: 'u1', ...last_attempt }, pending }, true),
    );
  t.match(reported({ result: 'applied' }), { state: 'applied', closed: true, good: true });
  t.match(reported({ result: 'refused', code: 'schema', reason: 'x' }), {
    state: 'refused',
    closed: true,
    good: false,
    code: 'schema',
  });
  t.match(reported({ result: 'refused' }, { id: 'u1' }), { state: 'waiting', closed: false });
  t.match(reported({ result: 'refused' }, { id: 'other' }), { state: 'refused', closed: true });
  t.match(reported({ result: 'waiting' }), { state: 'waiting', closed: false });
  t.equal(reported({ id: 'u0', result: 'applied' }), null);
  t.equal(reported({ result: 'nonsense' }), null);
});

t.test('an answer is told once, and nothing comes after the last one', async (t) => {
  const answers = openAnswers(ASKED);
  const hot = { event: 'refused', final: false, reason: 'lock mismatch: aim.conf HOT (held by x)' };
  t.ok(answers.take(evt(hot)));
  t.equal(answers.take(evt(hot)), null);
  t.ok(answers.take(evt({ ...hot, reason: 'lock mismatch: aim.conf HOT (held by y)' })), 'another holder is news');
  t.ok(answers.take(evt({ event: 'applied', final: true })));
  t.equal(answers.take(evt({ event: 'refused', final: true })), null);
  answers.take(evt({ event: 'applied' }, 'd0'));
  t.same(
    answers.all().map(({ device }) => device),
    ['d0', 'd1'],
  );
});

t.test('a refusal without a name counts only on our topic, live, and after we published', async (t) => {
  const place = { config: 'aim', address: 'all', layer: 'base' };
  const unnamed = (change: object, retain = false) =>
    frame('fleet/v1/dev/d1/evt', { event: 'refused', ...place, code: 'unknown-key', final: true, ...change }, retain);
  const answers = openAnswers(ASKED);
  t.equal(answers.take(unnamed({})), null);
  answers.published();
  t.equal(answers.take(unnamed({ layer: 'shadow' })), null);
  t.equal(answers.take(unnamed({ address: 'dev/x' })), null);
  t.equal(answers.take(unnamed({ config: 'b' })), null);
  t.equal(answers.take(unnamed({}, true)), null);
  t.match(answers.take(unnamed({})), { state: 'refused', code: 'unknown-key' });
});

t.test('whatever else a broker sends is passed over', async (t) => {
  const answers = openAnswers(ASKED);
  const topics = [
    'x',
    'fleet/v1/dev/d1',
    'fleet/v1/dev/a b/evt',
    'fleet/v1/dev/d1/reported/other',
    'fleet/v1/dev/d1/evt/x',
    'other/v1/dev/d1/evt',
  ];
  for (const topic of topics) t.equal(answers.take(frame(topic, { update: 'u1', event: 'applied' })), null, topic);
  for (const body of ['', 'x', '[]', '7', 'null', '{"last_attempt":7}'])
    t.equal(answers.take(frame('fleet/v1/dev/d1/evt', body)), null);
  const answer = answers.take(evt({ event: 'failed', reason: 'a\u001b[31m\nb' }));
  t.equal(answer?.reason, 'a?[31m?b', 'nothing a device says moves the cursor');
});

t.test('a withdrawal is done when what it takes back no longer runs', async (t) => {
  const reported = (running: object, pending: unknown = null) =>
    frame('fleet/v1/dev/d1/reported/aim', { running, last_attempt: null, pending });
  const ours = { version: 7, layer: 'base', address: 'all' };
  const answers = openAnswers({ ...ASKED, withdraw: true });
  t.equal(answers.take(reported(ours)), null);
  const held = answers.take(evt({ event: 'withdrawn', final: true }));
  t.match(held, { state: 'waiting', closed: false, good: true, reason: 'taken back, but version 7 still runs' });
  t.match(answers.take(reported(ours, { id: null, version: 0, waiting_for: ['lock', 'vehicle'] })), {
    ...{ state: 'waiting', closed: false },
    reason: 'taken back, but version 7 still runs, the way back waits for: lock, vehicle',
  });
  t.match(answers.take(reported({ version: 0, layer: null, address: null })), { state: 'withdrawn', closed: true });

  const other = openAnswers({ ...ASKED, withdraw: true });
  other.take(reported({ version: 9, layer: 'shadow', address: 'dev/d1' }));
  t.match(other.take(evt({ event: 'withdrawn', final: true })), { closed: true }, 'it did not run here');
});
