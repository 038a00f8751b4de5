import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createTlogReader } from '../agent/vehicle/mavlink/recorded.ts';
import { freeUdpPort } from '../test/fixtures/autopilot.ts';
import { figure, ratio } from './say.ts';
import {
  connectDriver,
  makeKey,
  openWorld,
  rssMb,
  signUpdate,
  startBroker,
  startProgram,
  type World,
  writeSettings,
} from './world.ts';

// What the agent takes of memory while nothing happens, beside a Node process that does nothing; and what a schema and a vehicle add.

const [here = '', locksmith = '', flight = '', ...unitFlags] = process.argv.slice(2);
const GOAL = 1.35;
/** Until what a start leaves behind is collected. */
const SETTLE_MS = 8_000;
const MESSAGES_PER_S = 100;

/** An agent that is set up in a directory and on a broker of its own, and what has to happen before it is measured. */
interface Variant {
  readonly name: string;
  readonly more: (dir: string, port: number) => object;
  readonly format: 'text' | 'json';
  readonly heard: boolean;
}

const PLAIN: Variant = { name: 'plain', more: () => ({}), format: 'text', heard: false };
const SCHEMA: Variant = {
  ...{ name: 'schema', format: 'json', heard: false },
  more: (dir) => {
    const [path, schema] = [join(dir, 'etc', 'aim.conf'), join(dir, 'schema.json')];
    const properties = { hold_ms: { type: 'integer', minimum: 0 } };
    writeFileSync(schema, JSON.stringify({ type: 'object', required: ['hold_ms'], properties }));
    return { configs: { aim: { files: [{ path, format: 'json', schema }] } } };
  },
};
const VEHICLE: Variant = {
  ...{ name: 'mavlink', format: 'text', heard: true },
  // The update is not what is measured: it need not wait for a landing.
  more: (dir, port) => ({
    vehicle: { mavlink: { listen: `udp://127.0.0.1:${port}`, system: 1, send: false } },
    configs: { aim: { files: [{ path: join(dir, 'etc', 'aim.conf') }], vehicle: 'any' } },
  }),
};

/** What a recorded vehicle says, until the function that comes back is called. */
function speak(port: number): () => void {
  const frames = createTlogReader()
    .read(readFileSync(flight))
    .map(({ raw }) => Buffer.from(raw));
  const link = createSocket('udp4');
  let sent = 0;
  const timer = setInterval(() => {
    link.send(frames[sent % frames.length] ?? Buffer.alloc(0), port, '127.0.0.1');
    sent += 1;
  }, 1000 / MESSAGES_PER_S);
  return () => {
    clearInterval(timer);
    link.close();
  };
}

/** MB of an agent that has taken one update and then rested. */
async function rest(outer: World, flags: readonly string[], variant: Variant): Promise<number> {
  const dirs = [join(outer.dir, variant.name), join(outer.fastDir, variant.name)] as const;
  for (const dir of dirs) mkdirSync(dir, { recursive: true });
  const world = { ...outer, dir: dirs[0], fastDir: dirs[1] };
  const [port, udp] = [await startBroker(world), await freeUdpPort()];
  const client = await connectDriver(world, port);
  const { privateKey } = await makeKey(world);
  const settings = writeSettings(world, `mqtt://127.0.0.1:${port}`, variant.more(world.dir, udp));
  const [status, report] = ['fleet/v1/dev/bench/status', 'fleet/v1/dev/bench/reported/aim'];
  const says = (topic: string, what: string) =>
    new Promise<void>((resolve) => {
      client.on('message', (from, payload) => {
        if (from === topic && payload.includes(what)) resolve();
      });
    });
  const [online, applied] = [says(status, '"online"'), says(report, '"running":{"version":1,')];
  await client.subscribeAsync([status, report], { qos: 1 });
  const agent = startProgram(world, process.execPath, [...flags, locksmith, 'run', '--settings', settings]);
  await online;
  const content = variant.format === 'json' ? '{ "hold_ms": 1 }\n' : 'hold_ms = 1\n';
  const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
  client.publish('fleet/v1/dev/bench/desired/aim/base', await signUpdate(privateKey, { version: 1, digest, content }), {
    qos: 1,
  });
  await applied;
  const hush = variant.heard ? speak(udp) : () => {};
  await pause(SETTLE_MS);
  hush();
  const mb = rssMb(agent.pid ?? 0);
  agent.kill('SIGTERM');
  await once(agent, 'exit');
  return mb;
}

const world = openWorld();
try {
  for (const flags of [[], unitFlags]) {
    const beside = startProgram(world, process.execPath, [...flags, join(here, 'bare.mjs')]);
    const plain = await rest(world, flags, { ...PLAIN, name: `plain-${flags.length}` });
    const [as, name] =
      flags.length === 0
        ? ['without flags', 'rss-without-flags']
        : [`both with ${flags.join(' ')}`, 'rss-with-the-flags-of-the-unit'];
    ratio(name, `RSS, idle and connected, ${as}`, plain, rssMb(beside.pid ?? 0), GOAL);
    if (flags.length === 0) continue;
    for (const variant of [SCHEMA, VEHICLE]) {
      const more = (await rest(world, flags, variant)) - plain;
      console.log(`RSS: ${variant.name} adds ${more.toFixed(1)} MB to ${plain.toFixed(1)} MB`);
      figure(`rss-${variant.name}-adds`, more.toFixed(1), 'MB');
    }
  }
} finally {
  await world.end();
}
