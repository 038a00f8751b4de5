import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { leakBy } from '../fixtures/lock-holders.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { OLD, type RolloutFleet, rolloutFleet } from '../fixtures/rollout-fleet.ts';
import { confOf, contents, NEW, startRollout } from '../fixtures/rollout-incident.ts';
import { until } from '../fixtures/until.ts';

// Waves that are groups, on real agents: two devices of `ring1`, five of `ring2`, and one by itself that goes first.

const IDS = ['lone', 'r1a', 'r1b', 'r2a', 'r2b', 'r2c', 'r2d', 'r2e'];
const RING2 = IDS.slice(3);
const ringOf = (id: string) => (id === 'lone' ? [] : [id.startsWith('r1') ? 'ring1' : 'ring2']);
const [NEXT, LAST] = ['hold = 900\n', 'hold = 950\n'];
const RINGS = ['--canary', 'lone', '--waves', 'grp/ring1,grp/ring2,100%'];

/** A file beside the config of a device: while it is there, its health check fails. */
const sickness = (conf: string) => `${conf}.sick`;

async function fleetOf(t: Test): Promise<RolloutFleet> {
  return rolloutFleet(t, {
    ids: IDS,
    groups: ringOf,
    config: (_id, conf) => ({ health: { argv: ['test', '!', '-e', sickness(conf)], times: 1, within_s: 5 } }),
  });
}

/** What runs on each device: digest apart, in the words of its reports. */
async function running(fleet: RolloutFleet): Promise<ReadonlyMap<string, string>> {
  const devices: readonly { device: string; configs: { aim: { running: { layer: string; address: string } } } }[] =
    JSON.parse((await fleet.operator(['fleet', '--json'])).stdout);
  return new Map(
    devices.map(({ device, configs }) => [device, `${configs.aim.running.layer} ${configs.aim.running.address}`]),
  );
}

