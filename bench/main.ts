import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { figure, ratio } from './say.ts';
import {
  connectDriver,
  cpuMs,
  makeKey,
  openWorld,
  quantile,
  signUpdate,
  startBroker,
  startProgram,
  type World,
  writeSettings,
} from './world.ts';

const [here = '', locksmith = ''] = process.argv.slice(2);
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 300);
const WARM_UP = 50;
const STARTS = Number(process.env.BENCH_STARTS ?? 11);

async function until(what: string, is: () => boolean, everyMs = 1): Promise<void> {
  const end = performance.now() + 30_000;
  while (!is()) {
    if (performance.now() > end) throw new Error(`bench: ${what} did not happen within 30 s`);
    await pause(everyMs);
  }
}

/** Milliseconds from publishing an update to the arrival of the report that it runs. */
async function pushOnce(
  client: MqttClient,
  topic: string,
  report: string,
  jws: string,
  version: number,
): Promise<number> {
  const started = performance.now();
  const ended = new Promise<number>((resolve) => {
    const look = (from: string, payload: Buffer) => {
      if (from !== report || !payload.includes(`"running":{"version":${version}`)) return;
      client.off('message', look);
      resolve(performance.now() - started);
    };
    client.on('message', look);
  });
  client.publish(topic, jws, { qos: 1 });
  return ended;
}

async function latency(world: World, url: string, client: MqttClient) {
  const { jwk, privateKey } = await makeKey(world);
  const floorDir = join(world.dir, 'floor');
  mkdirSync(floorDir);
  writeFileSync(join(floorDir, 'key.json'), JSON.stringify(jwk));
  const topics = { agent: 'fleet/v1/dev/bench/desired/aim/base', floor: 'floor/desired' };
  const reports = { agent: 'fleet/v1/dev/bench/reported/aim', floor: 'floor/reported' };
  await client.subscribeAsync([reports.agent, reports.floor, 'fleet/v1/dev/bench/status'], { qos: 1 });
  const online = new Promise<void>((resolve) => {
    client.on('message', (topic, payload) => {
      if (topic.endsWith('/status') && payload.includes('online')) resolve();
    });
  });
  const floor = startProgram(world, process.execPath, [
    join(here, 'floor.mjs'),
    url,
    floorDir,
    topics.floor,
    reports.floor,
  ]);
  const agent = startProgram(world, process.execPath, [locksmith, 'run', '--settings', writeSettings(world, url)]);
  await online;
  await until('the floor', () => existsSync(join(floorDir, 'ready')));

  const times: { agent: number[]; floor: number[] } = { agent: [], floor: [] };
  const used = { agent: 0, floor: 0 };
  const usedNow = () => ({ agent: cpuMs(agent.pid ?? 0), floor: cpuMs(floor.pid ?? 0) });
  for (let version = 1; version <= ROUNDS + WARM_UP; version += 1) {
    if (version === WARM_UP + 1) Object.assign(used, usedNow());
    const content = `# bench\nhold_ms = ${version}\n`.padEnd(600, '#');
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const jws = await signUpdate(privateKey, { version, digest, content });
    // Alternating, and taking turns at being first.
    const order = version % 2 === 0 ? (['agent', 'floor'] as const) : (['floor', 'agent'] as const);
    for (const who of order) {
      const ms = await pushOnce(client, topics[who], reports[who], jws, version);
      if (version > WARM_UP) times[who].push(ms);
    }
  }
  for (const who of ['agent', 'floor'] as const) {
    const [p50, p99] = [quantile(times[who], 0.5).toFixed(2), quantile(times[who], 0.99).toFixed(2)];
    console.log(`push→reported ${who}: p50 ${p50} ms, p99 ${p99} ms`);
    figure(`push-to-reported-p50-${who}`, p50, 'ms');
  }
  const cpu = usedNow();
  console.log(
    `processor time an update: agent ${((cpu.agent - used.agent) / ROUNDS).toFixed(2)} ms, floor ${((cpu.floor - used.floor) / ROUNDS).toFixed(2)} ms`,
  );
  ratio('push-to-reported-p50', 'push to reported, p50', quantile(times.agent, 0.5), quantile(times.floor, 0.5), 1.15);
  ratio(
    'push-to-reported-p99',
    'push to reported, p99',
    quantile(times.agent, 0.99),
    quantile(times.floor, 0.99),
    1.15,
  );
  return agent;
}

async function startUp(world: World, settings: string, url: string, client: MqttClient) {
  const times: { agent: number[]; bare: number[] } = { agent: [], bare: [] };
  for (let round = 0; round < STARTS; round += 1) {
    const file = join(world.dir, `bare-${round}`);
    const bareStart = performance.now();
    const bare = startProgram(world, process.execPath, [join(here, 'bare-client.mjs'), url, file]);
    await until('the bare client', () => existsSync(file));
    times.bare.push(performance.now() - bareStart);
    bare.kill('SIGKILL');

    const online = new Promise<void>((resolve) => {
      const look = (topic: string, payload: Buffer) => {
        if (!topic.endsWith('/status') || !payload.includes('online')) return;
        client.off('message', look);
        resolve();
      };
      client.on('message', look);
    });
    const agentStart = performance.now();
    const agent = startProgram(world, process.execPath, [locksmith, 'run', '--settings', settings]);
    await online;
    times.agent.push(performance.now() - agentStart);
    agent.kill('SIGTERM');
    await until('the end of the agent', () => agent.exitCode !== null, 5);
    rmSync(file, { force: true });
  }
  ratio('start-to-subscribed', 'start to subscribed, median', quantile(times.agent, 0.5), quantile(times.bare, 0.5), 2);
}

const world = openWorld();
try {
  const port = await startBroker(world);
  const url = `mqtt://127.0.0.1:${port}`;
  const client = await connectDriver(world, port);
  const agent = await latency(world, url, client);
  agent.kill('SIGTERM');
  await until('the end of the agent', () => agent.exitCode !== null, 20);
  await startUp(world, join(world.dir, 'agent.yaml'), url, client);
} finally {
  await world.end();
}
