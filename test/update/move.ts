import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostTargets } from '../../agent/host/targets.ts';
import { lineRoom, wish } from '../fixtures/line-room.ts';
import { latch, until } from '../fixtures/until.ts';
import { updateFile } from '../fixtures/update.ts';
import { toldVehicle } from '../fixtures/vehicle.ts';

const HOOKS = { check: { argv: ['check-it', '{staged}'], within_s: 5 }, reload: { argv: ['reload-it'], within_s: 5 } };

t.test(
  'a check that is ended with the agent blames nobody: the document is tried again after the restart',
  async (t) => {
    const room = await lineRoom(t, { settings: HOOKS });
    room.hooks.answers.set('hook.check', 'stopped');
    await room.give(wish(1, 'one\n'));
    t.same(room.events, []);
    t.same(readdirSync(room.etc), ['aim.conf']);
    room.hooks.answers.clear();
    const next = await room.reborn();
    t.same(next.outcomes(), ['applied 1']);
  },
);

t.test('a newer one that comes while the check runs: the older is never put in place', async (t) => {
  const room = await lineRoom(t, { settings: HOOKS });
  const gate = latch();
  room.hooks.answers.set('hook.check', async () => {
    await gate.opened;
    return 'good' as const;
  });
  const given = room.give(wish(1, 'one\n'));
  await until('it is checked', () => room.hooks.asked.length === 1);
  await room.send(wish(2, 'two\n'));
  gate.open();
  await given;
  await until('the newer one is applied', () => room.outcomes().length === 2);
  t.same(room.outcomes(), ['superseded 1', 'applied 2']);
  t.notOk(room.events.some(({ event, version }) => event === 'applying' && version === 1));
});

t.test('a return is not checked again', async (t) => {
  const room = await lineRoom(t, { settings: HOOKS });
  await room.give(wish(1, 'one\n'));
  room.hooks.answers.set('hook.check', 'bad');
  await room.give({ version: 2, id: 'u-2', withdraw: true });
  await until('it is as before', () => room.content() === 'before\n');
  t.equal(room.hooks.asked.filter((asked) => asked.startsWith('hook.check')).length, 1);
});

t.test('a vehicle that arms while the content is staged: no check is begun in the air', async (t) => {
  const vehicle = toldVehicle();
  const real = hostTargets();
  const targets: typeof real = {
    ...real,
    open(...asked) {
      const target = real.open(...asked);
      const stage: typeof target.stage = async (...staged) => {
        const name = await target.stage(...staged);
        vehicle.turn('unsafe');
        return name;
      };
      return { ...target, stage };
    },
  };
  const room = await lineRoom(t, { settings: HOOKS, vehicle, targets });
  await room.give(wish(1, 'one\n'));
  t.same(room.hooks.asked, []);
  t.same(room.line.view('aim').pending?.waiting_for, ['vehicle']);
  t.same(readdirSync(room.etc), ['aim.conf']);
});

t.test('a vehicle that arms while the check runs: it is ended, and asked anew after the landing', async (t) => {
  const vehicle = toldVehicle();
  const room = await lineRoom(t, { settings: HOOKS, vehicle });
  room.hooks.answers.set('hook.check', () => new Promise(() => {}));
  const given = room.give(wish(1, 'one\n'));
  await until('it is checked', () => room.hooks.asked.length === 1);
  vehicle.turn('unsafe');
  await given;
  t.same(room.line.view('aim').pending?.waiting_for, ['vehicle']);
  t.same(room.outcomes(), []);
  t.same(readdirSync(room.etc), ['aim.conf']);
  room.hooks.answers.clear();
  vehicle.turn('safe');
  room.line.wake('aim');
  await until('applied', () => room.outcomes().includes('applied 1'));
});

t.test(
  'a set that was cut off in mid-rename is completed in the air; one that was not begun waits for the landing',
  async (t) => {
    for (const renames of [0, 1]) {
      const vehicle = toldVehicle();
      const real = hostTargets();
      const cut = { after: renames };
      const targets: typeof real = {
        ...real,
        open(...asked) {
          const target = real.open(...asked);
          const put: typeof target.put = (...what) => {
            if (cut.after === 0) throw new Error('the power is cut');
            cut.after -= 1;
            return target.put(...what);
          };
          return { ...target, put };
        },
      };
      const room = await lineRoom(t, { vehicle, targets, beside: ['more.conf'] });
      const files = [updateFile('aim.conf', 'one\n'), updateFile('more.conf', 'more\n')];
      const contents = (at: typeof room) =>
        ['aim.conf', 'more.conf'].map((name) => readFileSync(join(at.etc, name), 'utf8'));
      await room.give({ ...wish(1, ''), files });
      t.equal(room.bugs.length, 1, 'it ends there');
      t.same(contents(room), [renames === 1 ? 'one\n' : 'before\n', 'before\n']);
      t.not(room.ledger.intent('aim'), null);

      vehicle.turn('unsafe');
      cut.after = Number.POSITIVE_INFINITY;
      const next = await room.reborn();
      if (renames === 1) t.same(contents(next), ['one\n', 'more\n'], 'mixed it is worse');
      else {
        t.same(contents(next), ['before\n', 'before\n']);
        t.same(next.line.view('aim').pending?.waiting_for, ['vehicle']);
        vehicle.turn('safe');
        next.line.wake('aim');
      }
      await until('applied', () => next.outcomes().includes('applied 1'));
      t.same(contents(next), ['one\n', 'more\n']);
    }
  },
);
