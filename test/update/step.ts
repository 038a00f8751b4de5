import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type LineRoom, lineRoom, wish } from '../fixtures/line-room.ts';
import { until } from '../fixtures/until.ts';
import { SIGNED_S, updateFile } from '../fixtures/update.ts';

/** Lets something happen in mid-commit: the intent is journalled, the first rename has not been. */
function amid(room: LineRoom, happen: () => Promise<unknown>) {
  const hold = room.locks.hold;
  room.locks.hold = (config, section) =>
    hold(config, (grant) =>
      section({
        ...grant,
        async fenced(replace) {
          room.locks.hold = hold;
          await happen();
          return grant.fenced(replace);
        },
      }),
    );
}

/** Lets something happen after staging, just before the lock is taken. */
function before(room: LineRoom, happen: () => Promise<unknown>) {
  const hold = room.locks.hold;
  room.locks.hold = async (config, section) => {
    room.locks.hold = hold;
    await happen();
    return hold(config, section);
  };
}

t.test('a newer document in mid-commit: each has its own outcome, the newer one wins', async (t) => {
  const room = await lineRoom(t);
  amid(room, () => room.send(wish(2, 'two\n')));
  await room.give(wish(1, 'one\n'));
  t.same(room.outcomes(), ['applied 1', 'applied 2']);
  t.equal(room.content(), 'two\n');
  t.same(readdirSync(room.etc), ['aim.conf'], 'nothing staged is left');
});

t.test('a newer document that then fails gives way to the one it met in mid-commit', async (t) => {
  const room = await lineRoom(t);
  amid(room, () => room.send({ ...wish(2, 'two\n'), expect: { token: 99 } }));
  await room.give(wish(1, 'one\n'));
  t.same(room.outcomes(), ['applied 1', 'refused 2']);
  t.equal(room.content(), 'one\n');
  t.match(room.line.view('aim').running, { version: 1 });
  const next = await room.reborn();
  t.equal(next.content(), 'one\n');
  t.match(next.line.view('aim'), { running: { version: 1 }, lastAttempt: { id: 'u-2', result: 'refused' } });
});

t.test('a withdrawal in mid-commit: applied, then taken back', async (t) => {
  const room = await lineRoom(t);
  amid(room, () => room.send({ version: 2, id: 'u-2', withdraw: true }));
  await room.give(wish(1, 'one\n'));
  t.same(room.outcomes(), ['withdrawn 2', 'applied 1']);
  t.equal(room.content(), 'before\n');
  t.match(room.line.view('aim').running, { version: 0, layer: null });
});

t.test('a newer document just before the lock: the older one is superseded and never written', async (t) => {
  const room = await lineRoom(t);
  const seen: (string | null)[] = [];
  const hold = room.locks.hold;
  room.locks.hold = async (config, section) => {
    const held = await hold(config, section);
    seen.push(room.content());
    return held;
  };
  before(room, () => room.send(wish(2, 'two\n')));
  await room.give(wish(1, 'one\n'));
  t.same(room.outcomes(), ['superseded 1', 'applied 2']);
  t.notOk(seen.includes('one\n'));
  t.same(readdirSync(room.etc), ['aim.conf']);
});

t.test('HOT is said once per document and holder, and counted', async (t) => {
  const room = await lineRoom(t);
  const counted: string[] = [];
  room.locks.refused = (config) => void counted.push(config);
  room.locks.hot = true;
  await room.give(wish(1, 'one\n'));
  for (let n = 0; n < 3; n += 1) {
    room.line.wake('aim');
    await room.give(wish(1, 'one\n'));
  }
  t.match(room.events, [
    {
      ...{ event: 'refused', code: 'lock-mismatch', mismatch: 'hot', final: false },
      reason: 'lock mismatch: aim.conf HOT (held by pid 42)',
    },
  ]);
  t.equal(room.events.length, 1);
  t.same(counted, ['aim']);
  t.match(room.reports.at(-1)?.body, { pending: { waiting_for: ['lock'] }, last_attempt: { result: 'refused' } });
  room.locks.hot = false;
  room.line.wake('aim');
  await until('it is applied', () => room.content() === 'one\n');
});

t.test('a lock lost before the renames waits for it, with nothing left behind', async (t) => {
  const room = await lineRoom(t);
  amid(room, async () => {
    room.locks.breakIt = true;
  });
  await room.give(wish(1, 'one\n'));
  t.equal(room.content(), 'before\n');
  room.locks.breakIt = false;
  room.clock.advance(5_000);
  await until('applied', () => room.content() === 'one\n');
  await room.give(wish(1, 'one\n'));
  t.same(room.outcomes(), ['applied 1']);
  t.same(readdirSync(room.etc), ['aim.conf']);
});

t.test('a refused expectation moves no token', async (t) => {
  const room = await lineRoom(t);
  await room.give({ ...wish(1, 'one\n'), expect: { token: 4 } });
  t.match(room.events, [{ event: 'refused', mismatch: 'token', final: true }]);
  t.equal(room.locks.token, 5);
  await room.give({ ...wish(2, 'two\n'), expect: { token: 5 } });
  t.equal(room.content(), 'two\n');
  await room.give({ ...wish(3, 'two\n'), expect: { token: 5 } });
  t.same(room.outcomes(), ['refused 1', 'applied 2', 'refused 3'], 'also where nothing would have to be written');
});

