import t from 'tap';
import { createStanding, sayStanding } from '../../agent/telemetry/standing.ts';
import type { LinkState } from '../../agent/values/link.ts';
import type { LockState } from '../../agent/values/lock.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

const linkState = (state: 'connecting' | 'connected' | 'unreachable'): LinkState => ({
  ...{ state, connected: state === 'connected', words: state, remedy: null, since: '2026-01-01T00:00:00.000Z' },
  ...{ reconnects: 0, url: 'mqtt://x', round_trip_ms: null },
});
const lock = (state: 'COLD' | 'HOT'): LockState => ({
  ...{ state, verdict: state === 'HOT' ? 'held' : null, holder: null, since: null, token: 1, refusals: 0 },
  file: 'aim.conf',
});

function bench() {
  const clock = manualClock();
  const said: string[] = [];
  const now: { link: LinkState | null; lock: LockState } = { link: null, lock: lock('COLD') };
  const standing = createStanding({
    clock,
    supervisor: {
      aliveWithinMs: null,
      ready: () => void said.push('ready'),
      alive: () => void said.push('alive'),
      status: (line) => void said.push(line),
      stopping: () => void said.push('stopping'),
    },
    link: () => now.link,
    locks: () => ({ aim: now.lock }),
    reports: () => [],
  });
  return { clock, said, now, standing };
}

t.test('in service when the locks are settled and the link is known, good or bad', async (t) => {
  for (const state of ['connected', 'unreachable'] as const) {
    const { said, now, standing } = bench();
    now.link = linkState(state);
    standing.alive();
    t.notOk(said.includes('ready'), 'the locks are not settled yet');
    now.link = linkState('connecting');
    standing.settled();
    t.notOk(said.includes('ready'), 'the broker has not answered yet');
    now.link = linkState(state);
    standing.alive();
    standing.alive();
    t.equal(said.filter((one) => one === 'ready').length, 1, state);
  }
});

t.test('a broker that never answers does not hold up the boot', async (t) => {
  const { clock, said, now, standing } = bench();
  now.link = linkState('connecting');
  standing.settled();
  clock.advance(9_999);
  standing.alive();
  t.notOk(said.includes('ready'));
  clock.advance(1);
  standing.alive();
  t.ok(said.includes('ready'));
});

t.test('the status is said when it changes, and only then', async (t) => {
  const { said, now, standing } = bench();
  now.link = linkState('connected');
  standing.alive();
  standing.alive();
  now.lock = lock('HOT');
  standing.changed();
  standing.stopping('SIGTERM');
  now.link = linkState('unreachable');
  standing.changed();
  t.same(said, [
    ...['alive', 'connected; all locks COLD', 'alive', 'connected; HOT: aim.conf (held)'],
    ...['stopping', 'stopping: SIGTERM'],
  ]);
});

t.test('what waits is counted, with what it waits for', async (t) => {
  const waits = (...waiting_for: readonly ('lock' | 'clock')[]) => ({ pending: { id: 'x', version: 1, waiting_for } });
  t.equal(
    sayStanding(null, {}, [waits('clock', 'lock'), waits('lock'), waits('lock'), { pending: null }]),
    'starting; all locks COLD; 3 waiting (for clock and lock; lock)',
  );
});
