import t from 'tap';
import { sayFleet, sayHotLocks } from '../../agent/cli/fleet-words.ts';
import { rowsOf } from '../../agent/fleet/rows.ts';
import { openFleetView } from '../../agent/fleet/view.ts';

const NOW_MS = Date.parse('2026-01-01T01:00:00.000Z');
const AT = '2026-01-01T00:00:00.000Z';

/** The rows of one device that said this. */
function rows(said: Readonly<Record<string, object>>) {
  const view = openFleetView('f');
  for (const [topic, body] of Object.entries(said))
    view.take({ topic: `f/v1/dev/d/${topic}`, payload: Buffer.from(JSON.stringify(body)), retain: true });
  return rowsOf(view.devices(), {});
}

t.test('what is wrong stands out, where that may be', async (t) => {
  const running = { version: 0, layer: null, address: null, digest: 'x' };
  const drifted = rows({
    'reported/aim': { running, drift: { digest: 'y' }, pinned: { by: 'eve' } },
    status: { at: AT },
  });
  t.match(
    sayFleet(drifted, { width: 80, colour: false }, NOW_MS),
    /\nd +offline 1 h +aim +as before drift pinned +- +- +\?\n/,
  );
  t.match(sayFleet(drifted, { width: 80, colour: true }, NOW_MS), '\u001b[31mas before drift pinned');
  t.match(
    sayFleet(rows({ 'lock/aim': { state: 'COLD', token: 1 } }), { width: 80, colour: false }, NOW_MS),
    /never said/,
  );
});

t.test('each verdict says what to do', async (t) => {
  const words = (verdict: string, state = 'online') =>
    sayHotLocks(
      rows({ status: { state, at: AT }, 'lock/aim': { state: 'HOT', verdict, token: 3, since: AT, refusals: 1 } }),
      NOW_MS,
    );
  t.match(words('orphaned'), /for 1 h, token 3, 1 refusal\n.*locksmith release aim --device d .*--end-holder/);
  t.match(
    words('orphaned'),
    /\n {4}\(where the device has end-holder\.conf; .*root on it: locksmith release aim --end-holder\)\n/,
  );
  t.match(words('stale'), 'heals by itself');
  t.match(words('unseen'), 'has to look there');
  t.match(words('overdue'), 'past the time it asked for');
  t.match(words('held'), 'applied when it lets go');
  t.match(words('held', 'offline'), 'It is offline');
});