t.test('a token that moves between look and grant refuses inside the lock', async (t) => {
  const room = await lineRoom(t);
  before(room, async () => {
    room.locks.token += 1;
  });
  await room.give({ ...wish(1, 'one\n'), expect: { token: 5 } });
  t.match(room.events, [{ event: 'refused', mismatch: 'token', final: true }]);
  t.equal(room.content(), 'before\n');
  t.same(readdirSync(room.etc), ['aim.conf']);
});

t.test('the disk: waits for what can heal, refuses what cannot, and says neither twice', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  renameSync(room.etc, `${room.etc}-aside`);
  await room.give(wish(2, 'two\n'));
  room.clock.advance(5_000);
  await room.give({ ...wish(2, 'two\n') });
  t.match(room.events.slice(1), [{ event: 'waiting', version: 2, code: 'missing-directory' }]);
  t.match(room.line.view('aim'), { lastAttempt: { result: 'waiting' }, pending: { waiting_for: ['disk'] } });
  await room.give({ version: 3, id: 'u-3', withdraw: true });
  t.match(room.line.view('aim'), { running: { version: 1 }, pending: { id: null, waiting_for: ['disk'] } });
  renameSync(`${room.etc}-aside`, room.etc);
  room.clock.advance(5_000);
  await until('it goes back', () => room.content() === 'before\n' && room.line.view('aim').pending === null);
  t.same(room.outcomes(), ['applied 1', 'withdrawn 2', 'withdrawn 3']);
});

t.test('a hand edit is kept before it is overwritten, and equal bytes are not written', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'one\n'));
  writeFileSync(join(room.etc, 'aim.conf'), 'by hand\n');
  await room.give(wish(2, 'two\n'));
  t.match(
    room.ledger.generations('aim').map(({ why }) => why),
    ['original', 'update', 'drift', 'update'],
  );
  writeFileSync(join(room.etc, 'aim.conf'), 'three\n');
  const { token } = room.locks;
  await room.give(wish(3, 'three\n'));
  t.match(room.events.at(-1), { event: 'applied', version: 3, changed: false });
  t.equal(room.locks.token, token, 'not even the lock was taken');
});

t.test('time ends what waits: exp, and the until of a shadow that never ran', async (t) => {
  const room = await lineRoom(t);
  room.locks.hot = true;
  await room.give({ ...wish(1, 'one\n'), exp: SIGNED_S + 60 });
  await room.give({ ...wish(1, 'shadow\n'), id: 's-1', layer: 'shadow', until: SIGNED_S + 120 });
  t.match(
    room.events.map(({ event }) => event),
    ['refused', 'covered', 'refused'],
  );
  room.clock.advance(61_000);
  await room.give(wish(1, 'one\n'));
  t.same(room.outcomes(), [], 'covered, and so it does not expire');
  room.clock.advance(60_000);
  await until('the shadow ends', () => room.outcomes().length === 1);
  t.match(
    room.events.find(({ event }) => event === 'expired'),
    { update: 's-1', code: 'expired' },
  );
  room.locks.hot = false;
  room.line.wake('aim');
  await until('what it covered is applied', () => room.content() === 'one\n');
});

t.test('an update of a config with other files is whole or not at all', async (t) => {
  const room = await lineRoom(t);
  const taken = await room.give({ version: 1, files: [updateFile('other.conf', 'x\n')] });
  t.match(taken, { kind: 'refusal', code: 'incomplete' });
  t.equal(room.content(), 'before\n');
});

t.test('a first document that changed nothing and is withdrawn leaves nothing running', async (t) => {
  const room = await lineRoom(t);
  await room.give(wish(1, 'before\n'));
  t.equal(room.line.view('aim').running.version, 1);
  await room.give({ version: 2, id: 'u-2', withdraw: true, files: [] });
  t.match(room.line.view('aim').running, { version: 0, layer: null });
  t.equal(room.content(), 'before\n');
});

t.test('a rollback that a crash cut off goes on, and its document is refused by nobody meanwhile', async (t) => {
  const settings = { reload: { argv: ['reload-it'], within_s: 5 } };
  const room = await lineRoom(t, { settings });
  await room.give(wish(1, 'one\n'));
  room.hooks.answers.set('hook.reload', () => (room.content() === 'bad\n' ? 'bad' : 'good'));
  const hold = room.locks.hold;
  let commits = 0;
  room.locks.hold = (config, section) =>
    hold(config, (grant) => {
      commits += 1;
      // The second is the rollback: it never comes to its renames.
      return section(commits < 2 ? grant : { ...grant, fenced: () => new Promise(() => {}) });
    });
  void room.give(wish(2, 'bad\n'));
  await until('the rollback is under way', () => room.ledger.intent('aim')?.back === true);
  t.ok(room.trials.isBad('aim', room.trials.of('aim')?.digest ?? ''), 'marked before');
  const next = await room.reborn();
  t.same(next.outcomes(), ['rolled-back 2']);
  t.equal(next.content(), 'one\n');
  t.same(readdirSync(next.etc), ['aim.conf']);
});
