import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { connectFleet } from '../../agent/fleet/link.ts';
import { publishSeen } from '../../agent/fleet/publish.ts';
import type { Reported } from '../../agent/values/report.ts';
import { type AnyWorld, type LineDevice, lineDevice } from '../fixtures/line.ts';
import type { Running } from '../fixtures/locksmith.ts';
import { mosquittoSub, type Seen } from '../fixtures/mosquitto-clients.ts';
import { withoutNamespaces } from '../fixtures/namespaces.ts';
import { type ClusterNode, startNatsCluster } from '../fixtures/nats-cluster.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { type Machine, makeMachines } from '../fixtures/own-network.ts';
import { openProof } from '../fixtures/proof.ts';
import { until } from '../fixtures/until.ts';

// A broker of three servers, one of which dies, freezes, or is cut off, while updates are pushed through the others.

const LIMIT_MS = 30 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
const CONF = 'aim.conf';
const DEVICES = proof.rounds(3, 6);
/** Updates in one series. */
const SERIES = proof.rounds(3, 8);
/** How long one attempt to publish may take: without a majority nothing is acknowledged. */
const ATTEMPT_MS = 20_000;
const PATIENCE_MS = 120_000;
/** After so long without the newest, a server is taken for one that will stay behind. */
const BEHIND_MS = 45_000;
/** How long what is retained may take to come. */
const ANSWER_MS = 2_000;

/** What a server has to hand out on a topic. */
interface Newest {
  readonly topic: string;
  readonly fits: (seen: Seen) => boolean;
}

/** What may become of a server. `end`: it is well again. */
interface Fault {
  readonly name: string;
  begin(node: ClusterNode, machine: Machine | undefined): Promise<void> | void;
  end(node: ClusterNode, machine: Machine | undefined): Promise<void> | void;
}

const FAULTS: readonly [Fault, ...Fault[]] = [
  { name: 'killed', begin: (node) => node.kill9(), end: (node) => node.start() },
  { name: 'frozen', begin: (node) => node.freeze(), end: (node) => node.thaw() },
];
const CUTS: readonly Fault[] = [
  { name: 'cut off from its peers', begin: (_, machine) => machine?.cut(false), end: (_, machine) => machine?.mend() },
  { name: 'cut off from all', begin: (_, machine) => machine?.cut(true), end: (_, machine) => machine?.mend() },
];

/** Whether a server hands out what `fits` to who comes new. One that was away may be behind for a while, or let nobody subscribe. */
async function handsOut(t: Test, node: ClusterNode, { topic, fits }: Newest, withinMs: number): Promise<boolean> {
  for (const endMs = performance.now() + withinMs; ; ) {
    const late = await mosquittoSub(t, node, [topic]).catch(() => null);
    const seen = await late?.next(fits, ANSWER_MS).catch(() => null);
    await late?.stop();
    if (seen != null) return true;
    if (performance.now() > endMs) return false;
  }
}

/** As the operator's commands do it; rejects if it takes too long: without a majority nothing is acknowledged. */
async function publishOnce(node: ClusterNode, topic: string, jws: string): Promise<void> {
  const tls = { ca: null, cert: null, key: null, servername: null };
  const link = await connectFleet({ url: node.url, protocol: '3.1.1', username: null, passwordFile: null, tls });
  const late = pause(ATTEMPT_MS, null, { ref: false }).then(() => Promise.reject(new Error('too late')));
  await Promise.race([publishSeen(link, { topic, jws, retain: true, onSent: () => {} }), late]).finally(link.close);
}

