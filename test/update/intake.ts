import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { type Intake, openIntake } from '../../agent/update/intake.ts';
import { createLedger, endedRecord, heldRecord, intentRecord, refOf } from '../../agent/update/ledger.ts';
import { openRefusalBudget } from '../../agent/update/refusals.ts';
import { createTrials } from '../../agent/update/trials.ts';
import { parseUpdate } from '../../agent/values/document.ts';
import { refuse } from '../../agent/values/errors.ts';
import type { EventBody } from '../../agent/values/report.ts';
import type { Update } from '../../agent/values/update.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { heldUpdate, SIGNED_S, signedForm, update } from '../fixtures/update.ts';

/** An intake over a ledger; signatures are believed unless `distrust` says otherwise. */
function door(distrust: (jws: string) => boolean = () => false) {
  const ledger = createLedger();
  const clock = manualClock();
  const budget = openRefusalBudget(clock);
  const events: EventBody[] = [];
  const records: string[] = [];
  const woken: string[] = [];
  const counted = { duplicates: 0 };
  const intake: Intake = openIntake({
    ...{ root: 'fleet', ledger, trials: createTrials(ledger.find), budget, sha256 },
    async speak(given, said) {
      for (const record of given) {
        records.push(record.t);
        ledger.fold(record);
      }
      events.push(...said);
    },
    context: () => ({
      addresses: ['dev/drone-7', 'grp/canary', 'all'],
      configs: new Map([['aim', ['aim.conf']]]),
      ...{ nowS: SIGNED_S, clock: 'ok', sha256 },
    }),
    verify(jws) {
      if (distrust(jws)) return { ...refuse('bad-signature', 'the signature does not fit'), signed: false };
      const parsed = parseUpdate(JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()));
      return 'kind' in parsed ? { ...parsed, signed: true } : { kind: 'update', kid: 'k', update: parsed };
    },
    wake: (config) => void woken.push(config),
    count: () => {
      counted.duplicates += 1;
    },
  });
  const send = (wish: Partial<Update> = {}, topic = 'fleet/v1/all/desired/aim/base') =>
    intake.frame({ topic, payload: new TextEncoder().encode(signedForm(update(wish))), retain: true });
  const raw = (text: string, topic = 'fleet/v1/all/desired/aim/base') =>
    intake.frame({ topic, payload: new TextEncoder().encode(text), retain: false });
  return { ledger, clock, budget, events, records, woken, counted, intake, send, raw };
}

t.test('a new document is held, durably, and its config woken; nothing is said yet', async (t) => {
  const { send, events, records, woken, ledger } = door();
  t.match(await send(), { kind: 'held', held: { id: 'u-1', version: 1, ended: null } });
  t.same(records, ['held']);
  t.same(woken, ['aim']);
  t.same(events, []);
  t.equal(ledger.place('aim', 'all', 'base')?.mark, 1);
});

t.test('an empty payload means nothing', async (t) => {
  const { raw, records, woken } = door();
  t.match(await raw(''), { kind: 'empty' });
  t.same([records, woken], [[], []]);
});

t.test('a newer one ends the one that waits; a tombstone ends both', async (t) => {
  const { send, events, records } = door();
  await send();
  await send({ version: 2, id: 'u-2' });
  t.match(events, [{ event: 'superseded', update: 'u-1', reason: 'by version 2', final: true }]);
  await send({ version: 3, id: 'u-3', withdraw: true });
  t.match(events.slice(1), [
    { event: 'withdrawn', update: 'u-2', reason: 'by version 3', final: true },
    { event: 'withdrawn', update: 'u-3', final: true },
  ]);
  t.same(records, ['held', 'ended', 'held', 'ended', 'held', 'ended']);
});

t.test('one that has its outcome already gets no second one', async (t) => {
  const { send, events, ledger } = door();
  await send();
  ledger.fold(endedRecord(heldUpdate(), 'applied', 0));
  await send({ version: 2, id: 'u-2' });
  t.same(events, []);
});

t.test('one whose commit is under way is let finish', async (t) => {
  const { send, events, ledger } = door();
  await send();
  const held = heldUpdate();
  ledger.fold(intentRecord({ config: 'aim', of: refOf(held), files: [], tokenBefore: 0 }));
  await send({ version: 2, id: 'u-2' });
  t.same(events, [], 'not superseded: its commit gives it its outcome');
  t.equal(ledger.place('aim', 'all', 'base')?.latest.id, 'u-2');
});

t.test('the same again is only counted', async (t) => {
  const { send, intake, events, counted, woken } = door();
  await send();
  t.match(await send(), { kind: 'duplicate', held: { id: 'u-1' } });
  t.match(
    await intake.file(new TextEncoder().encode(`${signedForm(update())}\n`)),
    { kind: 'duplicate' },
    'from a file too',
  );
  t.equal(counted.duplicates, 2);
  t.same(events, []);
  t.same(woken, ['aim']);
});

t.test('a renewal goes on under the first name, with the later time', async (t) => {
  const { send, events, ledger, woken } = door();
  await send({ exp: SIGNED_S + 60 });
  t.match(await send({ id: 'again', exp: SIGNED_S + 90 }), {
    kind: 'duplicate',
    held: { id: 'u-1', exp: SIGNED_S + 90 },
  });
  t.match(events, [{ event: 'duplicate', update: 'again', reason: 'renews u-1' }]);
  t.same(woken, ['aim', 'aim']);
  await send({ id: 'earlier', exp: SIGNED_S + 30 });
  t.equal(ledger.place('aim', 'all', 'base')?.latest.exp, SIGNED_S + 90, 'an earlier one takes nothing away');
});

