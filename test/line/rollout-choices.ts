import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeKeyFiles } from '../../agent/fleet/signer.ts';
import { OLD, rolloutFleet } from '../fixtures/rollout-fleet.ts';
import { contents, startRollout } from '../fixtures/rollout-incident.ts';
import { until } from '../fixtures/until.ts';

// What an operator may choose of a roll-out, on real agents: `a`, `b` and `c`.

const [OWN, ONE, TWO, THREE] = ['hold = 7\n', 'hold = 1\n', 'hold = 2\n', 'hold = 3\n'];

t.test('the choices of an operator', { timeout: 600_000 }, async (t) => {
  const fleet = await rolloutFleet(t, { ids: ['a', 'b', 'c'] });
  const push = (text: string, to: string) =>
    fleet.operator(['push', 'aim', fleet.content(text), '--to', to, '--wait', '1']);
  const kept = async (name: string) =>
    JSON.parse((await fleet.operator(['rollout', 'status', name, '--json'])).stdout).plan;

  await t.test('a device with an update of its own: refused, or left as it is', async (t) => {
    t.match(await push(OWN, 'dev/b'), { code: 0 });
    const refused = await startRollout(fleet, ONE, '--name', 'one');
    t.match(refused, { code: 3, stderr: /1 of the devices would not get it, .*: b by / });
    t.same(contents(fleet), [OLD, OWN, OLD]);

    const plan = await startRollout(fleet, ONE, '--name', 'one', '--leave-covered', '--dry-run', '--json');
    const draft = JSON.parse(plan.stdout);
    t.match([plan.code, draft.hidden], [0, [{ device: 'b' }]]);
    t.same(draft.plan.waves.flatMap(({ devices }: { devices: string[] }) => devices).sort(), ['a', 'c']);
    t.match(await fleet.operator(['rollout', 'status', 'one']), { code: 4 }, 'a dry run leaves nothing behind');

    const done = await startRollout(fleet, ONE, '--name', 'one', '--leave-covered');
    t.match(done, { code: 0 }, done.stderr);
    t.same(contents(fleet), [ONE, OWN, ONE]);
    t.match(await fleet.operator(['withdraw', 'aim', '--to', 'dev/b', '--layer', 'base', '--wait', '1']), { code: 0 });
    await until('b has what all have', () => contents(fleet)[1] === ONE);
  });

  await t.test(
    'a device that is offline, and --offline wait: it has its place in a wave, and is waited for',
    async (t) => {
      await fleet.kill('c');
      const offline = async () => {
        const devices: readonly { device: string; online: boolean }[] = JSON.parse(
          (await fleet.operator(['fleet', '--json'])).stdout,
        );
        return devices.some(({ device, online }) => device === 'c' && !online);
      };
      while (!(await offline()));
      const wish = [
        ...['rollout', 'start', 'aim', fleet.content(TWO), '--to', 'all', '--soak', '0s', '--within', '5m'],
      ];
      const operator = fleet.startOperator([...wish, '--name', 'two', '--waves', '100%', '--offline', 'wait']);
      await operator.line(/: 2 of 3 confirmed/, 60_000);
      t.match(await kept('two'), { stage: 'waves', later: [] });
      t.same(contents(fleet), [TWO, TWO, ONE]);
      await fleet.restart('c');
      t.match(await operator.ended, { code: 0 }, operator.stderr());
      t.same(contents(fleet), [TWO, TWO, TWO]);
    },
  );

  await t.test('somebody stops all updates: nobody goes on with a roll-out until that is lifted', async (t) => {
    t.match(await startRollout(fleet, THREE, '--name', 'three', '--waves', '1,100%', '--pause'), { code: 0 });
    t.match(await fleet.operator(['halt', '--to', 'all', '--note', 'storm', '--wait', '3']), { code: 0 });
    const refused = await fleet.operator(['rollout', 'resume', 'three']);
    t.match(refused, { code: 3, stderr: /storm/ });
    t.match(refused.stderr, 'Try: locksmith halt --to all --lift');
    t.match(await kept('three'), { stage: 'paused' });
    t.match(await fleet.operator(['halt', '--to', 'all', '--lift', '--wait', '3']), { code: 0 });
    const done = await fleet.operator(['rollout', 'resume', 'three']);
    t.match(done, { code: 0 }, done.stderr);
    t.same(contents(fleet), [THREE, THREE, THREE]);
  });

  await t.test("a colleague's roll-out is believed with --trust, and not without", async (t) => {
    const { privatePath } = await makeKeyFiles('mate', t.testdir());
    const mate = (...more: readonly string[]) =>
      fleet.operator(['rollout', 'resume', 'three', '--key', privatePath, ...more]);
    t.match(await mate(), { code: 3, stderr: /three was not planned by a key that you trust/ });
    const keys = join(fleet.dir, 'ops.pub.json');
    t.ok(readFileSync(keys, 'utf8'));
    t.match(await mate('--trust', keys), { code: 4, stderr: /three is done/ });
  });
});
