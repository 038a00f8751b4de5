// A recorded flight, played to an agent as if it were under way: an update that comes in the air waits until it is over. `scripts/demo
// flight` sets up and runs this. The recording comes with node-mavlink and is played as it is: a VTOL plane of ArduPilot's simulator, from
// shortly before it takes off to half a minute after it disarmed. This says no more than it holds.
// LOCKSMITH_DEMO_SABOTAGE=gate lets the config be changed whatever the vehicle does: the demo must notice.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { asker, chapter, claim, notTrue, operate, run, same, say } from './telling.mjs';
import { CONFIG, FILE, sampleWith } from './trial.mjs';

const ID = 'drone-7';
const RECORDING = join(import.meta.dirname, '..', 'node_modules', 'node-mavlink', 'examples', 'vtol.tlog');
/** How many times as fast it is played. Reason: of the half minute on the ground, 5 s by the agent's clock are rest, and some must be left. */
const SPEED = 4;
/** Longest time until it is over, on a busy machine. Milliseconds. */
const FLIGHT_MS = 90_000;
/** Higher than this above where it stood, in metres: it flies. */
const AIR_M = 20;
/** How long it has to stand disarmed, in milliseconds; 5 s but for what is lost where times are rounded. */
const REST_MS = 4990;
/** Fewest positions that are worth a picture of a flight of three minutes. */
const POSITIONS = 20;

/** This autopilot never says whether it has landed, so the settings have to say that disarmed is enough. */
const settings = () => `${process.env.LOCKSMITH_DEMO_SABOTAGE === 'gate' ? '    vehicle: any\n' : ''}vehicle:
  mavlink: { file: ${JSON.stringify(RECORDING)}, speed: ${SPEED}, system: 1 }
  disarmed_is_enough: true
`;

/** When the agent wrote a line of its log, in milliseconds since 1970. */
const timeOf = (line) => Date.parse(line.split(' ')[0]);

/** Somebody on the broker who hears where the device is and where it went. */
async function listen(url) {
  const heard = { position: [], track: [] };
  const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
  // A broker that goes away shows in what is not heard.
  client.on('error', () => {});
  client.on('message', (topic, text) => heard[topic.split('/').at(-1)].push(JSON.parse(text.toString())));
  await client.subscribeAsync(
    Object.keys(heard).map((name) => `fleet/v1/dev/${ID}/${name}`),
    { qos: 1 },
  );
  return { ...heard, close: () => client.endAsync() };
}

async function tell(trial) {
  if (!existsSync(RECORDING)) throw notTrue('node-mavlink has its recording', `no ${RECORDING}`);
  say(`A recorded flight, played ${SPEED} times as fast to a real agent in ${trial.dir}`);

  chapter(`${ID} comes up, and is armed.`);
  await trial.makeKey();
  const home = join(trial.dir, ID);
  const device = trial.makeDevice({ id: ID, groups: [], url: 'embedded', home, more: settings() });
  const { agent, url } = await trial.startAgent(device);
  trial.env.LOCKSMITH_BROKER = url;
  const fleet = await listen(url);
  const ask = asker(trial, [device]);
  const vehicle = async () => {
    const { safety, reason } = (await ask.status(ID)).vehicle;
    return `${safety}: ${reason}`;
  };
  await claim('its vehicle is unsafe: armed', async () => same(await vehicle(), 'unsafe: armed'));
  await claim(`the fleet sees it more than ${AIR_M} m above where it stood`, () => {
    const heights = fleet.position.map(({ alt_m }) => alt_m);
    return heights.at(-1) - heights[0] > AIR_M ? true : `heights in m: ${heights}`;
  });

  chapter('An operator pushes an update to it in the air, and waits for the answer.');
  const before = ask.stamp(ID);
  const next = sampleWith({ hold_ms: 800 });
  mkdirSync(join(trial.dir, 'update'));
  writeFileSync(join(trial.dir, 'update', FILE), next);
  const push = operate(trial, ['push', CONFIG, `update/${FILE}`, '--to', `dev/${ID}`, '--wait', '1', '--within', '2m']);
  const unmoved = 'nothing is replaced in the air';
  const looks = { count: 0 };
  const look = () => {
    looks.count += 1;
    if (ask.stamp(ID) !== before) throw notTrue(unmoved, `another ${FILE}, while the vehicle was not yet seen to land`);
  };
  await claim('it waits for the vehicle', async () => {
    look();
    return same((await ask.report(ID)).pending?.waiting_for, ['vehicle']);
  });
  await push.line(/^drone-7 .*waiting: the vehicle is not safe: armed/);
  const asked = /, id (\S+)$/.exec(await push.line(/^pushed /))?.[1];

  chapter('It flies on, and lands.');
  await claim(
    'the fleet has the whole flight, up to the landing',
    () => {
      look();
      return same(fleet.track.at(-1)?.properties.end, 'landed');
    },
    FLIGHT_MS,
  );
  say(`         ok: ${unmoved}: looked at ${looks.count} times, each time the same file of the same time`);
  if (push.hasEnded()) throw notTrue('the operator still waits', 'push has ended');

  chapter('It stands, disarmed. Nobody pushes again.');
  const over = await agent.line(/flight \S+ is over$/);
  const safe = await agent.line(/vehicle safe: disarmed$/);
  const restMs = timeOf(safe) - timeOf(over);
  await claim('its vehicle is safe, after five seconds of rest', () => restMs >= REST_MS || `${restMs} ms of rest`);
  const applied = await agent.line(/notice {2}applied /);
  await claim('it runs the update, and not before', () =>
    agent.lines.indexOf(safe) < agent.lines.indexOf(applied) ? ask.isOnDisk([ID], next) : `${applied}, then ${safe}`,
  );
  await claim('it was the very update that had waited', async () => {
    const events = (await ask.history(ID)).filter(({ update }) => update === asked);
    return same([...new Set(events.map(({ event, code }) => code ?? event))], ['not-safe', 'applied']);
  });
  await claim('the operator has seen it applied', async () => same((await push.ended).code, 0));

  chapter('What is left of the flight.');
  const { flight } = fleet.track[0].properties;
  const points = fleet.track.reduce((sum, { geometry }, n) => sum + geometry.coordinates.length - (n > 0 ? 1 : 0), 0);
  const inAir = fleet.position.filter((one) => one.flight === flight).length;
  await claim(`the fleet has ${fleet.track.length} batches of one flight, in order, each once`, () =>
    same(
      fleet.track.map(({ properties }) => [properties.flight, properties.seq]),
      fleet.track.map((_, n) => [flight, n + 1]),
    ),
  );
  await claim(`it has heard ${inAir} positions in that flight`, () => inAir >= POSITIONS || `${inAir} positions`);
  say(`         $ locksmith track ${flight} --gpx`);
  const gpx = await trial.run(['track', flight, '--gpx', '--settings', device.settings]);
  await claim(`the device draws it with ${points} points, as many as the fleet has`, () =>
    same(gpx.filter((line) => line.includes('<trkpt ')).length, points),
  );
  await fleet.close();
  return 0;
}

await run(tell);
