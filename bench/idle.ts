import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import type { MqttClient } from 'mqtt';
import { figure } from './say.ts';
import {
  connectDriver,
  cpuMs,
  makeKey,
  openWorld,
  quantile,
  startBroker,
  startProgram,
  writeSettings,
} from './world.ts';

// What the agent costs while nothing happens, beside a bare MQTT.js client that publishes as much as often; both with the flags of the unit.

const [publisher = '', locksmith = '', ...flags] = process.argv.slice(2);
/** One round after the other; both programs run in each, so that what disturbs the machine disturbs both. */
const ROUNDS = 5;
const ROUND_S = Number(process.env.BENCH_IDLE_S ?? 60);
/** Until what a start leaves behind is compiled and collected. */
const WARM_UP_S = 60;
const GOAL = 1.5;

/** How long a heartbeat is: the other side says as much. */
async function payloadBytes(driver: MqttClient): Promise<number> {
  const heard = new Promise<number>((resolve) => {
    driver.once('message', (_topic, payload) => resolve(payload.length));
  });
  await driver.subscribeAsync('+/v1/dev/+/hb');
  const bytes = await heard;
  await driver.unsubscribeAsync('+/v1/dev/+/hb');
  return bytes;
}

const world = openWorld();
try {
  const port = await startBroker(world);
  await makeKey(world);
  const driver = await connectDriver(world, port);
  for (const everyS of [30, 1]) {
    const url = `mqtt://127.0.0.1:${port}`;
    const settings = writeSettings(world, url);
    const text = JSON.parse(readFileSync(settings, 'utf8'));
    writeFileSync(settings, JSON.stringify({ ...text, telemetry: { heartbeat_s: everyS } }));
    const agent = startProgram(world, process.execPath, [...flags, locksmith, 'run', '--settings', settings]);
    const bytes = await payloadBytes(driver);
    const bare = startProgram(world, process.execPath, [
      ...flags,
      publisher,
      url,
      String(everyS * 1000),
      String(bytes),
    ]);
    await pause(WARM_UP_S * 1000);
    const [agentPid, barePid] = [agent.pid ?? 0, bare.pid ?? 0];
    const rounds: { readonly ours: number; readonly theirs: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = [cpuMs(agentPid), cpuMs(barePid)] as const;
      await pause(ROUND_S * 1000);
      rounds.push({ ours: cpuMs(agentPid) - before[0], theirs: cpuMs(barePid) - before[1] });
    }
    const sum = (of: 'ours' | 'theirs') => rounds.reduce((all, round) => all + round[of], 0);
    const percent = (ms: number) => `${(ms / ROUNDS / ROUND_S / 10).toFixed(3)} %`;
    const ratio = sum('ours') / sum('theirs');
    const ratios = rounds.map(({ ours, theirs }) => ours / theirs);
    console.log(
      `RATIO processor time, idle, a heartbeat every ${everyS} s: ${percent(sum('ours'))} / ${percent(sum('theirs'))} ` +
        `of a core = ${ratio.toFixed(2)} (${ROUNDS} rounds: ${quantile(ratios, 0).toFixed(2)} to ${quantile(ratios, 1).toFixed(2)}; ` +
        `goal ${GOAL}: ${ratio <= GOAL ? 'within the goal' : 'above the goal'})`,
    );
    figure(`idle-cpu-heartbeat-every-${everyS}-s`, (sum('ours') / ROUNDS / ROUND_S / 10).toFixed(3), '%');
    figure(`idle-cpu-heartbeat-every-${everyS}-s-to-bare`, ratio.toFixed(2), 'x');
    agent.kill('SIGTERM');
    bare.kill('SIGKILL');
    while (existsSync(`/proc/${agentPid}/exe`)) await pause(50);
  }
} finally {
  await world.end();
}
