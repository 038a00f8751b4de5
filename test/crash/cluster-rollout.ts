import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { readKept } from '../../agent/fleet/kept.ts';
import { readSentPlan } from '../../agent/fleet/rollout/list.ts';
import { planTopic } from '../../agent/fleet/rollout/plan.ts';
import { desiredTopic, parseDesiredTopic } from '../../agent/values/topics.ts';
import { clusterFleet } from '../fixtures/cluster-fleet.ts';
import { type Ended, type Running, start } from '../fixtures/locksmith.ts';
import type { Seen } from '../fixtures/mosquitto-clients.ts';
import { opensslKeyFile } from '../fixtures/openssl.ts';
import { openProof } from '../fixtures/proof.ts';
import { until } from '../fixtures/until.ts';

// A roll-out through a cluster, one server of which is killed in the middle of it: another's, or the one the operator is at.

const LIMIT_MS = 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const CONF = 'aim.conf';
/** How often a roll-out may be gone on with until it is done. */
const TRIES = 6;
/** The longest that one life of an operator may take. */
const LIFE_MS = 6 * 60 * 1000;
/** How long a server is dead: long enough for links to be lost and another leader to be there, as short as whoever starts it anew lets it be. */
const AWAY_MS = 10_000;
/** How long a device may take to be back, and seen by all servers: it says so again after 5 s, then after twice that, and so on. */
const ONLINE_MS = 240_000;
/** What is said when the moment has come. */
const MOMENTS = ['wave 1: 1 device', 'canary: 1 device', 'wave 2: 2 devices', 'promotion:'] as const;

t.test('a server is killed in the middle of a roll-out', { timeout: LIMIT_MS }, async (t) => {
  const proof = openProof(t);
  const fleet = await clusterFleet(t, 4, { aim: { [CONF]: 'hold = 0\n' } });
  const { nodes, devices } = fleet;
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-cluster-operator-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const key = opensslKeyFile(fleet.world.key, join(dir, 'ops.key.json'));
  /** An operator at one of the servers, who knows nothing but it and the key. */
  const operator = (at: number, ...argv: readonly string[]): Running => {
    const env = { LOCKSMITH_BROKER: nodes[at % nodes.length]?.url, LOCKSMITH_KEY: key };
    const one = start(['rollout', ...argv, '--soak', '1s', '--within', '5m'], {
      env: { ...env, XDG_STATE_HOME: mkdtempSync(join(dir, 'machine-')) },
    });
    t.teardown(() => one.stop('SIGKILL'));
    return one;
  };
  const sum = { resumed: 0 };
  /** All devices have a link, and each server knows the roll-out. */
  const wholeAgain = async (name: string) => {
    await fleet.mend({ topic: planTopic('fleet', name), fits: ({ payload }) => readSentPlan(payload) !== null });
    for (const { id } of devices) {
      const isOnline = ({ payload }: Seen) => JSON.parse(payload.toString()).state === 'online';
      await fleet.mend({ topic: `fleet/v1/dev/${id}/status`, fits: isOnline }, ONLINE_MS);
    }
  };

  for (let round = 1; round <= proof.rounds(2, 12); round += 1) {
    const name = `round-${round}`;
    const content = `hold = ${round}\n`;
    const at = proof.below(nodes.length);
    const isOwn = round % 2 === 0;
    const victim = nodes[(at + (isOwn ? 0 : 1 + proof.below(2))) % nodes.length] ?? nodes[0];
    const moment = proof.full ? proof.pick(MOMENTS) : MOMENTS[0];
    await t.test(`${victim.name} is killed at "${moment}", the operator is at ${nodes[at]?.name}`, async (t) => {
      const path = join(dir, CONF);
      writeFileSync(path, content);
      const first = operator(at, 'start', 'aim', path, '--to', 'all', '--waves', '1,50%,100%', '--name', name);
      await first.line(moment, LIFE_MS);
      await victim.kill9();
      // Who is at the dead server goes on at another one, from another machine.
      if (isOwn) await first.stop('SIGKILL');
      await pause(AWAY_MS);
      await victim.start();
      const isDone = ({ code }: Ended, { stderr }: Running) =>
        code === 0 || (code === 4 && stderr().includes('is done'));
      for (let life = first, tries = 1; !isDone(await life.ended, life); tries += 1) {
        const said = `${life.stdout().split('\n').slice(-8).join('\n')}\n${life.stderr()}`;
        t.comment(`${name}, ${tries}: ${said}`);
        if (tries === TRIES) throw new Error(`${name} does not come to an end: ${said}`);
        sum.resumed += 1;
        // A roll-out that has been stopped, and says why, is gone on with when the cluster is whole again.
        if (tries > 1 || !isOwn) await wholeAgain(name);
        const other = nodes.findIndex((node, n) => node !== victim && n !== at);
        life = operator(other, 'resume', name);
      }
      await wholeAgain(name);
      for (const device of devices) t.equal(device.contents()[CONF], content, device.id);

      // All that the roll-out has left at the broker, at each of the servers.
      const isDoneThere = ({ payload }: Seen) => readSentPlan(payload)?.stage === 'done';
      await fleet.mend({ topic: planTopic('fleet', name), fits: isDoneThere });
      const documentAt = (topic: string, isTombstone: boolean) => ({
        topic,
        fits({ payload }: Seen) {
          const place = parseDesiredTopic('fleet', topic);
          const kept = place === null ? null : readKept(payload, place);
          return kept !== null && kept.rollout === name && kept.withdraw === isTombstone;
        },
      });
      await fleet.mend(documentAt(desiredTopic('fleet', 'all', 'aim', 'base'), false));
      for (const { id } of devices) {
        await fleet.mend(documentAt(desiredTopic('fleet', `dev/${id}`, 'aim', 'shadow'), true));
      }
      t.pass('every server has the base and the withdrawn shadows, and says that it is done');
      const isBase = ({ running }: { running: { address: string | null; layer: string | null } }) =>
        running.address === 'all' && running.layer === 'base';
      await until('all have said that they run the base', () =>
        devices.every((device) => isBase(device.reports().at(-1) ?? { running: { address: null, layer: null } })),
      );
    });
  }

  await t.test('no report is missing', async (t) => {
    await fleet.allSaid(() => true);
    t.same(await fleet.stop(), [0, 0, 0, 0]);
  });
  proof.figure('cluster-rollout-kills', proof.rounds(2, 12), '1');
  proof.figure('cluster-rollout-resumed', sum.resumed, '1');
  proof.figure('cluster-rollout-servers-that-stayed-behind', fleet.restarted(), '1');
});
