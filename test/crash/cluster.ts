import { join } from 'node:path';
import t, { type Test } from 'tap';
import { BEHIND_MS, clusterFleet, type Kept } from '../fixtures/cluster-fleet.ts';
import type { Seen } from '../fixtures/mosquitto-clients.ts';
import { withoutNamespaces } from '../fixtures/namespaces.ts';
import type { ClusterNode } from '../fixtures/nats-cluster.ts';
import { type Machine, makeMachines } from '../fixtures/own-network.ts';
import { openProof } from '../fixtures/proof.ts';
import { until } from '../fixtures/until.ts';

// A broker of three servers, one of which dies, freezes, or is cut off, while updates are pushed through the others.

const LIMIT_MS = 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
const DEVICES = proof.rounds(3, 6);
/** Each update of a series is for a config of its own, so that none hides that another was lost. */
const CONFIGS = Array.from({ length: proof.rounds(3, 8) }, (_, n) => `aim${n}`);
const PATIENCE_MS = 120_000;

/** A report that a server has acknowledged and not kept is said again: after 5 s (`stable_s`), then after twice that, and so on. */
const SAID_AGAIN_MS = 240_000;

/** What may become of a server. `end`: it is well again. */
interface Fault {
  readonly name: string;
  begin(node: ClusterNode, machine: Machine | undefined): Promise<void> | void;
  end(node: ClusterNode, machine: Machine | undefined): Promise<void> | void;
}

const FAULTS: readonly Fault[] = [
  { name: 'killed', begin: (node) => node.kill9(), end: (node) => node.start() },
  { name: 'frozen', begin: (node) => node.freeze(), end: (node) => node.thaw() },
];
const CUTS: readonly Fault[] = [
  { name: 'cut off from its peers', begin: (_, machine) => machine?.cut(false), end: (_, machine) => machine?.mend() },
  { name: 'cut off from all', begin: (_, machine) => machine?.cut(true), end: (_, machine) => machine?.mend() },
];

/** An update that a server has acknowledged and keeps. */
interface Pushed extends Kept {
  readonly id: string;
  readonly config: string;
  readonly version: number;
}

async function theCluster(t: Test, machines: readonly Machine[]): Promise<void> {
  const configs = Object.fromEntries(CONFIGS.map((config) => [config, { [`${config}.conf`]: 'hold = 0\n' }]));
  const fleet = await clusterFleet(t, DEVICES, configs, machines);
  const { nodes, devices } = fleet;
  const all: Pushed[] = [];
  const slowest = { publishMs: 0, convergeMs: 0 };
  const pushSeries = async (version: number, first: number, between: (n: number) => Promise<void>) => {
    for (const [n, config] of CONFIGS.entries()) {
      const files = { [`${config}.conf`]: `hold = ${version}\n` };
      const document = devices[0]?.sign({ version, aud: 'all', config, files });
      if (document === undefined) throw new Error('no devices');
      const { id, jws } = document;
      const topic = `fleet/${document.topic}`;
      slowest.publishMs = Math.max(slowest.publishMs, await fleet.publish(topic, jws, first + n));
      all.push({ id, config, version, topic, fits: ({ payload }: Seen) => payload.toString() === jws });
      await between(n);
    }
  };
  const newest = () => all.slice(-CONFIGS.length);
  const converged = async (what: string) => {
    const startMs = performance.now();
    const behind = () =>
      devices
        .filter((device) =>
          newest().some(({ config, version }) => device.contents()[`${config}.conf`] !== `hold = ${version}\n`),
        )
        .map(({ id }) => id);
    const allHaveIt = (withinMs: number) =>
      until(
        () => `${what}: all of the series on all; behind: ${behind()}\n${fleet.lastWords(behind())}`,
        () => behind().length === 0,
        withinMs,
      );
    await allHaveIt(BEHIND_MS).catch(async () => {
      for (const kept of newest()) await fleet.mend(kept);
      await allHaveIt(PATIENCE_MS);
    });
    slowest.convergeMs = Math.max(slowest.convergeMs, performance.now() - startMs);
  };

  await t.test('pushed through one server, applied by devices at all of them', async (t) => {
    await pushSeries(1, 0, async () => {});
    await converged('at the beginning');
    t.pass('all have it');
  });

  // A sample: killed, and the hardest cut. One that its clients do not notice can leave nats-server 2.9.10 behind for good (docs/brokers.md).
  const faults = [...FAULTS, ...(machines.length === 0 ? [] : CUTS)].filter(
    ({ name }) => proof.full || name === 'killed' || name === 'cut off from all',
  );
  const rounds = proof.rounds(faults.length, 24);
  for (let round = 0; round < rounds; round += 1) {
    const fault = faults[round % faults.length];
    const index = proof.below(nodes.length);
    const [node, machine] = [nodes[index], machines[index]];
    if (node === undefined || fault === undefined) throw new Error('no such server');
    await t.test(`${node.name} is ${fault.name} in the middle of a series`, async (t) => {
      await pushSeries(round + 2, proof.below(nodes.length), async (n) => {
        if (n === 0) await fault.begin(node, machine);
      });
      await fault.end(node, machine);
      await converged(`${node.name} was ${fault.name}`);
      t.pass('all have it');
    });
  }

  await t.test('every server has the same, and nothing that was acknowledged is missing', async (t) => {
    await fleet.allSaid((device) =>
      newest().every(({ config, version }) => device.reports(config).at(-1)?.running.version === version),
    );
    for (const { id: device, evts } of devices) {
      const without = all.filter(({ id }) => evts({ update: id, event: 'applied' }).length === 0);
      t.same(
        without.map(({ config, version }) => `${config} ${version}`),
        [],
        `${device} has applied, and said so, each update that was acknowledged`,
      );
    }
    for (const { id } of devices) {
      for (const { config, version } of newest()) {
        const fits = ({ payload }: Seen) => JSON.parse(payload.toString()).running.version === version;
        await fleet.mend({ topic: `fleet/v1/dev/${id}/reported/${config}`, fits }, SAID_AGAIN_MS);
      }
      t.pass(`all hand out what ${id} has reported`);
    }
    for (const kept of newest()) await fleet.mend(kept);
    t.pass('all hand out the whole newest series');
    t.same(await fleet.stop(), Array(DEVICES).fill(0));
    t.ok(fleet.restarted() <= rounds, `started anew ${fleet.restarted()} times: at most one server for each fault`);
  });
  const said = devices.reduce((sum, device) => sum + device.numbers().length, 0);
  proof.figure('cluster-rounds', rounds, '1');
  proof.figure('cluster-pushes-acknowledged', all.length, '1');
  proof.figure('cluster-reports-none-lost', said, '1');
  proof.figure('cluster-servers-that-stayed-behind', fleet.restarted(), '1');
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
  t.test('a server that is cut off', { skip: withoutNamespaces() }, async () => {});
  t.test('three servers on loopback', { timeout: LIMIT_MS }, (t) => theCluster(t, []));
} else {
  const file = join(import.meta.dirname, 'cluster.ts');
  const argv = ['--net', process.execPath, ...process.execArgv, file];
  const env = { ...process.env, [INSIDE]: 'yes', SEED: `${proof.seed}` };
  t.spawn('unshare', argv, { env, timeout: LIMIT_MS }, 'in a network of our own');
}
