import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { freeUdpPort } from '../test/fixtures/autopilot.ts';
import { sampleAt, WAYS } from '../test/fixtures/flights.ts';
import { ourBytes } from '../test/fixtures/mavlink.ts';
import { figure } from './say.ts';
import { makeKey, openWorld, startBroker, startProgram, type World, writeSettings } from './world.ts';

// What the agent writes on the disk in an hour, as the kernel counts it: on the ground, in the air, and in the air without a link.

const [locksmith = '', seconds = ''] = process.argv.slice(2);
/** Until what a start writes is written, and the first minute's batch has gone. */
const WARM_UP_MS = 90_000;
const STEP_MS = 100;
const WAY = WAYS.circle(80, 12);

/** Bytes that a process has had written to a disk; whole pages, when they are written to for the first time since they were last saved. */
function writtenBytes(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);
}

interface Vehicle {
  readonly pid: number;
  readonly port: number;
  readonly flies: boolean;
}

/** Starts an agent that hears a vehicle. */
async function start(world: World, name: string, url: string, flies: boolean): Promise<Vehicle> {
  const port = await freeUdpPort();
  const base: Record<string, unknown> = JSON.parse(readFileSync(writeSettings(world, url), 'utf8'));
  const file = join(world.dir, 'etc', `${name}.conf`);
  writeFileSync(file, 'hold_ms = 0\n');
  const settings = join(world.dir, `${name}.yaml`);
  const text = {
    ...{ ...base, device: { id: name }, broker: { urls: [url] }, configs: { aim: { files: [{ path: file }] } } },
    paths: { state: join(world.dir, name), run: join(world.fastDir, name) },
    vehicle: { mavlink: { listen: `udp://127.0.0.1:${port}`, system: 1, send: false } },
  };
  writeFileSync(settings, JSON.stringify(text));
  const { pid = 0 } = startProgram(world, process.execPath, [locksmith, 'run', '--settings', settings]);
  return { pid, port, flies };
}

/** Tells all of them how their vehicle is, ten times a second, for good. */
function tell(world: World, vehicles: readonly Vehicle[]): void {
  const socket = createSocket('udp4');
  let n = 0;
  const timer = setInterval(() => {
    n += 1;
    for (const { port, flies } of vehicles) {
      const { latDeg, lonDeg, altM, velocity } = sampleAt(WAY, flies ? n * STEP_MS : 0);
      const [north, east, down] = [velocity?.northMps ?? 0, velocity?.eastMps ?? 0, velocity?.downMps ?? 0];
      const moves = flies ? { vx: north * 100, vy: east * 100, vz: down * 100 } : {};
      const place = { lat: latDeg * 1e7, lon: lonDeg * 1e7, alt: altM * 1000, time_boot_ms: n * STEP_MS, hdg: 65_535 };
      const frames = [ourBytes('GLOBAL_POSITION_INT', { ...place, ...moves })];
      if (n % 5 === 0) frames.push(ourBytes('EXTENDED_SYS_STATE', { landed_state: flies ? 2 : 1 }));
      if (n % 10 === 0) {
        const mode = { base_mode: flies ? 0x80 : 0, system_status: flies ? 4 : 3 };
        frames.push(ourBytes('HEARTBEAT', { type: 2, autopilot: 12, ...mode }));
      }
      for (const frame of frames) socket.send(frame, port, '127.0.0.1');
    }
  }, STEP_MS);
  world.later(() => {
    clearInterval(timer);
    socket.close();
  });
}

const world = openWorld();
try {
  await makeKey(world);
  const url = `mqtt://127.0.0.1:${await startBroker(world)}`;
  // Nobody listens on port 1.
  const all = {
    ground: await start(world, 'ground', url, false),
    air: await start(world, 'air', url, true),
    'air-without-link': await start(world, 'offline', 'mqtt://127.0.0.1:1', true),
  };
  tell(world, Object.values(all));
  await pause(WARM_UP_MS);
  const begun = performance.now();
  const before = Object.values(all).map(({ pid }) => writtenBytes(pid));
  await pause(Number(seconds) * 1000);
  const hours = (performance.now() - begun) / 3_600_000;
  for (const [n, [name, { pid }]] of Object.entries(all).entries()) {
    const megabytes = (writtenBytes(pid) - (before[n] ?? 0)) / hours / 1e6;
    if (megabytes === 0) throw new Error(`${name}: nothing was written: ${world.dir} must lie on a disk`);
    console.log(`written in an hour, ${name}: ${megabytes.toFixed(2)} MB (over ${seconds} s)`);
    figure(`${name}-an-hour`, megabytes.toFixed(1), 'MB');
  }
} finally {
  await world.end();
}
