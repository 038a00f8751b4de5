import t from 'tap';
import { type JudgedWave, judge, needed, type Verdict } from '../../../agent/fleet/rollout/judge.ts';
import type { Standing, StandingState } from '../../../agent/fleet/rollout/standing.ts';
import { rules, standing, wave } from '../../fixtures/rollout.ts';

const lock = (verdict: string) => ({
  ...({ state: 'HOT', verdict, token: 3, holder: null, since: null, refusals: 1, file: 'aim.conf' } as const),
});
const hot = (device: string, verdict: string, isLate = false) =>
  standing(device, 'hot', { lock: lock(verdict), isLate });
const of = (standings: readonly Standing[], success = 100): JudgedWave => ({
  wave: wave(
    standings.map(({ device }) => device),
    { success },
  ),
  standings,
});
const states = (...all: readonly StandingState[]) => all.map((state, index) => standing(`d${index + 1}`, state));

t.test('one wave: what its devices are, and what follows', async (t) => {
  const table: readonly (readonly [
    string,
    JudgedWave,
    Parameters<typeof rules>[0],
    number | null,
    Partial<Verdict>,
  ])[] = [
    ['nobody has answered', of(states('silent', 'silent')), {}, null, { kind: 'wait', isReady: false }],
    ['one of two is well', of(states('confirmed', 'waiting')), {}, null, { kind: 'wait', isReady: false }],
    ['all are well, not for long', of(states('confirmed', 'confirmed')), {}, 9, { kind: 'wait', isReady: true }],
    ['all are well for long', of(states('confirmed', 'confirmed')), {}, 10, { kind: 'go' }],
    ['no time asked for', of(states('confirmed')), { soak_s: 0 }, 0, { kind: 'go' }],
    ['one has failed', of(states('confirmed', 'failed')), {}, 99, { kind: 'stop' }],
    ['one is worse off', of(states('confirmed', 'worse')), {}, 99, { kind: 'stop' }],
    ['one is too late', of(states('confirmed', 'late')), {}, 99, { kind: 'stop' }],
    ['one has something else', of(states('confirmed', 'covered')), {}, 99, { kind: 'stop' }],
    ['one of two may fail', of(states('confirmed', 'failed'), 50), {}, 10, { kind: 'go' }],
    ['one of three may fail, two do', of(states('confirmed', 'failed', 'late'), 60), {}, 10, { kind: 'stop' }],
    ['enough are well, one still waits', of(states('confirmed', 'confirmed', 'waiting'), 60), {}, 10, { kind: 'go' }],
    ['who is skipped does not count', of(states('confirmed', 'skipped')), {}, 10, { kind: 'go' }],
    ['all of the canary are skipped', of(states('skipped', 'skipped')), {}, 10, { kind: 'hold' }],
    ['held: it may let go', of([hot('d1', 'held')]), {}, null, { kind: 'wait', isReady: false }],
    ['stale: it heals by itself', of([hot('d1', 'stale')]), {}, null, { kind: 'wait', isReady: false }],
    ['held, for too long', of([hot('d1', 'held', true)]), {}, null, { kind: 'hold' }],
    ['orphaned: no waiting helps', of([hot('d1', 'orphaned')]), {}, null, { kind: 'hold' }],
    ['unseen: nor here', of([hot('d1', 'unseen')]), {}, null, { kind: 'hold' }],
    ['one HOT of two may be', of([hot('d1', 'orphaned'), standing('d2', 'confirmed')], 50), {}, 10, { kind: 'go' }],
    ['wait for it', of([hot('d1', 'orphaned')]), { hot: 'wait' }, null, { kind: 'wait' }],
    ['wait for it, but not for ever', of([hot('d1', 'orphaned', true)]), { hot: 'wait' }, null, { kind: 'stop' }],
    [
      'go on without it',
      of([hot('d1', 'orphaned'), standing('d2', 'silent')]),
      { hot: 'skip' },
      null,
      { kind: 'skip', devices: ['d1'] },
    ],
    ['but not without all of the canary', of([hot('d1', 'orphaned')]), { hot: 'skip' }, null, { kind: 'hold' }],
    ['held is not skipped at once', of([hot('d1', 'held')]), { hot: 'skip' }, null, { kind: 'wait' }],
    ['release it', of([hot('d1', 'orphaned')]), { release: true }, null, { kind: 'release', devices: ['d1'] }],
    ['no release of who lives', of([hot('d1', 'held')]), { release: true }, null, { kind: 'wait' }],
    ['nor of who is not seen', of([hot('d1', 'unseen')]), { release: true }, null, { kind: 'hold' }],
    ['failed comes before HOT', of([hot('d1', 'orphaned'), standing('d2', 'failed')]), {}, null, { kind: 'stop' }],
  ];
  for (const [name, one, changes, readyForS, expected] of table) {
    t.match(judge([one], rules(changes), { readyForS: readyForS }), expected, name);
  }
});

t.test('a release that was tried in vain is not tried again', async (t) => {
  const one = of([hot('d1', 'orphaned')]);
  t.match(judge([one], rules({ release: true }), { readyForS: null, released: new Map([['d1', false]]) }), {
    kind: 'hold',
    why: /^d1: /,
  });
  const two = of([...one.standings, standing('d2', 'confirmed')]);
  const known = { readyForS: null, released: new Map([['d1', false]]) };
  t.match(judge([two], rules({ release: true, hot: 'skip' }), known), { kind: 'skip' });
});

t.test('nobody follows a canary that nobody was; further waves may be HOT altogether', async (t) => {
  const one = of([hot('d1', 'orphaned')]);
  const known = { readyForS: null };
  t.match(judge([one], rules({ hot: 'skip' }), known), {
    kind: 'hold',
    why: /^canary: .* nobody would be left .*; d1: /,
  });
  const next = of([hot('d2', 'orphaned')]);
  t.match(judge([of(states('confirmed')), next], rules({ hot: 'skip' }), known), { kind: 'skip', devices: ['d2'] });
});

t.test('a release that worked is given the time to be seen', async (t) => {
  const released = new Map([['d1', true]]);
  t.match(judge([of([hot('d1', 'orphaned')])], rules({ release: true }), { readyForS: null, released: released }), {
    kind: 'wait',
  });
  t.match(
    judge([of([hot('d1', 'orphaned', true)])], rules({ release: true }), { readyForS: null, released: released }),
    { kind: 'hold' },
  );
});

t.test('an earlier wave that turns bad stops the later one', async (t) => {
  const canary = of(states('worse'));
  const next = of(states('confirmed'));
  t.match(judge([canary, next], rules(), { readyForS: 99 }), { kind: 'stop', why: /^canary: d1 worse/ });
  t.match(judge([of(states('confirmed')), next], rules(), { readyForS: 99 }), { kind: 'go' });
  t.match(judge([], rules(), { readyForS: null }), { kind: 'go' });
});

t.test('why it stops names a device, its reason, and how many more', async (t) => {
  const bad = of([
    standing('d1', 'failed', { why: 'rolled-back: no answer', code: 'health-failed' }),
    standing('d2', 'late', { why: 'offline' }),
    standing('d3', 'confirmed'),
  ]);
  t.match(judge([bad], rules(), { readyForS: null }), {
    why: 'canary: d1 failed: rolled-back: no answer (health-failed), and 1 more',
  });
});

t.test('how many must be well', async (t) => {
  t.same([needed(0, 100), needed(3, 100), needed(3, 95), needed(100, 95), needed(10, 1)], [0, 3, 3, 95, 1]);
});
