import { createHash } from 'node:crypto';
import type { MqttClient } from 'mqtt';
import { tcpGate } from '../test/fixtures/tcp-gate.ts';
import { figure } from './say.ts';
import {
  connectDriver,
  makeKey,
  openWorld,
  quantile,
  rssMb,
  signUpdate,
  startBroker,
  startProgram,
  writeSettings,
} from './world.ts';

// Many updates, then many reconnects: does the agent's memory stay where it is?

const [updates = '', reconnects = '', ...agentArgv] = process.argv.slice(2);
/** How much more the last third may take than the first. Reason: what the kernel and the collector do moves it by about as much. */
const GROWTH_MB = 3;
/** Share of the samples that is left out at the start: caches fill, and the collector finds its size. */
const WARM_UP = 0.1;
/** Fewer rounds than these tell nothing: the first thousand updates alone take some MB. */
const ENOUGH = 3000;
const SAMPLES = 200;
const PATIENCE_MS = 120_000;
const REPORTED = 'fleet/v1/dev/bench/reported/aim';
const STATUS = 'fleet/v1/dev/bench/status';
const DESIRED = 'fleet/v1/dev/bench/desired/aim/base';

/** Resolves when a message on this topic has this in it. */
function hears(client: MqttClient, topic: string, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`soak: nothing with ${what} on ${topic}`)), PATIENCE_MS);
    const look = (from: string, payload: Buffer) => {
      if (from !== topic || !payload.includes(what)) return;
      clearTimeout(late);
      client.off('message', look);
      resolve();
    };
    client.on('message', look);
  });
}

/** Runs the rounds and takes samples of the memory; true if it stayed where it was. */
async function soak(what: string, count: number, pid: number, round: (n: number) => Promise<void>): Promise<boolean> {
  const every = Math.max(1, Math.floor(count / SAMPLES));
  const samples: { readonly at: number; readonly mb: number }[] = [];
  const started = performance.now();
  for (let n = 1; n <= count; n += 1) {
    await round(n);
    if (n % every === 0 && n > count * WARM_UP) samples.push({ at: n, mb: rssMb(pid) });
  }
  const seconds = (performance.now() - started) / 1000;
  const third = Math.floor(samples.length / 3);
  const middle = (part: readonly { readonly mb: number }[]) =>
    quantile(
      part.map(({ mb }) => mb),
      0.5,
    );
  const [first, last] = [middle(samples.slice(0, third)), middle(samples.slice(-third))];
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [at, mb] = [mean(samples.map((one) => one.at)), mean(samples.map((one) => one.mb))];
  const slope =
    samples.reduce((sum, one) => sum + (one.at - at) * (one.mb - mb), 0) /
    samples.reduce((sum, one) => sum + (one.at - at) ** 2, 0);
  const flat = count < ENOUGH || last - first <= GROWTH_MB;
  const verdict = count < ENOUGH ? 'too few to tell' : flat ? 'flat' : 'it grows';
  console.log(
    `${count} ${what} in ${seconds.toFixed(0)} s: RSS ${first.toFixed(1)} MB in the first third, ${last.toFixed(1)} MB in the last, ` +
      `${(slope * 10_000).toFixed(2)} MB more for 10,000 (${verdict})`,
  );
  figure(what, count, '1');
  figure(`rss-${what}-first-third`, first.toFixed(1), 'MB');
  figure(`rss-${what}-last-third`, last.toFixed(1), 'MB');
  return flat;
}

const world = openWorld();
try {
  const port = await startBroker(world);
  const client = await connectDriver(world, port);
  const gate = await tcpGate({ teardown: world.later }, port);
  const { privateKey } = await makeKey(world);
  await client.subscribeAsync([REPORTED, STATUS], { qos: 1 });
  const online = hears(client, STATUS, '"online"');
  // A link that is lost over and over is worth a warning each time, and longer and longer pauses.
  const broker = { urls: [gate.url], backoff: { first_s: 0.1, cap_s: 0.2 } };
  const settings = writeSettings(world, gate.url, { broker, log: { level: 'error' } });
  const agent = startProgram(world, process.execPath, [...agentArgv, 'run', '--settings', settings]);
  await online;
  const pid = agent.pid ?? 0;
  console.log(`RSS ${rssMb(pid).toFixed(1)} MB at the start`);
  const push = async (version: number) => {
    const content = `hold_ms = ${version}\n`.padEnd(600, '#');
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const jws = await signUpdate(privateKey, { version, digest, content });
    const done = hears(client, REPORTED, `"running":{"version":${version},`);
    client.publish(DESIRED, jws, { qos: 1 });
    await done;
  };
  const reconnect = async () => {
    const back = hears(client, STATUS, '"online"');
    // Whoever is on it is thrown out, and may come back at once.
    gate.shut();
    gate.open();
    await back;
  };
  const flat = [
    await soak('updates', Number(updates), pid, push),
    await soak('reconnects', Number(reconnects), pid, reconnect),
  ];
  if (flat.includes(false)) process.exitCode = 1;
} finally {
  await world.end();
}
