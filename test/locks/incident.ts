import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { bundle } from '../fixtures/bundle.ts';
import type { FaultPlan, Moment } from '../fixtures/faulty-agent.ts';
import { endsKilled, type Life, startLife } from '../fixtures/faulty-life.ts';
import { type LineDevice, type LineTest, type LineWorld, lineDevice, lineWorld } from '../fixtures/line.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { until } from '../fixtures/until.ts';

// The night that Locksmith is made for: who manages the lock is killed between the bit and the owner.

const OLD = 'hold = 500\n';
const NEW = 'hold = 800\n';

const inLock = (device: LineDevice, name: string) => join(device.run, 'locks', 'aim', name);
const word = (device: LineDevice, name: string) => readFileSync(inLock(device, name), 'utf8').trim();

function launch(t: LineTest, program: string, device: LineDevice, more: Partial<FaultPlan> = {}): Life {
  const plan = {
    settings: device.settings,
    document: null,
    kill: null,
    pause: null,
    record: null,
    ...more,
  };
  return startLife(t, program, plan);
}

/** A device with an update that was refused over a HOT lock and waits; its agent has left, and so has the holder. */
async function waitingDevice(t: LineTest, world: LineWorld, program: string, root: string) {
  const device = lineDevice(t, world, { root });
  const life = launch(t, program, device);
  await life.word('started');
  const holder = await flockBy(t, inLock(device, 'lock'));
  const { id } = await device.push({ version: 1, files: { 'aim.conf': NEW } });
  await device.evt({ update: id, event: 'refused', code: 'lock-mismatch', final: false });
  await life.stop();
  await holder.end();
  return { device, id };
}

/** The moments of a grant from just before its record is there until just after its bit is. */
function momentsOfGrant(recorded: string): readonly Moment[] {
  const all = recorded
    .trim()
    .split('\n')
    .map((line): Moment => {
      const [op = '', step = '', nth = ''] = line.split(' ');
      return { op, step, nth: Number(nth) };
    });
  const commit = all.findIndex(({ op }) => op === 'commit.rename');
  const owner = all.slice(0, commit).findLastIndex(({ op, step }) => op === 'lock.record' && step === 'rename');
  const bit = all.findIndex(({ op, step }, index) => index > owner && op === 'lock.view' && step === 'rename');
  return all.slice(owner, bit + 2);
}

t.test(
  'killed between the owner and the bit, at every step: COLD in one settle, and what waited is applied',
  async (t) => {
    const world = await lineWorld(t);
    const program = await bundle(join(import.meta.dirname, '..', 'fixtures', 'faulty-agent.ts'));
    const model = await waitingDevice(t, world, program, 'model');
    const record = join(model.device.dir, 'moments');
    const whole = launch(t, program, model.device, { record });
    await whole.during(model.device.evt({ update: model.id, event: 'applied' }));
    await whole.stop();
    const moments = momentsOfGrant(readFileSync(record, 'utf8'));
    t.ok(moments.length >= 5, moments.map(({ op, step }) => `${op} ${step}`).join(', '));

    for (const [index, kill] of moments.entries()) {
      const at = `${kill.op} ${kill.step}`;
      const { device, id } = await waitingDevice(t, world, program, `kill-${index}`);
      const before = Number(word(device, 'token'));
      const doomed = launch(t, program, device, { kill });
      t.ok(await endsKilled(async () => void (await doomed.word('stopped'))), `killed before ${at}`);
      const owned = JSON.parse(word(device, 'record.json')).mode === 'held';
      t.equal(owned, index > 0, 'from the second on there is an owner on record, who is dead');
      t.same(device.contents(), { 'aim.conf': OLD }, 'nothing was replaced yet');

      const next = launch(t, program, device);
      await next.word('started');
      // One settle lies between its start and this word.
      t.equal(word(device, 'state'), 'COLD', `COLD after ${at}`);
      if (owned) {
        const reclaimed = await device.evt({ event: 'reclaimed' });
        t.match(reclaimed, { config: 'aim', reason: /its holder is gone.*token 1 → 2/ });
      }
      t.match(await device.evt({ update: id, event: 'applied' }), { final: true, changed: true });
      await next.stop();
      t.same(device.contents(), { 'aim.conf': NEW });
      t.strictSame([word(device, 'state'), word(device, 'conf_locked')], ['COLD', '0']);
      t.equal(Number(word(device, 'token')), before + (owned ? 3 : 1), 'grant, reclaim, grant: none used twice');
      t.equal(device.evts({ event: 'reclaimed' }).length, owned ? 1 : 0, 'told once');
      t.equal(device.evts({ update: id, final: true }).length, 1, 'one outcome');
    }
  },
);

t.test("another program's lock manager is killed between conf_locked and its name", async (t) => {
  const world = await lineWorld(t);
  const device = lineDevice(t, world, { root: 'night' });
  const agent = await device.start();
  await until('the control surface', () => existsSync(inLock(device, 'conf_locked')));
  await agent.stop();
  const manager = 'echo 1 > "$0/conf_locked"; kill -KILL $$; echo "pid $$" > "$0/holder"';
  t.equal(spawnSync('sh', ['-c', manager, inLock(device, '.')]).signal, 'SIGKILL');
  t.strictSame([word(device, 'conf_locked'), word(device, 'holder')], ['1', ''], 'HOT, and of nobody');
  const { id } = await device.push({ version: 1, files: { 'aim.conf': NEW } });

  await device.start();
  t.match(await device.evt({ event: 'reclaimed' }), { reason: /^conf_locked was 1.*token 0 → 1$/ });
  t.match(await device.evt({ update: id, event: 'applied' }), { changed: true });
  t.same(device.contents(), { 'aim.conf': NEW });
  // What is said goes out before the lock is given back.
  await until('given back', () => word(device, 'token') === '2');
  t.strictSame([word(device, 'state'), word(device, 'conf_locked'), word(device, 'token')], ['COLD', '0', '2']);
  t.strictSame(device.evts({ event: 'refused' }), [], 'nobody was refused for it');
});
