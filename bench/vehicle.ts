import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { MavLinkTLogPacketSplitter } from 'node-mavlink';
import { createDecoder } from '../agent/vehicle/mavlink/frames.ts';
import { createTlogReader } from '../agent/vehicle/mavlink/recorded.ts';
import { freeUdpPort } from '../test/fixtures/autopilot.ts';
import { figure } from './say.ts';
import { cpuMs, makeKey, openWorld, quantile, startProgram, type World, writeSettings } from './world.ts';

// What listening to a vehicle costs: the decoder against node-mavlink's, garbage of two sizes, and an agent that hears 300 messages a
// second against one that hears none, side by side in one run.

const [locksmith = '', flight = ''] = process.argv.slice(2);
const ROUNDS = 7;
const MESSAGES_PER_S = 300;
const SECONDS = Number(process.env.BENCH_SECONDS ?? 30);
const GOAL_PERCENT = 5;
const SETTLE_MS = 5_000;

async function timed(work: () => unknown): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = performance.now();
    await work();
    times.push(performance.now() - started);
  }
  return quantile(times, 0.5);
}

/** Theirs is a stream; its work is done when all has come out of it. */
async function theirs(bytes: Buffer): Promise<void> {
  const splitter = new MavLinkTLogPacketSplitter();
  splitter.resume();
  for (let at = 0; at < bytes.length; at += 4096) splitter.write(bytes.subarray(at, at + 4096));
  splitter.end();
  await once(splitter, 'end');
}

async function decoder(): Promise<void> {
  const bytes = readFileSync(flight);
  let frames = 0;
  const ours = await timed(() => {
    const decode = createDecoder(() => {
      frames += 1;
    });
    for (let at = 0; at < bytes.length; at += 4096) decode.stream(bytes.subarray(at, at + 4096));
  });
  const count = frames / ROUNDS;
  const other = await timed(() => theirs(bytes));
  console.log(
    `RATIO decoding a recorded flight: ${ours.toFixed(1)} / ${other.toFixed(1)} ms = ${(ours / other).toFixed(2)} of node-mavlink`,
  );
  figure('decoder', ((ours * 1000) / count).toFixed(2), 'µs');
  figure('decoder-to-node-mavlink', (ours / other).toFixed(2), 'x');
  const garbage = (size: number) => {
    const noise = Buffer.alloc(size, 0);
    for (let at = 0; at < size; at += 1) noise[at] = Math.floor(Math.random() * 256);
    return timed(() => {
      const decode = createDecoder(() => {});
      for (let at = 0; at < size; at += 4096) decode.stream(noise.subarray(at, at + 4096));
    });
  };
  const [one, ten] = [await garbage(1e6), await garbage(1e7)];
  console.log(
    `RATIO garbage, 10 MB against 1 MB: ${ten.toFixed(0)} / ${one.toFixed(0)} ms = ${(ten / one).toFixed(1)} (10 is linear)`,
  );
  figure('garbage-10-MB-to-1-MB', (ten / one).toFixed(1), 'x');
}

async function agent(world: World, id: string, settings: object) {
  const path = join(world.dir, `${id}.yaml`);
  writeFileSync(path, JSON.stringify(settings));
  const child = startProgram(world, process.execPath, [locksmith, 'run', '--settings', path]);
  const socket = join(world.fastDir, id, 'control.sock');
  while (!existsSync(socket)) await pause(100);
  return child.pid ?? 0;
}

async function listening(world: World): Promise<void> {
  await makeKey(world);
  const base: Record<string, unknown> = JSON.parse(readFileSync(writeSettings(world, 'embedded'), 'utf8'));
  // A config each: a lock of one would be somebody else's to the other.
  const of = (id: string, more: object) => {
    const path = join(world.dir, 'etc', `${id}.conf`);
    writeFileSync(path, 'hold_ms = 0\n');
    return {
      ...{ ...base, ...more, device: { id }, broker: { urls: ['embedded'] } },
      paths: { state: join(world.dir, id), run: join(world.fastDir, id) },
      configs: { aim: { files: [{ path }] } },
    };
  };
  const port = await freeUdpPort();
  const vehicle = { mavlink: { listen: `udp://127.0.0.1:${port}`, system: 1, send: false } };
  const [hears, deaf] = [
    await agent(world, 'hears', of('hears', { vehicle })),
    await agent(world, 'deaf', of('deaf', {})),
  ];
  const frames = createTlogReader()
    .read(readFileSync(flight))
    .map(({ raw }) => Buffer.from(raw));
  const link = createSocket('udp4');
  let sent = 0;
  const send = (until: number) => {
    for (; sent < until; sent += 1) link.send(frames[sent % frames.length] ?? Buffer.alloc(0), port, '127.0.0.1');
  };
  // What a start costs is another figure.
  await pause(SETTLE_MS);
  const before = { hears: cpuMs(hears), deaf: cpuMs(deaf) };
  const started = performance.now();
  while (performance.now() - started < SECONDS * 1000) {
    send(Math.floor(((performance.now() - started) / 1000) * MESSAGES_PER_S));
    await pause(10);
  }
  const wallMs = performance.now() - started;
  const share = {
    hears: ((cpuMs(hears) - before.hears) / wallMs) * 100,
    deaf: ((cpuMs(deaf) - before.deaf) / wallMs) * 100,
  };
  link.close();
  const more = share.hears - share.deaf;
  console.log(
    `${(sent / (wallMs / 1000)).toFixed(0)} messages a second: ${share.hears.toFixed(2)} % of a core; none: ${share.deaf.toFixed(2)} %`,
  );
  console.log(
    `CPU of listening: ${more.toFixed(2)} % of a core (goal ${GOAL_PERCENT}: ${more <= GOAL_PERCENT ? 'within the goal' : 'above the goal'})`,
  );
  figure('cpu', more.toFixed(2), '%');
}

const world = openWorld();
try {
  await decoder();
  await listening(world);
} finally {
  await world.end();
}
