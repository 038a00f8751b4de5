/**
 * Side by side: from the push of a config until the report that it is in place, with Locksmith and with what a device would otherwise
 * do; and what is lost where it is killed on the way. Usage: node beside.mjs PROGRAMS SCRIPTS LOCKSMITH AWS-MODULES RED-MODULES (`-`: none)
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import mqtt, { type MqttClient } from 'mqtt';
import { type Contender, contendersOn, contentOf } from './contenders.ts';
import { makeKey, openWorld, quantile, type World } from './world.ts';

const [programs = '', scripts = '', locksmith = '', awsModules = '-', redModules = '-'] = process.argv.slice(2);
const ROUNDS = Number(process.env.BESIDE_ROUNDS ?? 100);
const KILLS = Number(process.env.BESIDE_KILLS ?? 20);
const WARM_UP = 10;
const PORT = Number(process.env.BESIDE_PORT ?? 18_930);
const PATIENCE_MS = 60_000;

/** A Mosquitto whose log is read, for it says who has acknowledged what. */
interface LoudBroker {
  lines: string[];
  until(pattern: string, from: number): Promise<void>;
}

async function startBroker(world: World, port: number, noDelay: boolean): Promise<LoudBroker> {
  const conf = join(world.dir, `mosquitto-${port}.conf`);
  const settings = [
    'allow_anonymous true',
    `set_tcp_nodelay ${noDelay}`,
    'log_type all',
    'log_dest stderr',
    'log_timestamp false',
  ];
  writeFileSync(conf, [`listener ${port} 127.0.0.1`, 'user root', ...settings, ''].join('\n'));
  const child = spawn('mosquitto', ['-c', conf], { stdio: ['ignore', 'ignore', 'pipe'] });
  world.later(() => child.kill('SIGKILL'));
  const lines: string[] = [];
  let rest = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  const broker: LoudBroker = {
    lines,
    async until(pattern, from) {
      const end = performance.now() + PATIENCE_MS;
      while (!lines.slice(from).some((line) => line.includes(pattern))) {
        if (performance.now() > end) throw new Error(`bench: the broker never said '${pattern}'`);
        await pause(5);
      }
    },
  };
  await broker.until(' running', 0);
  return broker;
}

