import t from 'tap';
import { NO_PULSES } from '../../../agent/fleet/rollout/health.ts';
import { hearingOf, owesBeat } from '../../../agent/fleet/rollout/hearing.ts';

const hearing = (heardMs: number | null, nowMs: number) => ({
  ...{ pulses: { ...NO_PULSES, heardMs }, listensMs: 1000, nowMs },
});

t.test('a device is heard, or still to be heard, or has said nothing for too long', async (t) => {
  t.equal(hearingOf(hearing(null, 2000)), 'unheard');
  t.equal(hearingOf(hearing(null, 91_000)), 'mute');
  t.equal(hearingOf(hearing(1500, 91_000)), 'heard');
});

t.test('who is heard at all owes a heartbeat', async (t) => {
  t.ok(owesBeat(hearing(1500, 3000), 2000));
  t.notOk(owesBeat(hearing(2000, 3000), 2000));
  t.ok(owesBeat(hearing(null, 3000), 2000));
  t.notOk(owesBeat(hearing(null, 91_000), 2000), 'it is judged by its reports');
});
