import t from 'tap';
import { createPlaces } from '../../agent/update/places.ts';
import { heldUpdate, placeOf } from '../fixtures/update.ts';

const version = (n: number) => heldUpdate({ version: n });
const aim = heldUpdate();

t.test('what a place remembers', async (t) => {
  const places = createPlaces();
  const [one, two, three] = [version(1), version(2), version(3)];
  const applied = { ...one, ended: 'applied', appliedPoweredS: 7 } as const;
  places.hold(one);
  t.same(places.at(aim), placeOf(one));
  places.change(one, () => applied);
  places.hold(two);
  t.same(places.at(aim), placeOf(two, applied), 'the last applied one stands behind the newest');
  t.same([places.find(one), places.find(two), places.find(three), places.find(null)], [applied, two, null, null]);
  places.change(two, (held) => ({ ...held, ended: 'refused' }));
  places.hold(three);
  t.same(places.at(aim), placeOf(three, applied), 'one that was refused does not');
  places.change(one, (held) => ({ ...held, covered: true }));
  t.match(places.at(aim)?.applied, { covered: true });
  places.behind({ ...two, ended: 'applied' });
  t.match(places.at(aim)?.applied, { version: 2, ended: 'applied' });
  const tombstone = heldUpdate({ version: 4, digest: null });
  places.hold(tombstone);
  t.same(places.at(aim), placeOf(tombstone), 'a tombstone takes back everything');
  places.behind({ ...three, ended: 'applied' });
  t.same(places.at(aim), placeOf(tombstone), 'also what was under way when it came');
});

t.test('a renewal goes on under its version; a mark never falls', async (t) => {
  const places = createPlaces();
  const held = heldUpdate({ version: 3, ended: 'applied', appliedPoweredS: 7 });
  places.hold(held);
  places.hold({ ...held, hash: 'new', exp: 99 });
  t.same(places.at(aim), placeOf({ ...held, hash: 'new', exp: 99 }));
  places.hold(version(2));
  t.equal(places.at(aim)?.mark, 3);
});

t.test('places do not know of each other', async (t) => {
  const places = createPlaces();
  const all = [
    heldUpdate(),
    heldUpdate({ layer: 'shadow' }),
    heldUpdate({ address: 'dev/drone-7' }),
    heldUpdate({ config: 'pair' }),
  ];
  for (const held of all) places.hold(held);
  t.same(
    places.all().map(({ latest }) => latest),
    all,
  );
  t.equal(places.of('aim').length, 3);
  t.same(places.of('other'), []);
  t.equal(places.at({ config: 'pair', address: 'all', layer: 'shadow' }), null);
  places.change(heldUpdate({ config: 'other' }), (held) => held);
  places.behind(heldUpdate({ config: 'other' }));
  t.equal(places.all().length, 4);
});
