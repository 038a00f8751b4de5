import fc from 'fast-check';
import t from 'tap';
import type { HeldUpdate, Place } from '../../agent/update/ledger.ts';
import { hasExpired, hasFallenOff, nextTurnS, type ResolveTime, resolve } from '../../agent/update/resolve.ts';
import { OUTCOMES } from '../../agent/values/report.ts';
import { type Address, addressesOf, LAYERS } from '../../agent/values/topics.ts';
import { heldUpdate, placeOf, SIGNED_S } from '../fixtures/update.ts';

const ADDRESSES = addressesOf('drone-7', ['canary', 'east']);
const at = (nowS: number, more: Partial<ResolveTime> = {}): ResolveTime => ({
  nowS: SIGNED_S + nowS,
  clock: 'ok',
  poweredS: 1000,
  ...more,
});
const tombstone = { digest: null, ended: 'withdrawn' } as const;
const shadow = { layer: 'shadow', until: SIGNED_S + 100 } as const;
const winner = (places: readonly Place[], time = at(0)) => resolve(places, ADDRESSES, time).effective;

t.test('first match: shadow before base; the device, its groups in order, all', async (t) => {
  const order: readonly Partial<HeldUpdate>[] = [
    { ...shadow, address: 'dev/drone-7' },
    { ...shadow, address: 'grp/canary' },
    { ...shadow, address: 'grp/east' },
    { ...shadow, address: 'all' },
    { address: 'dev/drone-7' },
    { address: 'grp/canary' },
    { address: 'grp/east' },
    { address: 'all' },
  ];
  const places = order.map((wish) => placeOf(heldUpdate(wish)));
  for (const [index, place] of places.entries()) {
    const { effective, covered } = resolve(places.slice(index).reverse(), ADDRESSES, at(0));
    t.same(effective, place.latest);
    t.same(
      covered,
      places.slice(index + 1).map(({ latest }) => latest),
    );
  }
  t.equal(winner([]), null);
  t.equal(winner([placeOf(heldUpdate({ address: 'grp/west' }))]), null, 'not, or no longer, a group of this device');
});

t.test('what speaks for a place, by what became of its newest document', async (t) => {
  const before = heldUpdate({ version: 1, ended: 'applied' });
  for (const ended of [null, ...OUTCOMES]) {
    const latest = heldUpdate({ version: 2, ended });
    const sound = ended === null || ended === 'applied';
    t.same(winner([placeOf(latest, before)]), sound ? latest : before, `${ended}, with one applied before`);
    t.same(winner([placeOf(latest)]), sound ? latest : null, `${ended}, with none`);
  }
  t.equal(winner([placeOf(heldUpdate({ version: 3, ...tombstone }), before)]), null, 'a tombstone takes back both');
});

t.test('when a shadow falls off', async (t) => {
  const held = heldUpdate({ ...shadow, appliedPoweredS: 1000, ended: 'applied' });
  const table: readonly (readonly [ResolveTime, boolean, string])[] = [
    [at(99), false, 'before until'],
    [at(100), true, 'at until'],
    [at(100, { clock: 'untrusted' }), false, 'at until, by a clock nobody trusts'],
    [at(0, { clock: 'untrusted', poweredS: 1099 }), false, 'powered for less than its life'],
    [at(0, { clock: 'untrusted', poweredS: 1100 }), true, 'powered for its life'],
    [at(0, { poweredS: 1100 }), true, 'whichever comes first'],
  ];
  for (const [time, fallen, what] of table) t.equal(hasFallenOff(held, time), fallen, what);
  t.notOk(
    hasFallenOff(heldUpdate(shadow), at(0, { clock: 'untrusted', poweredS: 9999 })),
    'one never applied has no life',
  );
  t.notOk(hasFallenOff(heldUpdate(), at(10 ** 9, { poweredS: 10 ** 9 })), 'a base never does');
});

t.test('when a document expires', async (t) => {
  const exp = SIGNED_S + 50;
  const table: readonly (readonly [Partial<HeldUpdate>, ResolveTime, boolean, string])[] = [
    [{ exp }, at(49), false, 'before exp'],
    [{ exp }, at(50), true, 'at exp'],
    [{ exp }, at(50, { clock: 'untrusted' }), false, 'by a clock nobody trusts'],
    [{ exp, covered: true }, at(50), false, 'covered once, never'],
    [{ exp, ended: 'applied' }, at(50), false, 'applied, never'],
    [{}, at(10 ** 9), false, 'without exp, never'],
  ];
  for (const [wish, time, expired, what] of table) t.equal(hasExpired(heldUpdate(wish), time), expired, what);
});