t.test('version used twice: refused, and an alarm', async (t) => {
  const { send, events } = door();
  await send({ version: 5 });
  t.match(await send({ version: 5, id: 'other', withdraw: true }), { kind: 'refusal', code: 'version-reused' });
  t.match(events, [
    { event: 'refused', code: 'version-reused', final: true },
    { event: 'alarm', code: 'version-reused' },
  ]);
  t.match(await send({ version: 4, id: 'old' }), { code: 'replayed' });
});

t.test(
  'one that a newer has taken the place of, and that the broker still has: counted, and no second answer',
  async (t) => {
    const { send, events, counted, ledger } = door();
    await send({ version: 5, id: 'old' });
    ledger.fold(endedRecord(ledger.place('aim', 'all', 'base')?.latest ?? heldUpdate(), 'applied', 0));
    await send({ version: 6, id: 'new' });
    const before = events.length;
    t.match(await send({ version: 5, id: 'old' }), { kind: 'refusal', code: 'replayed' });
    t.equal(events.length, before, 'the outcome it has had is its only one');
    t.equal(counted.duplicates, 1);
    await send({ version: 5, id: 'another' });
    t.match(events.at(-1), { event: 'refused', update: 'another', code: 'replayed' });
  },
);

t.test('a refusal is said once per signed form, with the place it was published to', async (t) => {
  const { send, events, records, counted, budget } = door();
  const topic = 'fleet/v1/grp/canary/desired/aim/shadow';
  t.match(await send({}, topic), { kind: 'refusal', code: 'wrong-audience', final: true });
  await send({}, topic);
  t.match(events, [
    { event: 'refused', config: 'aim', layer: 'shadow', address: 'grp/canary', code: 'wrong-audience' },
  ]);
  t.same(records, ['answered']);
  t.same([counted.duplicates, budget.counts()], [1, { 'wrong-audience': 1 }]);
});

t.test('what was refused may pass later: it is judged again, and only the answer is not repeated', async (t) => {
  const trusted = { yet: false };
  const { send, events } = door(() => !trusted.yet);
  t.match(await send(), { code: 'bad-signature' });
  t.match(await send(), { code: 'bad-signature' });
  t.equal(events.length, 1);
  trusted.yet = true;
  t.match(await send(), { kind: 'held' });
});

t.test('a flood nobody has signed: ten events a minute and code, all of it counted, nothing believed', async (t) => {
  const { send, raw, events, budget, clock, records } = door(() => true);
  for (let n = 0; n < 25; n += 1) {
    await raw(`garbage ${n}`);
    await send({ version: n + 1 });
  }
  t.same(budget.counts(), { malformed: 25, 'bad-signature': 25 });
  t.equal(events.length, 20);
  t.ok(events.every((event) => !('update' in event) && !('version' in event)));
  clock.advance(60_000);
  await raw('garbage again');
  t.equal(events.length, 21);
  t.notOk(records.includes('held'));
});

t.test('a topic that is none of an update, and a message too large', async (t) => {
  const { raw, events } = door();
  t.match(await raw('x', 'fleet/v1/all/desired/aim'), { code: 'wrong-topic' });
  t.match(await raw('x'.repeat(128 * 1024 + 1)), { code: 'too-large' });
  t.match(events[1], { config: 'aim', layer: 'base', address: 'all' });
});

t.test('a held document keeps what the resolver needs of it', async (t) => {
  const { send, ledger } = door();
  const wish = {
    layer: 'shadow',
    aud: 'grp/canary',
    until: SIGNED_S + 9,
    exp: SIGNED_S + 5,
    expect: { token: 3 },
  } as const;
  await send(wish, 'fleet/v1/grp/canary/desired/aim/shadow');
  const { latest } = ledger.place('aim', 'grp/canary', 'shadow') ?? {};
  const { jws } = heldUpdate({}, update(wish));
  t.match(latest, {
    until: SIGNED_S + 9,
    exp: SIGNED_S + 5,
    expect: { token: 3 },
    iat: SIGNED_S,
    jws,
    hash: sha256(jws),
  });
  t.equal(heldRecord(heldUpdate()).t, 'held');
});

t.test('a new document that is refused at the door was tried; an old one, or one for others, was not', async (t) => {
  const { send, ledger, woken, events } = door();
  await send({ version: 2, exp: SIGNED_S - 1 });
  t.match(events.at(-1), { event: 'refused', code: 'expired', version: 2 });
  t.match(ledger.tried('aim')?.attempt, { id: 'u-1', version: 2, result: 'refused', code: 'expired', layer: 'base' });
  t.same(woken, ['aim'], 'so that its state is said');
  t.equal(ledger.mark('aim', 'all', 'base'), 0, 'and its version is no mark');
  await send({ version: 3 });
  await send({ version: 4, config: 'other' }, 'fleet/v1/all/desired/other/base');
  await send({ version: 4, aud: 'dev/other' }, 'fleet/v1/dev/other/desired/aim/base');
  await send({ version: 1, exp: SIGNED_S - 1 });
  t.match(ledger.tried('aim')?.attempt, { version: 2 });
  t.equal(ledger.tried('other'), null);
});
