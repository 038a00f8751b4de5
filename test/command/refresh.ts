import t from 'tap';
import { type RefreshPorts, refresh } from '../../agent/command/refresh.ts';
import { COLD } from '../fixtures/update.ts';

/** Ports that write down what they are asked. */
function scene(over: Partial<RefreshPorts> = {}) {
  const asked: unknown[] = [];
  const ports: RefreshPorts = {
    configs: ['aim', 'radio'],
    republish: (config) => void asked.push(['republish', config]),
    lockWasSaid: () => true,
    look: (file) => ({ ...COLD, file }),
    sayLocks: (locks) => void asked.push(['locks', ...locks.map(({ config, body }) => `${config} ${body.file}`)]),
    sayOnline: () => void asked.push('online'),
    acknowledged: (agoMs) => (agoMs >= 5000 ? 100 : 120),
    unconfirmed: (missing) => void asked.push(['unconfirmed', missing]),
    ...over,
  };
  return { ports, asked };
}

t.test('everything, or one config; what was never said is said first', async (t) => {
  const all = scene();
  refresh(all.ports, null, null);
  t.strictSame(all.asked, [['republish', null], 'online']);
  const fresh = scene({ lockWasSaid: (config) => config === 'aim' });
  refresh(fresh.ports, null, null);
  t.strictSame(fresh.asked, [['republish', null], 'online', ['locks', 'radio radio']]);
  const one = scene({ lockWasSaid: () => false });
  refresh(one.ports, 'aim', null);
  t.strictSame(one.asked, [['republish', 'aim'], 'online', ['locks', 'aim aim']]);
});

t.test('the fleet is behind only if it lacks what the broker has had for a while', async (t) => {
  const said = (seq: number) => {
    const { ports, asked } = scene();
    refresh(ports, null, seq);
    return asked.at(-1);
  };
  t.strictSame(said(99), ['unconfirmed', 'it has seen number 99, the broker has taken 100']);
  t.strictSame(said(100), ['unconfirmed', null], 'what came just now it need not have seen');
  t.strictSame(said(130), ['unconfirmed', null]);
});
