import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { checkUpdate, checkVersion, FUTURE_MAX_S, type VerifyContext } from '../../agent/update/verify.ts';
import type { Update } from '../../agent/values/update.ts';
import { heldUpdate, placeOf, SIGNED_S, update, updateFile } from '../fixtures/update.ts';

const context: VerifyContext = {
  addresses: ['dev/drone-7', 'grp/canary', 'all'],
  configs: new Map([
    ['aim', ['aim.conf']],
    ['pair', ['a', 'b']],
  ]),
  nowS: SIGNED_S + 10,
  clock: 'ok',
  sha256,
};
const code = (wish: Partial<Update>, more: Partial<VerifyContext> = {}) =>
  checkUpdate(update(wish), null, { ...context, ...more })?.code ?? null;

t.test('for whom, and where it was published', async (t) => {
  const place = (address: Update['aud'], config: string, layer: Update['layer']) =>
    checkUpdate(update(), { address, config, layer }, context)?.code ?? null;
  t.equal(place('all', 'aim', 'base'), null);
  t.equal(place('dev/drone-7', 'aim', 'base'), 'wrong-audience', 'signed for all, published to one');
  t.equal(place('all', 'pair', 'base'), 'wrong-topic');
  t.equal(place('all', 'aim', 'shadow'), 'wrong-topic');
  t.equal(code({}), null, 'from a file: its own address must do');
  for (const aud of ['dev/drone-8', 'grp/east'] as const) t.equal(code({ aud }), 'wrong-audience', aud);
  t.equal(code({ config: 'other' }), 'not-managed');
  t.equal(code({ config: 'constructor' }), 'not-managed');
});

t.test('all files of the config, once, with the digests it says', async (t) => {
  const [a, b] = [updateFile('a', '1'), updateFile('b', '2')];
  const pair = (files: Update['files']) => code({ config: 'pair', files });
  t.equal(pair([b, a]), null);
  t.equal(pair([a]), 'incomplete');
  t.equal(pair([a, b, updateFile('c', '3')]), 'incomplete');
  t.equal(pair([a, b, a]), 'incomplete');
  t.equal(pair([a, { ...b, digest: a.digest }]), 'digest-mismatch');
  t.equal(pair([a, { ...b, content: '2 ' }]), 'digest-mismatch');
  t.equal(code({ config: 'pair', withdraw: true, files: [] }), null, 'a tombstone has none');
});

t.test('in time, where the clock can be trusted', async (t) => {
  const now = context.nowS;
  const table: readonly (readonly [Partial<Update>, string | null])[] = [
    [{ iat: now + FUTURE_MAX_S }, null],
    [{ iat: now + FUTURE_MAX_S + 1 }, 'from-future'],
    [{ exp: now + 1 }, null],
    [{ exp: now }, 'expired'],
    [{ layer: 'shadow', until: now + 1 }, null],
    [{ layer: 'shadow', until: now }, 'expired'],
    [{ iat: 1 }, null],
  ];
  for (const [wish, expected] of table) {
    t.equal(code(wish), expected, JSON.stringify(wish));
    t.equal(code(wish, { clock: 'untrusted' }), null, 'admitted by version alone');
  }
});

t.test('how a document stands to those seen before', async (t) => {
  const latest = heldUpdate({ version: 5 });
  const place = placeOf(latest);
  const stands = (wish: Parameters<typeof heldUpdate>[0]) => {
    const standing = checkVersion(heldUpdate(wish), place, 5);
    return typeof standing === 'string' ? standing : standing.code;
  };
  t.equal(checkVersion(latest, null, 0), 'new');
  t.equal(stands({ version: 6 }), 'new');
  t.equal(stands({ version: 5 }), 'same');
  t.equal(stands({ version: 5, hash: 'other' }), 'renewal');
  t.equal(stands({ version: 5, hash: 'other', sameness: 'other' }), 'version-reused');
  t.equal(stands({ version: 4 }), 'replayed');
  t.equal(stands({ version: 4, hash: 'other', sameness: 'other' }), 'replayed');
  const above = { ...place, mark: 7 };
  t.match(
    checkVersion(heldUpdate({ version: 6 }), above, 7),
    { code: 'replayed' },
    'the mark counts, not what is held',
  );
  t.equal(checkVersion(latest, above, 7), 'same', 'the very same bytes are never a replay');
  t.match(checkVersion(latest, null, 5), { code: 'replayed' }, 'also where nothing is held any more');
  t.match(checkVersion(heldUpdate({ version: 7 }), above, 7), { code: 'replayed' }, 'who raised it is not held');
});
