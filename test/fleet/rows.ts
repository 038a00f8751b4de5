import t from 'tap';
import { isFailed, rowsOf, type Wanted } from '../../agent/fleet/rows.ts';
import { openFleetView } from '../../agent/fleet/view.ts';

const view = openFleetView('f');
const say = (topic: string, body: object) =>
  view.take({ topic: `f/v1/dev/${topic}`, payload: Buffer.from(JSON.stringify(body)), retain: true });
const running = (digest: string) => ({ version: 1, layer: 'base', address: 'all', digest });
say('a/reported/aim', {
  running: running('one'),
  last_attempt: { version: 2, result: 'failed', code: 'reload-failed' },
});
say('a/lock/aim', { state: 'COLD', verdict: null, token: 1 });
say('b/reported/aim', { running: running('two'), last_attempt: { version: 2, result: 'applied', code: null } });
say('b/lock/aim', { state: 'HOT', verdict: 'orphaned', token: 1 });
say('b/lock/nav', { state: 'HOT', verdict: 'held', token: 1 });
say('c/status', { state: 'online' });

const named = (wanted: Wanted) =>
  rowsOf(view.devices(), wanted).map(({ device, config }) => `${device.device} ${config}`);

t.test('every filter leaves what it says', async (t) => {
  t.same(named({}), ['a aim', 'b aim', 'b nav', 'c null']);
  t.same(named({ config: 'aim' }), ['a aim', 'b aim']);
  t.same(named({ hot: true }), ['b aim', 'b nav']);
  t.same(named({ verdict: 'orphaned' }), ['b aim']);
  t.same(named({ failed: true }), ['a aim']);
  t.same(named({ config: 'aim', notOn: 'two' }), ['a aim']);
  t.same(named({ hot: true, failed: true }), []);
});

t.test('what counts as failed', async (t) => {
  const [a, b] = rowsOf(view.devices(), { config: 'aim' });
  t.equal(a?.report != null && isFailed(a.report), true);
  t.equal(b?.report != null && isFailed(b.report), false);
});
