import { readdirSync } from 'node:fs';
import t from 'tap';
import { lineRoom, wish } from '../fixtures/line-room.ts';
import { latch, until } from '../fixtures/until.ts';

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
