import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { openProof } from '../fixtures/proof.ts';
import { OLD, type RolloutFleet, rolloutFleet } from '../fixtures/rollout-fleet.ts';
import { badCanary, incidentFleet, orphanedCanary } from '../fixtures/rollout-incident.ts';

// An operator is killed at random in a roll-out, and another one goes on with it on a machine that knows nothing but the broker.

/** Devices that run something else than their wave allows; `wave` is the last one that has begun. */
interface Kept {
  readonly plan: {
    readonly wave: number;
    readonly stage: string;
    readonly waves: readonly { readonly devices: readonly string[] }[];
  };
}

async function beyond(fleet: RolloutFleet, name: string, content: string): Promise<readonly string[]> {
  // Read before the plan: it may only have moved on since.
  const changed = fleet.devices.filter((device) => device.contents()['aim.conf'] === content).map(({ id }) => id);
  const said = await fleet.operator(['rollout', 'status', name, '--json']);
  if (said.code === 4) return changed;
  const { plan }: Kept = JSON.parse(said.stdout);
  if (plan.stage === 'promoting' || plan.stage === 'done') return [];
  const begun = plan.waves.slice(0, plan.wave + 1).flatMap(({ devices }) => devices);
  return changed.filter((id) => !begun.includes(id));
}

t.test('SIGKILL of the operator at random, gone on with elsewhere', { timeout: 3_600_000 }, async (t) => {
  const proof = openProof(t);
  const ids = Array.from({ length: proof.rounds(4, 8) }, (_, index) => `k${index + 1}`);
  const fleet = await rolloutFleet(t, { ids });
  const sum = { kills: 0 };
  for (let round = 1; round <= proof.rounds(2, 20); round += 1) {
    const name = `round-${round}`;
    const content = `hold = ${1000 + round}\n`;
    const quick = ['--soak', '0s', '--within', '5m'];
    const start = [
      'rollout',
      'start',
      'aim',
      fleet.content(content),
      '--to',
      'all',
      '--waves',
      '1,50%,100%',
      '--name',
      name,
      ...quick,
    ];
    const resume = ['rollout', 'resume', name, ...quick];
    // Later each time: a slow machine must come to an end too.
    for (let life = 1; ; life += 1) {
      const known = (await fleet.operator(['rollout', 'status', name])).code === 0;
      const operator = fleet.startOperator(known ? resume : start);
      const death = pause(400 + proof.below(1_200 * life)).then(() => 'death' as const);
      if ((await Promise.race([operator.ended, death])) !== 'death') {
        // The one before may have been killed when all was done.
        const { code } = await operator.ended;
        const isDone = code === 0 || (code === 4 && operator.stderr().includes('is done'));
        t.ok(isDone, `${name}: ${code} ${operator.stdout()}${operator.stderr()}`);
        break;
      }
      await operator.stop('SIGKILL');
      sum.kills += 1;
      t.same(await beyond(fleet, name, content), [], `${name}: nobody beyond its wave`);
    }
    for (const device of fleet.devices) t.equal(device.contents()['aim.conf'], content, `${name}: ${device.id}`);
    const devices = JSON.parse((await fleet.operator(['fleet', '--json'])).stdout);
    for (const { device, configs } of devices) {
      t.match(configs.aim.running, { layer: 'base', address: 'all' }, `${name}: ${device}`);
    }
  }
  t.not(fleet.devices[0]?.contents()['aim.conf'], OLD);
  proof.figure('rollout-kills', sum.kills, 'kills');
  proof.figure('rollout-rounds', proof.rounds(2, 20), 'runs');
});

t.test('the incident as a roll-out, with twelve devices', { timeout: 600_000 }, async (t) => {
  const proof = openProof(t);
  // The sample of this is in test/cli/rollout.ts, with half as many.
  if (!proof.full) return;
  const fleet = await incidentFleet(t, 12);
  await t.test('the health of the canary fails', (t) => badCanary(t, fleet));
  await t.test('one canary is HOT by a leaked descriptor', (t) => orphanedCanary(t, fleet));
  proof.figure('rollout-devices', 12, 'devices');
});
