import t from 'tap';
import type { Saying } from '../../agent/ports/outbox.ts';
import { createLedger, ranRecord, triedRecord } from '../../agent/update/ledger.ts';
import { attemptOf } from '../../agent/update/report.ts';
import { createSaid } from '../../agent/update/said.ts';
import type { EventBody } from '../../agent/values/report.ts';
import { fakeLocks, heldUpdate } from '../fixtures/update.ts';

function bench() {
  const ledger = createLedger();
  const locks = fakeLocks();
  const watched: string[] = [];
  locks.expectCold = (config) => {
    watched.push(`watch ${config}`);
    return () => void watched.push(`leave ${config}`);
  };
  const states: Saying[] = [];
  const events: EventBody[] = [];
  const failing = { now: false };
  const spoken = { times: 0 };
  const said = createSaid(ledger, locks, async (records, some, more = []) => {
    spoken.times += 1;
    if (failing.now) throw new Error('the disk is full');
    for (const record of records) ledger.fold(record);
    events.push(...some);
    states.push(...more);
  });
  return { ledger, said, states, events, watched, failing, spoken };
}
const waiting = { id: 'u-1', version: 1, waiting_for: ['lock'] } as const;

t.test('the state of a config goes out when it differs from what was said last, and never for nothing', async (t) => {
  const { said, states, events, spoken } = bench();
  said.foundOriginal('aim', 'sha256:before');
  await said.tell('aim', [], []);
  t.match(states, [{ kind: 'reported', config: 'aim', body: { running: { version: 0, digest: 'sha256:before' } } }]);
  await said.tell('aim', [], []);
  t.equal(spoken.times, 1, 'nothing to say costs no write');
  await said.tell('aim', [], [{ event: 'covered', config: 'aim' }]);
  t.equal(states.length, 1, 'the same state is not said again');
  t.equal(events.length, 1);
  said.waits('aim', waiting, 'h', ['held by 42']);
  await said.tell('aim', [], []);
  t.match(states[1]?.body, { pending: waiting });
});

t.test('what could not be said is said the next time', async (t) => {
  const { said, states, failing } = bench();
  failing.now = true;
  await t.rejects(said.tell('aim', [], []), { message: 'the disk is full' });
  failing.now = false;
  await said.tell('aim', [], []);
  t.equal(states.length, 1);
});

t.test('what was told of a document is known until it rests, also over a restart', async (t) => {
  const { said, ledger } = bench();
  t.equal(said.told('aim', 'h'), null);
  said.waits('aim', waiting, 'h', ['lock 42', 'window']);
  t.same(said.told('aim', 'h'), ['lock 42', 'window']);
  t.equal(said.told('aim', 'other'), null, 'of this document');
  said.rests('aim');
  t.equal(said.view('aim').pending, null);
  t.equal(said.told('aim', 'h'), null, 'after a rest it is news again');
  const key = said.waits('aim', waiting, 'h', ['lock 44']);
  said.rests('aim');
  const attempt = attemptOf(heldUpdate(), 'refused', '2026-01-01T00:00:00.000Z', null);
  ledger.fold(triedRecord('aim', { attempt, key }));
  t.same(said.told('aim', 'h'), ['lock 44'], 'told before the restart');
});

t.test('the lock is watched once, until it is left or the config rests', async (t) => {
  const { said, watched } = bench();
  said.watchLock('aim');
  said.watchLock('aim');
  said.leaveLock('aim');
  said.watchLock('aim');
  said.rests('aim');
  said.rests('aim');
  t.same(watched, ['watch aim', 'leave aim', 'watch aim', 'leave aim']);
});

t.test('what runs is the very same until it is another', async (t) => {
  const { said, ledger } = bench();
  t.equal(said.running('aim'), said.running('aim'));
  t.match(said.running('aim'), { version: 0, digest: '' });
  said.foundOriginal('aim', 'sha256:before');
  t.match(said.running('aim'), { version: 0, digest: 'sha256:before' });
  t.equal(said.view('aim').running, said.running('aim'));
  const running = { version: 3, layer: 'base', address: 'all', digest: 'sha256:new', since: null } as const;
  ledger.fold(ranRecord('aim', running));
  t.equal(said.running('aim').version, 3);
  t.equal(said.running('aim'), said.running('aim'));
});
