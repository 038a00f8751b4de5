import t from 'tap';
import { datedLog } from '../../agent/trust/dated-log.ts';
import type { ClockTrust } from '../../agent/values/report.ts';

t.test('a line says so when its clock cannot be trusted', async (t) => {
  const said: unknown[] = [];
  const now: { clock: ClockTrust } = { clock: 'ok' };
  const log = datedLog({ say: (...line) => void said.push(line) }, () => now.clock);
  log.say('info', 'one', { config: 'aim' });
  now.clock = 'untrusted';
  log.say('info', 'two', { config: 'aim' });
  log.say('error', 'three');
  t.same(said, [
    ['info', 'one', { config: 'aim' }],
    ['info', 'two', { config: 'aim', clock: 'untrusted' }],
    ['error', 'three', { clock: 'untrusted' }],
  ]);
});
