import t from 'tap';
import { generationRecord } from '../../agent/update/generations.ts';
import * as back from '../../agent/update/going-back.ts';
import { heldRecord, ranRecord, refOf } from '../../agent/update/ledger.ts';
import { heldUpdate, ledgerOf } from '../fixtures/update.ts';

const wish = { config: 'aim', by: 'mira', reason: 'it oscillates', undo: false };
const document = (version: number) =>
  ({ id: `u-${version}`, version, layer: 'base', address: 'all', kid: 'k' }) as const;
const content = { kind: 'stored', files: [] } as const;
const base = { config: 'aim', at: '', content } as const;
const update = (version: number, digest: string, outcome: 'applied' | 'rolled-back' = 'applied') =>
  generationRecord({ ...base, why: 'update', digest, document: document(version), outcome });
const original = generationRecord({ ...base, why: 'original', digest: 'o', document: null, outcome: null });
const drift = generationRecord({ ...base, why: 'drift', digest: 'x', document: null, outcome: null });
const runs = (version: number, digest: string) =>
  ranRecord('aim', { version, layer: 'base', address: 'all', digest, since: '' });

t.test('the way back: older, good, different, never taken back', async (t) => {
  const to = (...records: Parameters<typeof ledgerOf>[0]) => back.wayBack(ledgerOf(records), 'aim')?.to.digest;
  t.equal(to(), undefined);
  t.equal(to(original, update(1, 'a'), runs(1, 'a')), 'o');
  t.equal(to(original, update(1, 'a'), drift, update(2, 'b'), runs(2, 'b')), 'a');
  t.equal(to(original, update(1, 'a'), update(2, 'a'), runs(2, 'a')), 'o');
  t.equal(to(original, update(1, 'a'), update(2, 'b', 'rolled-back'), update(3, 'c'), runs(3, 'c')), 'a');
  t.equal(to(original, update(1, 'b'), update(2, 'b', 'rolled-back'), update(3, 'c'), runs(3, 'c')), 'o');
});

t.test('a pin stands instead of what was sent before, not of what came after', async (t) => {
  const ledger = ledgerOf([original, update(1, 'a'), update(2, 'b'), runs(2, 'b')]);
  const [two, three] = [heldUpdate({ version: 2 }), heldUpdate({ version: 3 })];
  t.equal(back.pinnedInstead(ledger, 'aim', two), undefined);
  t.match(back.orderBack(ledger, { ...wish, undo: true }, ''), { kind: 'nothing' });
  const order = back.orderBack(ledger, wish, 'now');
  t.match(order, { kind: 'order', event: { event: 'pinned', who: 'mira' } });
  if (order.kind === 'order') ledger.fold(order.record);
  const pin = ledger.pin('aim');
  if (pin === null) throw new Error('no pin');
  t.match(pin, { by: 'mira', at: 'now', to: { digest: 'a' }, from: { digest: 'b' }, newer: [] });
  const stands = back.pinnedInstead(ledger, 'aim', two);
  t.match(stands, { id: 'u-1', version: 1, digest: 'a', ended: 'applied' });
  t.ok(back.isPinned(pin, 'a', stands ?? null));
  t.notOk(back.isPinned(pin, 'a', null) || back.isPinned(pin, 'b', two));
  ledger.fold(heldRecord(three));
  t.same(ledger.pin('aim')?.newer, [refOf(three)]);
  t.equal(back.pinnedInstead(ledger, 'aim', three), undefined);
  t.ok(back.pinnedInstead(ledger, 'aim', two));
  t.match(back.wentBackEvent(ledger, 'aim', pin, true), {
    event: 'rolled-back',
    version: 2,
    who: 'mira',
    changed: true,
  });
  ledger.fold(heldRecord({ ...heldUpdate({ version: 4 }), digest: null }));
  t.equal(ledger.pin('aim'), null, 'a withdrawal ends it');
});

t.test('what is answered about an update that was still being proved', async (t) => {
  const running = { version: 1, layer: 'base', address: 'all', digest: 'a', since: '' } as const;
  const view = { running, lastAttempt: null, pending: null, drift: null, pinned: null, confirmedBy: null };
  t.match(back.answerTakenBack(true, view), { result: 'waiting' });
  t.match(back.answerTakenBack(false, view), { result: 'rolled-back', reason: 'base version 1 for all' });
  t.match(back.takenBackEvent(heldUpdate(), wish), { who: 'mira', update: 'u-1', reason: /^it oscillates/ });
});
