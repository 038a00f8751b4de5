import t from 'tap';
import { knownConfig, openLockDesk } from '../../agent/cli/lock-room.ts';
import { SaidError } from '../../agent/values/errors.ts';
import { makeDevice } from '../fixtures/lock-settings.ts';

t.test('the lock room of a command, after the settings', async (t) => {
  const { settings } = makeDevice(t);
  const said: string[] = [];
  const terminal = {
    out: () => {},
    err: (text: string) => void said.push(text),
    live: false,
    colour: false,
    columns: null,
    env: {},
  };
  const desk = openLockDesk(settings, terminal);
  t.teardown(() => desk.close());
  t.match(await desk.room.lock('aim').settle(), { state: 'COLD', file: 'aim.conf' });
  t.equal(knownConfig('locks', desk.settings, settings, 'aim'), 'aim');
  t.throws(() => knownConfig('locks', desk.settings, settings, 'toString'), SaidError);
  t.throws(() => openLockDesk(`${settings}.none`, terminal), SaidError);
  t.strictSame(said, []);
});
