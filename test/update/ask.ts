import t from 'tap';
import { hostTargets } from '../../agent/host/targets.ts';
import { type Answer, createAsk } from '../../agent/update/ask.ts';
import { Failure } from '../../agent/values/errors.ts';
import { fakeHooks } from '../fixtures/hooks.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { toldVehicle } from '../fixtures/vehicle.ts';

const SETTINGS = { files: [], on_hot: 'wait' as const, on_drift: 'report' as const, generations: 10, writers: [] };
function bench() {
  const hooks = fakeHooks();
  const clock = manualClock();
  return { hooks, clock, ask: createAsk({ hooks, units: hooks.units, clock }) };
}
const safe = { isSafe: () => true, onChange: () => () => {} };

t.test('a config without hooks is good, and nobody is asked', async (t) => {
  const { hooks, ask } = bench();
  t.same(await ask.check(SETTINGS, [], safe), { kind: 'good' });
  t.same(await ask.reload(SETTINGS), { kind: 'good' });
  t.same(await ask.health(SETTINGS, safe), { kind: 'good' });
  t.same(hooks.asked, []);
});

t.test('check: is told where the staged files are; what it says is what is reported', async (t) => {
  const { hooks, ask } = bench();
  const dir = t.testdir({ a: '', b: '' });
  const file = (name: string, staged: string | null) => ({
    ...{ name, staged, digest: null },
    target: hostTargets().open('stage.open', `${dir}/${name}`, { follow: false }),
  });
  const files = [file('a', '.a.1.locksmith'), file('b', null)];
  t.teardown(() => {
    for (const { target } of files) target.close();
  });
  const check = { argv: ['look', '--in={staged:a}', '{staged:b}', 'plain'], within_s: 1 };
  await ask.check({ ...SETTINGS, check }, files, safe);
  t.same(hooks.asked, [`hook.check look --in=${dir}/.a.1.locksmith ${dir}/b plain`]);
  hooks.answers.set('hook.check', 'bad');
  const no: Answer = {
    kind: 'failed',
    code: 'check-failed',
    reason: 'check look ended with 1: no such key',
    brands: true,
  };
  t.same(await ask.check({ ...SETTINGS, check }, files, safe), no);
  hooks.answers.set('hook.check', 'not-started');
  t.match(await ask.check({ ...SETTINGS, check }, files, safe), { kind: 'failed', brands: false });
  hooks.answers.set('hook.check', 'stopped');
  t.same(await ask.check({ ...SETTINGS, check }, files, safe), { kind: 'stopped' });
});

t.test('reload: a program or a service', async (t) => {
  const { hooks, ask } = bench();
  await ask.reload({ ...SETTINGS, reload: { argv: ['tell', 'it'], within_s: 1 } });
  await ask.reload({ ...SETTINGS, reload: { unit: 'aim.service', within_s: 1 } });
  t.same(hooks.asked, ['hook.reload tell it', 'unit aim.service']);
  hooks.units.reload = async () => {
    throw new Failure('io', 'systemctl reload-or-restart', 'aim.service', 'aim.service: it failed', { retry: true });
  };
  t.match(await ask.reload({ ...SETTINGS, reload: { unit: 'aim.service', within_s: 1 } }), {
    ...{ kind: 'failed', code: 'reload-failed', reason: 'aim.service: it failed', brands: true },
  });
});

/** Lets time pass until something is over. */
async function passing<T>(clock: { advance(ms: number): void }, promise: Promise<T>, stepMs: number): Promise<T> {
  const state: { value?: T; over: boolean } = { over: false };
  const over = promise.then((value) => {
    state.over = true;
    return value;
  });
  while (!state.over) {
    await new Promise(setImmediate);
    clock.advance(stepMs);
  }
  return over;
}

t.test('health: so many times in a row, within the time', async (t) => {
  const { hooks, clock, ask } = bench();
  const health = { http: 'http://h/', times: 3, every_s: 2, within_s: 20 };
  const story = ['good', 'good', 'bad', 'good', 'good', 'good', 'bad'] as const;
  let n = 0;
  hooks.answers.set('hook.health', () => story[n++] ?? 'bad');
  t.same(await passing(clock, ask.health({ ...SETTINGS, health }, safe), 500), { kind: 'good' });
  t.equal(hooks.asked.length, 6);
  hooks.answers.set('hook.health', 'bad');
  const start = clock.bootMs();
  t.match(await passing(clock, ask.health({ ...SETTINGS, health }, safe), 500), {
    ...{ kind: 'failed', code: 'health-failed', brands: true },
    reason: 'not well 3 times in a row within 20 s: ended with 1: no such key',
  });
  t.ok(clock.bootMs() - start >= 20_000);
  hooks.answers.set('hook.health', 'not-started');
  t.match(await passing(clock, ask.health({ ...SETTINGS, health }, safe), 500), { brands: false });
});

t.test('health: ends when the vehicle is not safe, or the agent leaves', async (t) => {
  const { hooks, clock, ask } = bench();
  const health = { argv: ['look'], times: 2, every_s: 1, within_s: 20 };
  let looks = 0;
  const until = { ...safe, isSafe: () => looks++ < 1 };
  t.same(await passing(clock, ask.health({ ...SETTINGS, health }, until), 500), { kind: 'unsafe' });
  hooks.answers.set('hook.health', 'stopped');
  t.same(await ask.health({ ...SETTINGS, health }, safe), { kind: 'stopped' });
});

t.test('check and health in the air: not begun; what runs is ended, and nobody is to blame', async (t) => {
  const { hooks, ask } = bench();
  const vehicle = toldVehicle();
  const safety = { isSafe: () => vehicle.state().safety === 'safe', onChange: vehicle.onChange };
  const check = { argv: ['look'], within_s: 60 };
  const health = { argv: ['look'], times: 1, every_s: 1, within_s: 60 };
  const never = () => new Promise<'good'>(() => {});
  hooks.answers.set('hook.check', never).set('hook.health', never);
  for (const ask1 of [
    () => ask.check({ ...SETTINGS, check }, [], safety),
    () => ask.health({ ...SETTINGS, health }, safety),
  ]) {
    hooks.asked.length = 0;
    vehicle.turn('unsafe');
    t.same(await ask1(), { kind: 'unsafe' });
    t.same(hooks.asked, [], 'not begun');
    vehicle.turn('safe');
    const asking = ask1();
    t.equal(hooks.asked.length, 1);
    vehicle.turn('safe');
    vehicle.turn('unknown');
    t.same(await asking, { kind: 'unsafe' });
    t.equal(vehicle.heard(), 0, 'nobody listens any more');
  }
});
