import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { listenFirst, openVehicleAsk } from '../../agent/cli/vehicle-door.ts';
import { serveControl } from '../../agent/host/control.ts';
import { freeUdpPort, startAutopilot } from '../fixtures/autopilot.ts';
import { workDir } from '../fixtures/device.ts';
import { settingsWith } from '../fixtures/settings.ts';

const HERE = 'the agent does not run: the vehicle is listened to here, for ten seconds at most\n';

/** Settings with a vehicle that is heard on a port, and one who asks about it. */
async function asking(t: Test) {
  const run = workDir(t);
  const port = await freeUdpPort();
  const words: string[] = [];
  const made = (hasVehicle: boolean, config: object = {}) => {
    const vehicle = { mavlink: { listen: `udp://127.0.0.1:${port}`, system: 1 } };
    const ask = openVehicleAsk(settingsWith({ run, ...(hasVehicle ? { vehicle } : {}), config }), {
      err: (text) => void words.push(text),
    });
    t.teardown(ask.close);
    return ask;
  };
  return { run, port, words, made };
}

t.test('the daemon is asked, where the config asks for a safe vehicle', async (t) => {
  const { run, words, made } = await asking(t);
  t.equal(await made(false).whyNotSafe('aim'), null, 'no vehicle');
  t.equal(await made(true, { vehicle: 'any' }).whyNotSafe('aim'), null, 'one that does not matter');
  t.equal(await made(true).whyNotSafe('none'), null);
  const answer: { now: object } = { now: { safety: 'unsafe', reason: 'armed' } };
  const server = await serveControl(join(run, 'control.sock'), async (request) =>
    JSON.stringify(request) === '{"do":"vehicle"}' ? answer.now : { error: 'what?' },
  );
  t.teardown(server.close);
  const ask = made(true);
  t.equal(await ask.whyNotSafe('aim'), 'the vehicle is not safe: armed');
  answer.now = { safety: 'safe', reason: 'disarmed and landed' };
  t.equal(await ask.whyNotSafe('aim'), null);
  answer.now = { error: 'the agent does not know this request' };
  t.equal(await ask.whyNotSafe('aim'), 'the vehicle is not known to be safe: the agent gave no answer');
  t.same(words, [], 'who has an answer listens to nothing');
});

t.test('no daemon: it is listened to here, as long as it is asked about', { timeout: 60_000 }, async (t) => {
  const { port, words, made } = await asking(t);
  const autopilot = startAutopilot(t, port, false);
  const ask = made(true);
  t.equal(await ask.whyNotSafe('aim'), null, 'at rest for five seconds');
  t.same(words, [HERE]);
  autopilot.flies(true);
  let armed: string | null = null;
  while (armed === null) {
    await pause(10);
    armed = await ask.whyNotSafe('aim');
  }
  t.match(armed, /^the vehicle is not safe: armed/, 'heard without listening anew');
  t.same(words, [HERE]);
});

t.test('who has an agent in this process has it listen; where there is no vehicle it says nothing', async (t) => {
  const done: string[] = [];
  const terminal = { err: (text: string) => void done.push(text) };
  const agent = { listen: async () => void done.push('listened') };
  await listenFirst(agent, settingsWith({}), terminal);
  t.same(done, []);
  await listenFirst(agent, settingsWith({ vehicle: { gpsd: {} } }), terminal);
  t.same(done, [HERE, 'listened']);
});
