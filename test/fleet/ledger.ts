import { execFile } from 'node:child_process';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
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
  ledger.note(PLACE, 1000);
  t.same(readdirSync(join(dir, 'fleet', 'grp~canary', 'aim', 'base')), ['1000'], 'what is far behind is tidied away');
});

t.test('processes that take versions at the same moment never get the same one', { timeout: 60_000 }, async (t) => {
  const dir = t.testdir();
  const script = join(import.meta.dirname, '..', 'fixtures', 'take-versions.ts');
  const take = () => promisify(execFile)(process.execPath, [...process.execArgv, script, dir, '100']);
  const ran = await Promise.all([take(), take(), take(), take()]);
  const taken = ran.flatMap(({ stdout }) => stdout.trim().split('\n'));
  t.equal(taken.length, 400);
  t.equal(new Set(taken).size, 400);
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
