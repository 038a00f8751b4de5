import fc from 'fast-check';
import t from 'tap';
import { dealWaves, parseCanary, parseWave, type WaveWish } from '../../../agent/fleet/rollout/waves.ts';

const fleet = (count: number, groups: (index: number) => readonly string[] = () => []) =>
  Array.from({ length: count }, (_, index) => ({ device: `d${index + 1}`, groups: groups(index + 1) }));
const sizes = (waves: ReturnType<typeof dealWaves>) => waves.map(({ devices }) => devices.length);
const wishes = (text: string) => text.split(',').flatMap((one) => parseWave(one) ?? []);

t.test('words', async (t) => {
  t.same(['3', '10%', '100%', 'grp/ring1'].map(parseWave), [
    { kind: 'count', count: 3 },
    { kind: 'percent', percent: 10 },
    { kind: 'percent', percent: 100 },
    { kind: 'group', group: 'ring1' },
  ]);
  for (const bad of ['', '0', '0%', '101%', '-1', '1.5', 'd1', 'grp/', 'grp/a b', 'all'])
    t.equal(parseWave(bad), null, bad);
  t.same(parseCanary('d1, d2,d1'), { kind: 'devices', devices: ['d1', 'd2'] });
  t.same(parseCanary('grp/canary'), { kind: 'group', group: 'canary' });
  t.same(parseCanary('3'), { kind: 'count', count: 3 });
  for (const bad of ['', 'd1,,d2', 'a b', 'dev/d1']) t.equal(parseCanary(bad), null, bad);
});

t.test('numbers and percentages are of all so far; the canary must be well altogether', async (t) => {
  const waves = dealWaves('spring', fleet(40), wishes('3,10%,50%,100%'), 95);
  t.same(sizes(waves), [3, 1, 16, 20]);
  t.same(
    waves.map(({ name, success }) => `${name} ${success}`),
    ['canary 100', 'wave 1 95', 'wave 2 95', 'wave 3 95'],
  );
  t.same(sizes(dealWaves('spring', fleet(1), wishes('1,10%,50%,100%'), 100)), [1], 'a wave of nobody is none');
  t.same(dealWaves('spring', [], wishes('1,100%'), 100), []);
});

t.test('by name and by group; the others are drawn before who is called later', async (t) => {
  const all = fleet(8, (index) => (index > 6 ? ['ring'] : []));
  const named: readonly WaveWish[] = [{ kind: 'devices', devices: ['d2', 'd1'] }, ...wishes('4,grp/ring,100%')];
  const waves = dealWaves('spring', all, named, 100);
  t.match(waves, [
    { devices: ['d1', 'd2'], group: null },
    { group: null },
    { devices: ['d7', 'd8'], group: 'ring' },
    { group: null },
  ]);
  t.same(sizes(waves), [2, 2, 2, 2]);
  t.notOk(waves[1]?.devices.some((device) => ['d7', 'd8'].includes(device)));
});

t.test('another name, another order; the same name, the same', async (t) => {
  const canary = (name: string) => dealWaves(name, fleet(50), wishes('5,100%'), 100)[0]?.devices;
  t.same(canary('spring'), canary('spring'));
  t.notSame(canary('spring'), canary('autumn'));
});

t.test('everybody is in one wave, and in one only', async () => {
  const wish = fc.oneof(
    fc.integer({ min: 1, max: 60 }).map((count): WaveWish => ({ kind: 'count', count })),
    fc.integer({ min: 1, max: 100 }).map((percent): WaveWish => ({ kind: 'percent', percent })),
    fc.constantFrom('a', 'b').map((group): WaveWish => ({ kind: 'group', group })),
    fc.constant<WaveWish>({ kind: 'devices', devices: ['d1', 'd7', 'none'] }),
  );
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 50 }), fc.array(wish, { maxLength: 6 }), (count, some) => {
      const all = fleet(count, (index) => (index % 3 === 0 ? ['a'] : index % 3 === 1 ? ['b', 'a'] : []));
      const waves = dealWaves('x', all, [...some, { kind: 'percent', percent: 100 }], 100);
      const dealt = waves.flatMap(({ devices }) => devices);
      return (
        dealt.length === count && new Set(dealt).size === count && waves.every(({ devices }) => devices.length > 0)
      );
    }),
  );
});