t.test('waves by group, on eight real agents', { timeout: 600_000 }, async (t) => {
  const fleet = await fleetOf(t);
  const watcher = await mosquittoSub(t, fleet.broker, ['fleet/v1/+/+/desired/aim/+', 'fleet/v1/all/desired/aim/+']);
  const place = (topic: string) => topic.slice('fleet/v1/'.length);
  const told = () => [...new Set(watcher.seen.map(({ topic }) => place(topic)))];
  /** Where an update is in force, at the end. */
  const kept = () => {
    const last = new Map(watcher.seen.map(({ topic, payload }) => [place(topic), payload.toString().split('.')[1]]));
    const isForce = (body = '') => !Buffer.from(body, 'base64url').includes('"withdraw":true');
    return [...last].flatMap(([topic, body]) => (isForce(body) ? [topic] : []));
  };
  const have = (not: string, content: string) =>
    IDS.map((id) => (id === not ? contents(fleet)[IDS.indexOf(id)] : content));

  await t.test('HOT for no reason that goes away, and --hot wait: gone on with when it turns COLD', async (t) => {
    const leak = await leakBy(t, confOf(fleet, 'r2b'));
    const operator = fleet.startOperator([
      ...['rollout', 'start', 'aim', fleet.content(NEW), '--to', 'all', '--soak', '0s', '--within', '5m'],
      ...[...RINGS, '--name', 'rings', '--hot', 'wait'],
    ]);
    const says = (id: string, what: string) => new RegExp(`^${id} +${what}`, 'm').test(operator.stdout());
    const isWaiting = () =>
      RING2.every((id) => says(id, id === 'r2b' ? 'hot: aim\\.conf HOT, orphaned: pid' : 'confirmed'));
    await until('all of ring2 but the one that is HOT', isWaiting, 60_000);
    t.match(
      await running(fleet),
      new Map([
        ['lone', 'shadow dev/lone'],
        ['r1a', 'shadow grp/ring1'],
        ['r2a', 'shadow grp/ring2'],
      ]),
    );
    t.equal(fleet.device('r2b').contents()['aim.conf'], OLD);
    t.strictSame(told(), [
      'dev/lone/desired/aim/shadow',
      'grp/ring1/desired/aim/shadow',
      'grp/ring2/desired/aim/shadow',
    ]);
    process.kill(Number(leak.said), 'SIGKILL');
    await operator.line(/^r2b +confirmed/);
    t.match(await operator.ended, { code: 0 }, operator.stderr());
    t.strictSame(contents(fleet), Array(8).fill(NEW));
    t.strictSame(new Set((await running(fleet)).values()), new Set(['base all']));
    t.equal(told().length, 4, 'nothing was sent to a device by its name but to the canary');
  });

  await t.test(
    'the agent of the canary starts anew once it is changed: its heartbeats say so, and it is back',
    async (t) => {
      const operator = fleet.startOperator([
        ...['rollout', 'start', 'aim', fleet.content(OLD), '--to', 'all', '--soak', '10s', '--within', '5m'],
        ...[...RINGS, '--name', 'restless'],
      ]);
      await operator.line(/^lone +confirmed/, 60_000);
      t.match(operator.stdout(), /^canary: listens to the heartbeats of its devices first$/m);
      await fleet.restart('lone');
      const { code } = await operator.ended;
      const why = /^failed: canary: lone worse: its agent has restarted once since$/m;
      t.match({ code, stderr: operator.stderr() }, { code: 1, stderr: why }, operator.stdout());
      t.strictSame(contents(fleet), Array(8).fill(NEW));
    },
  );

  await t.test('the broker is killed in a roll-out and comes back: it is gone on with by itself', async (t) => {
    const operator = fleet.startOperator([
      ...['rollout', 'start', 'aim', fleet.content(OLD), '--to', 'all', '--soak', '2s', '--within', '5m'],
      ...[...RINGS, '--name', 'broken', '--success', '100%'],
    ]);
    await operator.line(/^wave 1: 2 devices/, 60_000);
    await fleet.broker.saved();
    await fleet.broker.kill9();
    await fleet.broker.start();
    await operator.line('the link to the broker is lost; trying again');
    t.match(await operator.ended, { code: 0 }, `${operator.stdout()}${operator.stderr()}`);
    t.strictSame(contents(fleet), Array(8).fill(OLD));
    t.strictSame(new Set((await running(fleet)).values()), new Set(['base all']));
    const report = join(fleet.dir, 'report.json');
    const back = await startRollout(fleet, NEW, '--name', 'back', '--waves', '100%', '--json', '--report', report);
    const said = JSON.parse(back.stdout);
    t.match(said, { rollout: 'back', end: 'done', exit: 0, left: [], plan: { stage: 'done' } });
    t.match(
      said.devices,
      [...IDS].sort().map((device) => ({ device, wave: 'canary', state: 'confirmed' })),
    );
    t.strictSame(JSON.parse(readFileSync(report, 'utf8')), said);
  });

  await t.test('one of five of a wave rolls back: more than --success 100% allows', async (t) => {
    writeFileSync(sickness(confOf(fleet, 'r2c')), '');
    const failed = await startRollout(fleet, OLD, ...RINGS, '--name', 'strict');
    t.match(failed, { code: 1, stderr: /^failed: wave 2: r2c failed: rolled-back: .*health/ }, failed.stdout);
    t.strictSame(contents(fleet), Array(8).fill(NEW));
  });

  await t.test('the same at --success 80%: goes on to the end, and says who was left behind', async (t) => {
    const done = await startRollout(fleet, NEXT, ...RINGS, '--name', 'lenient', '--success', '80%');
    t.match(done, { code: 0, stdout: /^done: all but these run the base: r2c$/m }, `${done.stdout}${done.stderr}`);
    t.strictSame(contents(fleet), have('r2c', NEXT));
    t.strictSame(kept(), ['all/desired/aim/base'], 'the shadow of its group is gone all the same');
    rmSync(sickness(confOf(fleet, 'r2c')));
  });

  await t.test('HOT, and --hot skip: gone on without it; it gets the base when it turns COLD', async (t) => {
    const leak = await leakBy(t, confOf(fleet, 'r1b'));
    const waves = ['--canary', 'lone', '--waves', 'grp/ring1,100%', '--name', 'without', '--hot', 'skip'];
    const done = await startRollout(fleet, LAST, ...waves);
    t.match(done, { code: 0, stdout: /^goes on without r1b: HOT$/m }, `${done.stdout}${done.stderr}`);
    t.match(done, { stdout: /^done: all but these run the base: r1b$/m });
    t.strictSame(contents(fleet), have('r1b', LAST));
    t.strictSame(kept(), ['all/desired/aim/base']);
    await leak.end();
    process.kill(Number(leak.said), 'SIGKILL');
    await until('the one that was skipped', () => fleet.device('r1b').contents()['aim.conf'] === LAST);
  });

  await t.test(
    'a canary that is away at the promotion gets the base from the same roll-out when it is back',
    async (t) => {
      const operator = fleet.startOperator([
        ...['rollout', 'start', 'aim', fleet.content(NEW), '--to', 'all', '--soak', '4s', '--within', '5m'],
        ...['--canary', 'lone', '--waves', '100%', '--name', 'away'],
      ]);
      await operator.line(/^canary: well/, 120_000);
      await fleet.kill('lone');
      const { code } = await operator.ended;
      const done = { code: 0, stdout: /^done: all but these run the base: lone$/m };
      t.match({ code, stdout: operator.stdout() }, done, operator.stderr());
      const resume = () => fleet.operator(['rollout', 'resume', 'away']);
      t.match(await resume(), { code: 4, stderr: /is done/ }, 'nobody is back');
      await fleet.restart('lone');
      t.equal((await running(fleet)).get('lone'), 'shadow dev/lone');
      t.match(await resume(), { code: 0, stdout: /^done: everybody who is there runs the base$/m });
      t.equal((await running(fleet)).get('lone'), 'base all');
      t.match(await resume(), { code: 4, stderr: /is done/ });
    },
  );

  await t.test(
    'killed in the promotion and not gone on with: a halt lets it be, and another roll-out may begin',
    async (t) => {
      const all = ['--to', 'all', '--soak', '0s', '--waves', '100%'];
      const next = () =>
        fleet.operator(['rollout', 'start', 'aim', fleet.content('hold = 990\n'), ...all, '--dry-run']);
      const operator = fleet.startOperator([
        'rollout',
        'start',
        'aim',
        fleet.content('hold = 980\n'),
        ...all,
        '--name',
        'dies',
      ]);
      await operator.line('promotion:', 60_000);
      await operator.stop('SIGKILL');
      t.match(await next(), { code: 3, stderr: /dies of aim is under way \(promoting\)/ });
      t.match(await fleet.operator(['rollout', 'halt', 'dies']), { code: 0, stderr: /it is promoted already/ });
      t.match(await fleet.operator(['rollout', 'status', 'dies']), {
        code: 0,
        stdout: /^dies +aim for all +done: halted by hand/,
      });
      const after = await next();
      t.notMatch(after.stderr, /under way/);
      // Whatever was on its way when it died is named, and can be left behind.
      if (after.code !== 0) t.match(after, { code: 3, stderr: /something more specific covers it/ });
      t.match(await fleet.operator(['rollout', 'resume', 'dies']), { code: 4, stderr: /is done/ });
    },
  );
});