/** The process and all it has started, by the group it leads. */
function groupOf(pid: number): readonly { readonly pid: number; readonly cpuMs: number; readonly rssMb: number }[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const fields =
        readFileSync(`/proc/${Number(name)}/stat`, 'utf8')
          .split(') ')[1]
          ?.split(' ') ?? [];
      if (Number(fields[2]) !== pid) return [];
      const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${name}/status`, 'utf8'))?.[1] ?? 0;
      // Its own time, and that of those it has waited for: a shell starts programs.
      const ticks = [11, 12, 13, 14].reduce((sum, field) => sum + Number(fields[field]), 0);
      return [{ pid: Number(name), cpuMs: ticks * 10, rssMb: Number(rss) / 1024 }];
    } catch {
      // No process, or gone meanwhile.
      return [];
    }
  });
}

interface Life {
  readonly pid: number;
  kill(): Promise<void>;
}

async function startLife(world: World, broker: LoudBroker, { client, argv, name }: Contender): Promise<Life> {
  const mark = broker.lines.length;
  const [command = '', ...rest] = argv;
  // A group of its own, so that a shell dies with its children.
  const child: ChildProcess = spawn(command, rest, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-2000);
  });
  const gone = once(child, 'exit');
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    process.kill(-child.pid, 'SIGKILL');
    await gone;
  };
  world.later(kill);
  await broker.until(`Sending SUBACK to ${client}`, mark).catch((error: unknown) => {
    throw new Error(`${name}: ${error}; its last words: ${said}`);
  });
  return { pid: child.pid ?? 0, kill };
}

interface Row {
  readonly name: string;
  readonly does: string;
  p50: number;
  p99: number;
  rssMb: number;
  cpuMs: number;
  lost: number;
  torn: number;
  acked: number;
}

async function pushOnce(client: MqttClient, contender: Contender, version: number): Promise<number> {
  const message = await contender.message(version);
  const began = performance.now();
  const reported = new Promise<number>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`bench: ${contender.name} never reported ${version}`)),
      PATIENCE_MS,
    );
    const look = (topic: string, payload: Buffer) => {
      if (topic !== contender.report || !payload.toString().includes(contender.said(version))) return;
      clearTimeout(timer);
      client.off('message', look);
      resolve(performance.now() - began);
    };
    client.on('message', look);
  });
  client.publish(contender.topic, message, { qos: 1 });
  return reported;
}

const contents = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trimEnd() : '');
const versionIn = (text: string) => (text.endsWith(' end') ? Number(text.split(' ')[0]) : Number.NaN);

/** Killed at any time around an update, and started again: is what it had acknowledged in place? */
async function kills(
  world: World,
  broker: LoudBroker,
  client: MqttClient,
  contender: Contender,
  row: Row,
  from: number,
) {
  for (let round = 0; round < KILLS; round += 1) {
    const version = from + round;
    const life = await startLife(world, broker, contender);
    const before = contents(contender.file);
    const mark = broker.lines.length;
    client.publish(contender.topic, await contender.message(version), { qos: 1 });
    await pause((1.2 * row.p50 * (round + 0.5)) / KILLS);
    await life.kill();
    const found = contents(contender.file);
    if (found !== before && found !== contentOf(version)) row.torn += 1;
    await pause(100);
    const isAcked = broker.lines
      .slice(mark)
      .some((line) => line.startsWith(`Received PUBACK from ${contender.client} `));
    if (isAcked) row.acked += 1;
    const again = await startLife(world, broker, contender);
    const end = performance.now() + (isAcked ? 3_000 : 0);
    while (versionIn(contents(contender.file)) !== version && performance.now() < end) await pause(20);
    if (isAcked && versionIn(contents(contender.file)) !== version) row.lost += 1;
    await again.kill();
  }
}

/** All of them at once, taking turns, so that whatever else the machine does falls on each alike. */
async function measure(world: World, broker: LoudBroker, client: MqttClient, contenders: readonly Contender[]) {
  const runners: { contender: Contender; life: Life; took: number[]; beganCpuMs: number }[] = [];
  for (const contender of contenders) {
    const life = await startLife(world, broker, contender);
    await client.subscribeAsync(contender.report, { qos: 1 });
    runners.push({ contender, life, took: [], beganCpuMs: 0 });
  }
  const cpu = ({ pid }: Life) => groupOf(pid).reduce((sum, { cpuMs }) => sum + cpuMs, 0);
  for (let version = 1; version <= WARM_UP + ROUNDS; version += 1) {
    const first = version % runners.length;
    for (const runner of [...runners.slice(first), ...runners.slice(0, first)]) {
      if (version === WARM_UP + 1) runner.beganCpuMs = cpu(runner.life);
      const ms = await pushOnce(client, runner.contender, version);
      if (version > WARM_UP) runner.took.push(ms);
    }
  }
  const rows: Row[] = [];
  for (const { contender, life, took, beganCpuMs } of runners) {
    const rssMb = groupOf(life.pid).reduce((sum, one) => sum + one.rssMb, 0);
    rows.push({
      ...{ name: contender.name, does: contender.does, p50: quantile(took, 0.5), p99: quantile(took, 0.99), rssMb },
      ...{ cpuMs: (cpu(life) - beganCpuMs) / ROUNDS, lost: 0, torn: 0, acked: 0 },
    });
    await life.kill();
  }
  return rows;
}

const say = (row: Row) =>
  console.log(
    `| ${row.name} | ${row.p50.toFixed(1)} | ${row.p99.toFixed(1)} | ${row.rssMb.toFixed(0)} | ${row.cpuMs.toFixed(1)} | ` +
      `${row.acked === 0 && row.lost === 0 ? '–' : `${row.lost} of ${row.acked}`} | ${row.torn} | ${row.does} |`,
  );

const world = openWorld();
try {
  console.log(
    `${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${cpus()[0]?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, ` +
      `Linux ${release()}, Node ${process.version}; ${ROUNDS} updates and ${KILLS} kills each`,
  );
  const key = await makeKey(world);
  console.log(
    '| | p50 ms | p99 ms | RSS MB | CPU ms | lost of acknowledged | torn | does |\n|---|---|---|---|---|---|---|---|',
  );
  for (const [index, noDelay] of [true, false].entries()) {
    const port = PORT + index;
    const broker = await startBroker(world, port, noDelay);
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: 'beside-driver' });
    world.later(() => client.endAsync(true));
    if ('setNoDelay' in client.stream && typeof client.stream.setNoDelay === 'function') client.stream.setNoDelay(true);
    const own = noDelay ? world : openWorld();
    if (own !== world) world.later(() => own.end());
    const modules = { aws: awsModules === '-' ? null : awsModules, nodeRed: redModules === '-' ? null : redModules };
    const ground = { world: own, port, key: noDelay ? key : await makeKey(own), programs, scripts, locksmith, modules };
    const contenders = contendersOn(ground);
    const rows = await measure(own, broker, client, contenders);
    for (const [n, row] of rows.entries()) {
      const contender = contenders[n];
      if (noDelay && contender !== undefined) await kills(own, broker, client, contender, row, 1000);
      say(noDelay ? row : { ...row, name: `${row.name}, broker without NODELAY` });
    }
  }
} finally {
  await world.end();
}
