import t from 'tap';
import { DEFAULT_RULES, readRules, readWaves } from '../../agent/cli/rollout-options.ts';

const WAVES = { waves: '1,10%,50%,100%', success: '100%', offline: 'later' };

t.test('rules are what they were, but for what is asked for', async (t) => {
  t.same(readRules({}, DEFAULT_RULES), DEFAULT_RULES);
  const asked = { within: '90s', soak: '0s', hot: 'skip', 'release-orphaned': true, 'keep-failed': true };
  const all = readRules(asked, { ...DEFAULT_RULES, pause: true });
  t.same(all, { within_s: 90, soak_s: 0, pause: true, hot: 'skip', release: true, undo: false });
  t.same(readRules({}, all), all);
  for (const bad of [{ within: 'x' }, { within: '0s' }, { soak: '-1s' }, { hot: 'x' }]) {
    t.throws(() => readRules(bad, DEFAULT_RULES), { exit: 2, message: /^rollout: --/ }, JSON.stringify(bad));
  }
});

t.test('waves: the canary in front, all at the end', async (t) => {
  t.match(readWaves(WAVES), {
    waves: [{ count: 1 }, { percent: 10 }, { percent: 50 }, { percent: 100 }],
    success: 100,
    withOffline: false,
  });
  const named = readWaves({ waves: 'grp/a, 100%', success: '95', offline: 'wait', canary: 'd1,d2' });
  t.match(named, {
    waves: [{ devices: ['d1', 'd2'] }, { group: 'a' }, { percent: 100 }],
    success: 95,
    withOffline: true,
  });
  for (const bad of [
    { waves: '10%' },
    { waves: '' },
    { waves: 'd1,100%' },
    { canary: 'a b' },
    { success: '0' },
    { success: '101%' },
    { success: 'x' },
    { offline: 'x' },
  ]) {
    t.throws(() => readWaves({ ...WAVES, ...bad }), { exit: 2, message: /^rollout: --/ }, JSON.stringify(bad));
  }
});
