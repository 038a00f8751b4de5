import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { openProof } from '../fixtures/proof.ts';
import { OLD, type RolloutFleet, rolloutFleet } from '../fixtures/rollout-fleet.ts';
import { badCanary, incidentFleet, orphanedCanary } from '../fixtures/rollout-incident.ts';

// An operator is killed at random in a roll-out, and another one goes on with it on a machine that knows nothing but the broker.

const proof = openProof(t);

/** Devices that run something else than their wave allows; `wave` is the last one that has begun. */
interface Kept {
  readonly plan: {
    readonly wave: number;
    readonly stage: string;
    readonly waves: readonly { readonly devices: readonly string[] }[];
  };
}

async function beyond(
  fleet: RolloutFleet,
  name: string,
  content: string,
): Promise<{ readonly stage: string | null; readonly ids: readonly string[] }> {
  // Read before the plan: it may only have moved on since.
  const changed = fleet.devices.filter((device) => device.contents()['aim.conf'] === content).map(({ id }) => id);
  const said = await fleet.operator(['rollout', 'status', name, '--json']);
  if (said.code === 4) return { stage: null, ids: changed };
  const { plan }: Kept = JSON.parse(said.stdout);
  const { stage } = plan;
  if (stage === 'promoting' || stage === 'done') return { stage, ids: [] };
  const begun = plan.waves.slice(0, plan.wave + 1).flatMap(({ devices }) => devices);
  return { stage, ids: changed.filter((id) => !begun.includes(id)) };
}

/** Waves of devices, and waves of groups. */
const WAVES = [
  ['--waves', '1,50%,100%'],
  ['--canary', 'grp/canary', '--waves', 'grp/rest,100%'],
] as const;

t.test('SIGKILL of the operator at random, gone on with elsewhere', { timeout: 3_600_000 }, async (t) => {
  const ids = Array.from({ length: proof.rounds(4, 8) }, (_, index) => `k${index + 1}`);
  const fleet = await rolloutFleet(t, { ids, groups: (id) => [id === 'k1' || id === 'k2' ? 'canary' : 'rest'] });
  const sum = { kills: 0, inWave: [0, 0] };
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
      ...(WAVES[round % 2] ?? []),
      '--name',
      name,
      ...quick,
    ];
    const resume = ['rollout', 'resume', name, ...quick];
    // Later each time: a slow machine must come to an end too.
    for (let life = 1; ; life += 1) {
      const known = (await fleet.operator(['rollout', 'status', name])).code === 0;
      const operator = fleet.startOperator(known ? resume : start);
      // The first one in a wave that has just begun, the others whenever it comes.
      const inWave = () => operator.line(/^(canary|wave \d): \d+ device/).then(() => pause(proof.below(60)));
      const some = () => pause(400 + proof.below(1_200 * life));
      const death = (life === 1 ? inWave() : some()).then(() => 'death' as const);
      if ((await Promise.race([operator.ended, death])) !== 'death') {
        // The one before may have been killed when all was done.
        const { code } = await operator.ended;
        const isDone = code === 0 || (code === 4 && operator.stderr().includes('is done'));
        t.ok(isDone, `${name}: ${code} ${operator.stdout()}${operator.stderr()}`);
        break;
      }
      await operator.stop('SIGKILL');
      sum.kills += 1;
      const { stage, ids: changed } = await beyond(fleet, name, content);
      if (stage === 'waves') sum.inWave[round % 2] = (sum.inWave[round % 2] ?? 0) + 1;
      t.same(changed, [], `${name}: nobody beyond its wave`);
    }
    for (const device of fleet.devices) t.equal(device.contents()['aim.conf'], content, `${name}: ${device.id}`);
    const devices = JSON.parse((await fleet.operator(['fleet', '--json'])).stdout);
    for (const { device, configs } of devices) {
      t.match(configs.aim.running, { layer: 'base', address: 'all' }, `${name}: ${device}`);
    }
  }
  t.not(fleet.devices[0]?.contents()['aim.conf'], OLD);
  for (const [kind, kills] of sum.inWave.entries()) t.ok(kills > 0, `killed in a wave: ${WAVES[kind]}`);
  proof.figure(
    'rollout-kills-in-a-wave',
    sum.inWave.reduce((all, kills) => all + kills, 0),
    'kills',
  );
  proof.figure('rollout-kills', sum.kills, 'kills');
  proof.figure('rollout-rounds', proof.rounds(2, 20), 'runs');
});

// A test run does it with half as many: test/cli/rollout.ts.
if (proof.full) {
  t.test('the incident as a roll-out, with twelve devices', { timeout: 600_000 }, async (t) => {
    const fleet = await incidentFleet(t, 12);
    await t.test('the health of the canary fails', (t) => badCanary(t, fleet));
    await t.test('one canary is HOT by a leaked descriptor', (t) => orphanedCanary(t, fleet));
    proof.figure('rollout-devices', 12, 'devices');
  });
}
