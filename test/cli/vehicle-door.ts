import { join } from 'node:path';
import t from 'tap';
import { whyNotSafe } from '../../agent/cli/vehicle-door.ts';
import { serveControl } from '../../agent/host/control.ts';
import { workDir } from '../fixtures/device.ts';
import { settingsWith } from '../fixtures/settings.ts';

const VEHICLE = { mavlink: { listen: 'udp://127.0.0.1:14550', system: 1 } };

t.test('the daemon is asked, where the config asks for a safe vehicle', async (t) => {
  const run = workDir(t);
  const made = (vehicle?: object, config: object = {}) => settingsWith({ run, vehicle, config });
  t.equal(await whyNotSafe(made(), 'aim'), null, 'no vehicle');
  t.equal(await whyNotSafe(made(VEHICLE, { vehicle: 'any' }), 'aim'), null, 'one that does not matter');
  t.equal(await whyNotSafe(made(VEHICLE), 'none'), null);
  const dead = 'the vehicle is not known to be safe: the agent, which listens to it, does not run';
  t.equal(await whyNotSafe(made(VEHICLE), 'aim'), dead);
  const answer: { now: object } = { now: { safety: 'unsafe', reason: 'armed' } };
  const server = await serveControl(join(run, 'control.sock'), async (request) =>
    JSON.stringify(request) === '{"do":"vehicle"}' ? answer.now : { error: 'what?' },
  );
  t.teardown(server.close);
  t.equal(await whyNotSafe(made(VEHICLE), 'aim'), 'the vehicle is not safe: armed');
  answer.now = { safety: 'safe', reason: 'disarmed and landed' };
  t.equal(await whyNotSafe(made(VEHICLE), 'aim'), null);
  answer.now = { error: 'the agent does not know this request' };
  t.equal(await whyNotSafe(made(VEHICLE), 'aim'), 'the vehicle is not known to be safe: the agent gave no answer');
});
