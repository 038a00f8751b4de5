import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import mqtt, { type MqttClient } from 'mqtt';

/** Closes what a bench has opened, last first. */
export interface World {
  readonly dir: string;
  /** On tmpfs, as /run is on a device. */
  readonly fastDir: string;
  later(fn: () => unknown): void;
  end(): Promise<void>;
}

/** A directory and a list of things to end. */
export function openWorld(): World {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-bench-'));
  const fastDir = mkdtempSync('/dev/shm/locksmith-bench-');
  const endings: (() => unknown)[] = [dir, fastDir].map((path) => () => rmSync(path, { recursive: true, force: true }));
  return {
    dir,
    fastDir,
    later: (fn) => void endings.push(fn),
    async end() {
      for (const fn of endings.reverse()) await fn();
    },
  };
}

/** Starts a program that ends with the bench. */
export function startProgram(world: World, command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, [...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  world.later(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  });
  return child;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return address !== null && typeof address === 'object' ? address.port : 0;
}

/** True if somebody listens there. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const end = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'close').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return end;
}

/** Starts a broker of its own; its port on this machine, once it takes connections. */
export async function startBroker(world: World): Promise<number> {
  const port = await freePort();
  const conf = join(world.dir, 'mosquitto.conf');
  writeFileSync(conf, `listener ${port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlog_type error\n`);
  startProgram(world, 'mosquitto', ['-c', conf]);
  while (!(await answers(port))) await pause(20);
  return port;
}

/** The client that does the pushing and listening; ends with the bench. */
export async function connectDriver(world: World, port: number): Promise<MqttClient> {
  const options = { clientId: 'bench-driver', reconnectPeriod: 100 };
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, options);
  world.later(() => client.endAsync(true));
  if ('setNoDelay' in client.stream && typeof client.stream.setNoDelay === 'function') client.stream.setNoDelay(true);
  return client;
}

/** Resident memory of a process in MB. */
export function rssMb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

/** Processor time the threads of a process have used, in ms. Source: the first field of each one's `schedstat`, in ns. */
export function cpuMs(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.reduce((sum, task) => sum + nanoseconds(`/proc/${pid}/task/${task}/schedstat`), 0) / 1e6;
}

/** 0 for a thread that is over. */
function nanoseconds(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8').split(' ')[0]);
  } catch {
    return 0;
  }
}

/** The value at `share` (0…1) of the sorted list. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** A key pair, its public half written where agent and floor look for it. */
export async function makeKey(world: World) {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid: 'bench' };
  writeFileSync(join(world.dir, 'keys.json'), JSON.stringify({ keys: [jwk] }));
  return { jwk, privateKey };
}

/** Signs an update of one file of config `aim`. */
export function signUpdate(
  key: Awaited<ReturnType<typeof makeKey>>['privateKey'],
  update: { readonly version: number; readonly digest: string; readonly content: string },
): Promise<string> {
  const payload = {
    v: 1,
    id: `bench-${update.version}`,
    aud: 'dev/bench',
    config: 'aim',
    layer: 'base',
    version: update.version,
    iat: Math.floor(Date.now() / 1000),
    files: [{ name: 'aim.conf', digest: update.digest, encoding: 'utf8', content: update.content }],
  };
  return new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', kid: 'bench', typ: 'locksmith-update+jwt' }).sign(key);
}

/** Writes the settings of an agent for one config without schema, `more` in place of what they say else; returns their path. */
export function writeSettings(world: World, url: string, more: object = {}): string {
  const { dir } = world;
  mkdirSync(join(dir, 'etc'), { recursive: true });
  writeFileSync(join(dir, 'etc', 'aim.conf'), 'hold_ms = 0\n');
  const settings = {
    device: { id: 'bench' },
    broker: { urls: [url], backoff: { first_s: 0.1, cap_s: 1 } },
    trust: { keys: join(dir, 'keys.json') },
    paths: { state: join(dir, 'state'), run: join(world.fastDir, 'run') },
    configs: { aim: { files: [{ path: join(dir, 'etc', 'aim.conf') }] } },
    log: { level: 'warning' },
    ...more,
  };
  const path = join(dir, 'agent.yaml');
  writeFileSync(path, JSON.stringify(settings));
  return path;
}