const address = fc.constantFrom<Address>('dev/drone-7', 'grp/canary', 'grp/east', 'grp/west', 'all');
const document = fc.record({
  version: fc.integer({ min: 1, max: 5 }),
  ended: fc.constantFrom(null, null, ...OUTCOMES),
  exp: fc.constantFrom(null, SIGNED_S + 50),
  covered: fc.boolean(),
  appliedPoweredS: fc.constantFrom(null, 0, 1000),
});
const places = fc.uniqueArray(
  fc
    .tuple(address, fc.constantFrom(...LAYERS), document, fc.option(document))
    .map(([address, layer, latest, applied]): Place => {
      const where = { address, layer, until: layer === 'shadow' ? SIGNED_S + 100 : null };
      const behind = applied === null ? null : heldUpdate({ ...applied, ...where, version: 0, ended: 'applied' });
      return placeOf(heldUpdate({ ...latest, ...where }), behind);
    }),
  { selector: ({ address, layer }) => `${layer} ${address}`, maxLength: 10 },
);
const time = fc.record({
  nowS: fc.integer({ min: SIGNED_S - 10, max: SIGNED_S + 200 }),
  clock: fc.constantFrom('ok', 'untrusted'),
  poweredS: fc.integer({ min: 0, max: 2000 }),
});

t.test('the order of arrival does not matter', async () => {
  fc.assert(
    fc.property(
      places.chain((some) => fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length }))),
      time,
      ([some, shuffled], now) => {
        const [one, other] = [resolve(some, ADDRESSES, now), resolve(shuffled, ADDRESSES, now)];
        return one.effective === other.effective && one.covered.every((held, index) => other.covered[index] === held);
      },
    ),
  );
});

t.test('one that is left out gives way to the last applied one of its place', async (t) => {
  const applied = heldUpdate({ version: 1, ended: 'applied' });
  const fresh = heldUpdate({ version: 2 });
  const out = (held: HeldUpdate) => held.version === 2;
  t.equal(resolve([placeOf(fresh, applied)], ADDRESSES, at(0)).effective, fresh);
  t.equal(resolve([placeOf(fresh, applied)], ADDRESSES, at(0), out).effective, applied);
  t.equal(resolve([placeOf(fresh)], ADDRESSES, at(0), out).effective, null);
  const done = heldUpdate({ version: 2, ended: 'applied' });
  t.equal(resolve([placeOf(done, applied)], ADDRESSES, at(0), out).effective, applied, 'also one that was applied');
  const taken = heldUpdate({ version: 1, ended: 'rolled-back' });
  t.equal(
    resolve([placeOf(fresh, taken)], ADDRESSES, at(0), out).effective,
    null,
    'what was taken back speaks no more',
  );
});

t.test('a withdrawn document uncovers the next', async () => {
  fc.assert(
    fc.property(places, time, (some, now) => {
      const { effective } = resolve(some, ADDRESSES, now);
      if (effective === null) return true;
      const without = some.filter(({ address, layer }) => address !== effective.address || layer !== effective.layer);
      const withdrawn = some.map((place) =>
        without.includes(place) ? place : placeOf(heldUpdate({ ...effective, version: 9, ...tombstone })),
      );
      return resolve(withdrawn, ADDRESSES, now).effective === resolve(without, ADDRESSES, now).effective;
    }),
  );
});

t.test('a shadow whose time is over always falls off, and nothing it covered has expired meanwhile', async () => {
  fc.assert(
    fc.property(places, fc.integer({ min: 100, max: 10 ** 6 }), (some, late) => {
      const { effective } = resolve(some, ADDRESSES, at(late));
      return effective === null || effective.layer === 'base';
    }),
  );
  const base = heldUpdate({ exp: SIGNED_S + 50, covered: true });
  const over = placeOf(heldUpdate({ ...shadow, ended: 'applied', appliedPoweredS: 0 }));
  t.same(winner([over, placeOf(base)], at(100)), base);
  t.notOk(hasExpired(base, at(100)));
});

t.test('covered are exactly the open documents below the effective one', async () => {
  fc.assert(
    fc.property(places, time, (some, now) => {
      const { effective, covered } = resolve(some, ADDRESSES, now);
      const again = resolve(
        some.filter(({ latest, applied }) => latest !== effective && applied !== effective),
        ADDRESSES,
        now,
      );
      const next = again.effective !== null && again.effective.ended === null ? [again.effective] : [];
      return covered.length === next.length + again.covered.length && covered.every(({ ended }) => ended === null);
    }),
  );
});

t.test('time alone changes nothing before the next turn', async () => {
  fc.assert(
    fc.property(places, time, fc.nat(300), (some, now, later) => {
      const turn = nextTurnS(some, now);
      const then = { ...now, nowS: now.nowS + later, poweredS: now.poweredS + later };
      if (turn !== null && (turn <= now.nowS || then.nowS >= turn)) return turn > now.nowS;
      const expired = (time: ResolveTime) => some.map(({ latest }) => hasExpired(latest, time)).join();
      return (
        resolve(some, ADDRESSES, now).effective === resolve(some, ADDRESSES, then).effective &&
        expired(now) === expired(then)
      );
    }),
  );
});
