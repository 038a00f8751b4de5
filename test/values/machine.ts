import t from 'tap';
import { sayMachine } from '../../agent/values/machine.ts';
import { CALM_MACHINE } from '../fixtures/status.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 3, 12);

t.test('in a few words that fit a line of a terminal', async (t) => {
  const words = sayMachine(CALM_MACHINE, NOW_MS);
  t.equal(words, 'load 0.4 on 4 cores, memory 41 % free, disk 3.1 GiB free, 51 °C');
  t.ok(words.length <= 71);
});

t.test('the hottest place and the emptiest battery; nothing of what has no sensor', async (t) => {
  const battery = { a: { percent: 87 }, b: { percent: 12 }, c: { volts: 3.7 } };
  t.match(sayMachine({ ...CALM_MACHINE, battery }, NOW_MS), /, 51 °C, battery 12 %$/);
  const { at, agent_rss_bytes } = CALM_MACHINE;
  t.equal(sayMachine({ at, agent_rss_bytes, cores: 1, load_1m: 3 }, NOW_MS), 'load 3.0 on 1 core');
});

t.test('an old reading says its age', async (t) => {
  t.match(sayMachine(CALM_MACHINE, NOW_MS + 720_000), /, 51 °C, 12 min ago$/);
});
