import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ledgerDir, openVersionLedger } from '../../agent/fleet/ledger.ts';

const PLACE = { root: 'fleet', address: 'grp/canary', config: 'aim', layer: 'base' } as const;

t.test('versions only grow, per place, and outlive the process', async (t) => {
  const dir = join(t.testdir(), 'state');
  const ledger = openVersionLedger(dir);
  t.equal(ledger.take(PLACE, 0), 1);
  t.equal(ledger.take(PLACE, 0), 2);
  t.equal(ledger.take(PLACE, 9), 10);
  t.equal(openVersionLedger(dir).take(PLACE, 3), 11);
  t.equal(ledger.take({ ...PLACE, layer: 'shadow' }, 0), 1);
  t.equal(ledger.take({ ...PLACE, address: 'all' }, 0), 1);
  t.equal(ledger.take({ ...PLACE, root: 'other' }, 0), 1);
  ledger.note(PLACE, 50);
  ledger.note(PLACE, 20);
  t.equal(ledger.take(PLACE, 0), 51);
  t.same(readdirSync(join(dir, 'fleet', 'grp~canary', 'aim', 'base')), ['51'], 'only the highest is kept');
});

t.test('a version that somebody took a moment ago is not taken again', async (t) => {
  const dir = t.testdir();
  const [a, b] = [openVersionLedger(dir), openVersionLedger(dir)];
  const taken = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? a : b).take(PLACE, 0));
  t.equal(new Set(taken).size, 40);
});

t.test('no version is left, or the ledger cannot be kept', async (t) => {
  const dir = t.testdir();
  t.throws(() => openVersionLedger(dir).take(PLACE, Number.MAX_SAFE_INTEGER), { exit: 1, message: /no version above/ });
  writeFileSync(join(dir, 'file'), '');
  chmodSync(join(dir, 'file'), 0o600);
  t.throws(() => openVersionLedger(join(dir, 'file')).take(PLACE, 0), { exit: 1, message: /cannot be kept/ });
});

t.test('where it is', async (t) => {
  t.equal(ledgerDir({ XDG_STATE_HOME: '/s', HOME: '/h' }), '/s/locksmith/versions');
  t.equal(ledgerDir({ HOME: '/h' }), '/h/.local/state/locksmith/versions');
  t.equal(ledgerDir({ XDG_STATE_HOME: 'relative', HOME: '/h' }), '/h/.local/state/locksmith/versions');
});