async function theCluster(t: Test, machines: readonly Machine[]): Promise<void> {
  const nodes = await startNatsCluster(t, ...(machines.length === 0 ? [] : [machines]));
  const key = opensslKey(t.testdir());
  /** Publishes until one of the servers has it and keeps it. Returns the milliseconds it took. */
  const publish = async (topic: string, jws: string, first: number): Promise<number> => {
    const startMs = performance.now();
    for (let attempt = 0; performance.now() - startMs < PATIENCE_MS; attempt += 1) {
      const node = nodes[(first + attempt) % nodes.length];
      if (node === undefined) throw new Error('no server');
      const failed = await publishOnce(node, topic, jws).catch((error: unknown) => error);
      if (failed === undefined) return performance.now() - startMs;
    }
    throw new Error('no server takes anything');
  };
  await publish('fleet/v1/ready', 'x', 0);
  const [front] = nodes;
  if (front === undefined) throw new Error('no servers');
  const watcher = await mosquittoSub(t, front, ['+/v1/dev/#'], { id: 'the-fleet', keepSession: true });
  const world: AnyWorld = { broker: front, key, watcher };
  const agents: Running[] = [];
  const devices = Array.from({ length: DEVICES }, (_, n) =>
    lineDevice(t, world, {
      id: `drone-${n}`,
      // Each begins at another server.
      settings: (text) =>
        Object.assign(text.broker, {
          urls: nodes.map((_, i) => nodes[(n + i) % nodes.length]?.url),
          ...{ keepalive_s: 5, connect_timeout_s: 3, backoff: { stable_s: 5 } },
        }),
    }),
  );
  for (const device of devices) agents.push(await device.start());

  const counters = { version: 0, acknowledged: 0, restarted: 0 };
  const newestPushed = { topic: '', fits: (_: Seen): boolean => false };
  const slowest = { publishMs: 0, convergeMs: 0 };
  /** The end of the logs of these devices, for who has to find out why. */
  const lastWords = (ids: readonly string[]) =>
    devices
      .flatMap(({ id }, n) =>
        ids.includes(id) ? [`-- ${id}`, ...(agents[n]?.stderr().split('\n').slice(-25) ?? [])] : [],
      )
      .join('\n');
  const pushSeries = async (first: number, between: (n: number) => Promise<void>) => {
    for (let n = 0; n < SERIES; n += 1) {
      counters.version += 1;
      const { version } = counters;
      const document = devices[0]?.sign({ version, aud: 'all', files: { [CONF]: `hold = ${version}\n` } });
      const { topic, jws } = { topic: `fleet/${document?.topic}`, jws: document?.jws ?? '' };
      const ms = await publish(topic, jws, first + n);
      Object.assign(newestPushed, { topic, fits: ({ payload }: Seen) => payload.toString() === jws });
      slowest.publishMs = Math.max(slowest.publishMs, ms);
      counters.acknowledged += 1;
      await between(n);
    }
  };
  /** As docs/brokers.md has it: a server that stays behind with what it hands out is started anew. */
  const mendServers = async (newest: Newest) => {
    for (const node of nodes) {
      if (await handsOut(t, node, newest, BEHIND_MS)) continue;
      t.comment(`${node.name} stays behind on ${newest.topic}, and is started anew`);
      counters.restarted += 1;
      await node.kill9();
      await node.start();
      if (!(await handsOut(t, node, newest, PATIENCE_MS))) throw new Error(`${node.name} has lost ${newest.topic}`);
    }
  };
  const converged = async (what: string) => {
    const startMs = performance.now();
    const want = `hold = ${counters.version}\n`;
    const behind = () => devices.filter((device) => device.contents()[CONF] !== want).map(({ id }) => id);
    const allHaveIt = (withinMs: number) =>
      until(
        () => `${what}: all on version ${counters.version}; behind: ${behind()}\n${lastWords(behind())}`,
        () => behind().length === 0,
        withinMs,
      );
    await allHaveIt(BEHIND_MS).catch(async () => {
      await mendServers(newestPushed);
      await allHaveIt(PATIENCE_MS);
    });
    slowest.convergeMs = Math.max(slowest.convergeMs, performance.now() - startMs);
  };

  await t.test('pushed through one server, applied by devices at all of them', async (t) => {
    await pushSeries(0, async () => {});
    await converged('at the beginning');
    t.pass(`version ${counters.version}`);
  });

  const faults = machines.length === 0 ? FAULTS : [...FAULTS, ...CUTS];
  // A sample: the first and the last of them.
  const sample = [faults[0] ?? FAULTS[0], faults.at(-1) ?? FAULTS[0]];
  const rounds = proof.rounds(sample.length, 24);
  for (let round = 0; round < rounds; round += 1) {
    const fault = (proof.full ? faults : sample)[round % (proof.full ? faults.length : sample.length)] ?? FAULTS[0];
    const index = proof.below(nodes.length);
    const [node, machine] = [nodes[index], machines[index]];
    if (node === undefined) throw new Error('no such server');
    await t.test(`${node.name} is ${fault.name} in the middle of a series`, async (t) => {
      await pushSeries(proof.below(nodes.length), async (n) => {
        if (n === 0) await fault.begin(node, machine);
      });
      await fault.end(node, machine);
      await converged(`${node.name} was ${fault.name}`);
      t.pass(`version ${counters.version}`);
    });
  }

  await t.test('every server has the same, and nothing that was acknowledged is missing', async (t) => {
    const isWhole = (numbers: readonly number[]) => numbers.every((number, n) => number === n + 1);
    const hasSaid = (device: LineDevice) =>
      device.reports().at(-1)?.running.version === counters.version && isWhole(device.numbers());
    await until(
      () => `all reports; of ${devices.filter((device) => !hasSaid(device)).map(({ id }) => id)} there are not`,
      () => devices.every(hasSaid),
      PATIENCE_MS,
    );
    for (const [n, agent] of agents.entries()) t.equal((await agent.stop()).code, 0, `drone-${n}`);
    for (const { id } of devices) {
      const fits = ({ payload }: Seen) => {
        const { running }: Reported = JSON.parse(payload.toString());
        return running.version === counters.version;
      };
      await mendServers({ topic: `fleet/v1/dev/${id}/reported/aim`, fits });
      t.pass(`all hand out what ${id} has reported`);
    }
    await mendServers(newestPushed);
    t.pass('all hand out the newest update');
  });
  const said = devices.reduce((sum, device) => sum + device.numbers().length, 0);
  proof.figure('cluster-rounds', rounds, '1');
  proof.figure('cluster-pushes-acknowledged', counters.acknowledged, '1');
  proof.figure('cluster-reports-none-lost', said, '1');
  proof.figure('cluster-servers-that-stayed-behind', counters.restarted, '1');
  proof.figure('cluster-longest-publish', Math.round(slowest.publishMs), 'ms');
  proof.figure('cluster-longest-until-all-have-it', Math.round(slowest.convergeMs), 'ms');
}

/** Set in the process that has a network of its own. */
const INSIDE = 'LOCKSMITH_OWN_NETWORK';

if (process.env[INSIDE] === 'yes') {
  t.test('three servers in networks of their own', { timeout: LIMIT_MS }, async (t) =>
    theCluster(t, await makeMachines(t, 3)),
  );
} else if (withoutNamespaces() !== false) {
  t.comment(`no network of its own: ${withoutNamespaces()}; a server that is cut off is one that is frozen`);
  t.test('three servers on loopback', { timeout: LIMIT_MS }, (t) => theCluster(t, []));
} else {
  const file = join(import.meta.dirname, 'cluster.ts');
  const argv = ['--net', process.execPath, ...process.execArgv, file];
  const env = { ...process.env, [INSIDE]: 'yes', SEED: `${proof.seed}` };
  t.spawn('unshare', argv, { env, timeout: LIMIT_MS }, 'in a network of our own');
}
