import t from 'tap';
import type { Hands, Released, ReleaseWish } from '../../agent/command/carry.ts';
import { createIds } from '../../agent/command/ids.ts';
import { type CommandPorts, openCommands } from '../../agent/command/intake.ts';
import { sha256 } from '../../agent/host/chance.ts';
import { hostEd25519 } from '../../agent/host/ed25519.ts';
import type { JournalRecord } from '../../agent/ports/journal.ts';
import { parseKeys } from '../../agent/trust/keys.ts';
import { verifyCommand } from '../../agent/trust/verify.ts';
import { openRefusalBudget } from '../../agent/update/refusals.ts';
import { refuse } from '../../agent/values/errors.ts';
import type { EventBody } from '../../agent/values/report.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { opensslKey, opensslKeys, opensslSign } from '../fixtures/openssl.ts';
import { latch } from '../fixtures/until.ts';

const NOW = 1_795_298_400;
const HEADER = { typ: 'locksmith-command+jwt' };
const RELEASE = {
  ...{ v: 1, id: 'c-1', aud: 'dev/drone-7', cmd: 'release', iat: NOW, exp: NOW + 60 },
  ...{ config: 'aim', token: 17, reason: 'its holder is gone' },
};
const RELEASED: Released = { kind: 'released', oldToken: 17, newToken: 18, changed: true, ended: [] };

t.test('a command room on documents made by openssl', async (t) => {
  const key = opensslKey(t.testdir());
  const stranger = opensslKey(t.testdirName, 'stranger');
  const ring = parseKeys(opensslKeys(key), 'keys.json');
  const sign = (payload: object, header: object = HEADER) => opensslSign(key, payload, header);

  /** A room whose journal is a list; `replay` is what an earlier life has written. */
  const open = (over: Partial<CommandPorts> = {}, replay: readonly JournalRecord[] = []) => {
    const ids = createIds();
    for (const record of replay) ids.fold(record);
    const journal: JournalRecord[] = [...replay];
    const events: EventBody[] = [];
    const wishes: ReleaseWish[] = [];
    const hands: Hands = {
      ...{ refresh: () => {}, confirm: () => null, rollBack: async () => null },
      async release(_, wish) {
        wishes.push(wish);
        return RELEASED;
      },
    };
    const trouble: unknown[] = [];
    const room = openCommands({
      ...{ root: 'fleet', device: 'drone-7', configs: ['aim'], ids, hands, sha256 },
      budget: openRefusalBudget(manualClock()),
      time: () => ({ nowS: NOW, clock: 'ok' }),
      verify: async (jws) => verifyCommand(jws, ring, { nowS: NOW, clock: 'ok', ed25519: hostEd25519() }),
      async speak(records, said) {
        for (const record of records) ids.fold(record);
        journal.push(...records);
        events.push(...said);
      },
      onTrouble: (error) => void trouble.push(error),
      ...over,
    });
    const send = (jws: string | Uint8Array, name = 'release', retain = false) =>
      room.frame({ topic: `fleet/v1/dev/drone-7/cmd/${name}`, payload: Buffer.from(jws), retain });
    return { room, send, events, wishes, journal, ids, trouble };
  };

  await t.test('which messages are its own', async (t) => {
    const { room } = open();
    const ours = (topic: string) => room.isOurs({ topic, payload: Buffer.from(''), retain: false });
    t.ok(ours('fleet/v1/dev/drone-7/cmd/release'));
    t.ok(ours('fleet/v1/dev/drone-7/cmd/what-is-this'));
    t.notOk(ours('fleet/v1/dev/drone-7/desired/aim/base'));
  });

  await t.test('taken, durable, carried out, answered', async (t) => {
    const gate = latch();
    const hands: Hands = {
      ...{ refresh: () => {}, confirm: () => null, rollBack: async () => null },
      async release() {
        await gate.opened;
        return RELEASED;
      },
    };
    const { room, send, events, journal } = open({ hands });
    await send(sign(RELEASE));
    t.strictSame(events, [], 'the broker may be told before it is carried out');
    t.match(journal, [{ t: 'command-taken', command: { id: 'c-1', exp: NOW + 60, cmd: 'release', config: 'aim' } }]);
    gate.open();
    await room.stop();
    t.match(events, [{ event: 'released', command: 'c-1', who: key.kid, old_token: 17, token: 18, final: true }]);
    t.match(journal.at(-1), { t: 'command-answered', id: 'c-1' });
    t.equal(events.length, 1);
  });

  await t.test('what is refused only when it is carried out counts as well', async (t) => {
    const budget = openRefusalBudget(manualClock());
    const hands: Hands = {
      ...{ refresh: () => {}, confirm: () => null, rollBack: async () => null },
      release: async () => refuse('lock-mismatch', 'the token has moved on'),
    };
    const { room, send, events } = open({ hands, budget });
    await send(sign(RELEASE));
    await room.stop();
    t.match(events, [{ event: 'refused', code: 'lock-mismatch', command: 'c-1' }]);
    t.same(budget.counts(), { 'lock-mismatch': 1 });
  });

  await t.test('nothing is done before its id is on disk', async (t) => {
    const disk = latch();
    const steps: string[] = [];
    const { room, send } = open({
      async speak(records) {
        steps.push(`write ${records.map((record) => record.t).join()}`);
        await disk.opened;
        steps.push('on disk');
      },
      hands: {
        ...{ refresh: () => {}, confirm: () => null, rollBack: async () => null },
        async release() {
          steps.push('release');
          return RELEASED;
        },
      },
    });
    const taken = send(sign(RELEASE)).then(() => steps.push('acknowledged'));
    while (steps.length === 0) await new Promise(setImmediate);
    for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
    t.strictSame(steps, ['write command-taken']);
    disk.open();
    await taken;
    await room.stop();
    t.equal(steps.indexOf('on disk'), 1);
    t.ok(steps.indexOf('acknowledged') > 1 && steps.indexOf('release') > 1);
  });

  await t.test(
    'an id is good for once: also the same bytes, after a restart, and under a clock set back',
    async (t) => {
      const first = open();
      const jws = sign(RELEASE);
      await Promise.all([first.send(jws), first.send(jws)]);
      await first.send(sign({ ...RELEASE, token: 18 }));
      await first.room.stop();
      t.equal(first.wishes.length, 1);
      const replayed = (events: readonly EventBody[]) =>
        events.filter(({ code, command }) => code === 'replayed' && command === 'c-1').length;
      t.equal(replayed(first.events), 2);
      const untrusted = open({ time: () => ({ nowS: 0, clock: 'untrusted' }) }, first.journal);
      await untrusted.room.start();
      await untrusted.send(jws);
      await untrusted.room.stop();
      t.strictSame(untrusted.wishes, []);
      t.match(untrusted.events, [{ event: 'refused', code: 'replayed', command: 'c-1', config: 'aim', final: true }]);
    },
  );

  await t.test('replays without end cost ten events a minute', async (t) => {
    const { send, events, room } = open();
    const jws = sign(RELEASE);
    for (let n = 0; n < 50; n += 1) await send(jws);
    const expired = sign({ ...RELEASE, id: 'c-2', iat: NOW - 99, exp: NOW - 9 });
    for (let n = 0; n < 50; n += 1) await send(expired);
    await room.stop();
    t.equal(events.filter(({ code }) => code === 'replayed').length, 10);
    t.ok(events.filter(({ code }) => code === 'expired').length <= 11);
  });

  await t.test('what is refused, its code, and what its answer can name', async (t) => {
    const named = { cmd: 'release', command: 'c-1' };
    const cases: readonly (readonly [string, string | Uint8Array, object, string?])[] = [
      ['malformed', 'garbage', { cmd: 'release' }],
      ['too-large', 'x'.repeat(128 * 1024 + 1), { cmd: 'release' }],
      ['bad-type', sign(RELEASE, {}), { cmd: 'release' }],
      ['bad-algorithm', sign(RELEASE, { ...HEADER, alg: 'none' }), { cmd: 'release' }],
      ['unknown-key', opensslSign(stranger, RELEASE, HEADER), { cmd: 'release' }],
      ['bad-signature', sign(RELEASE).replace(/\.[^.]+$/, `.${'A'.repeat(86)}`), { cmd: 'release' }],
      ['malformed', sign({ ...RELEASE, exp: undefined }), named],
      ['malformed', sign({ ...RELEASE, token: undefined }), named],
      ['unknown-field', sign({ ...RELEASE, force: true }), named],
      ['unsupported-format', sign({ ...RELEASE, v: 2 }), named],
      ['unknown-field', sign({ ...RELEASE, cmd: 'rollback' }), named],
      ['key-not-allowed', sign({ ...RELEASE, end_holder: true, holder: { pid: 7 } }), named],
      ['wrong-audience', sign({ ...RELEASE, aud: 'dev/drone-8' }), named],
      ['wrong-topic', sign(RELEASE), { ...named, cmd: 'release' }, 'refresh'],
      ['expired', sign({ ...RELEASE, iat: NOW - 99, exp: NOW }), named],
      ['from-future', sign({ ...RELEASE, iat: NOW + 301, exp: NOW + 400 }), named],
      ['not-managed', sign({ ...RELEASE, config: 'radio' }), named],
    ];
    for (const [code, payload, said, topic] of cases) {
      const { room, send, events, wishes, journal } = open();
      await send(payload, topic);
      await room.stop();
      t.match(events, [{ event: 'refused', code, final: true, ...said }], `${code} ${JSON.stringify(said)}`);
      t.equal(events.length, 1);
      t.equal('command' in (events[0] ?? {}), 'command' in said, 'nothing unsigned is believed, not even its name');
      t.strictSame([wishes, journal], [[], []], 'its id is not used up, and nothing is done');
    }
  });

  await t.test('kept by the broker: not taken; an empty message: nothing', async (t) => {
    const { room, send, events, wishes } = open();
    await send(sign(RELEASE), 'release', true);
    await send('');
    await room.stop();
    t.strictSame(wishes, []);
    t.match(events, [{ event: 'refused', code: 'replayed', reason: /not retained/ }]);
    t.equal(events.length, 1);
  });

  await t.test('what an earlier life could not answer is answered now, once', async (t) => {
    const ids = createIds();
    const records = ids.take({ id: 'c-9', exp: NOW + 60, cmd: 'release', config: 'aim' }, NOW);
    const { room, events, journal, wishes } = open({}, records);
    await room.start();
    t.match(events, [
      { event: 'failed', command: 'c-9', cmd: 'release', config: 'aim', code: 'interrupted', final: true },
    ]);
    const third = open({}, journal);
    await third.room.start();
    t.strictSame([third.events, wishes], [[], []]);
  });

  await t.test('releases of one config come one after the other', async (t) => {
    const state = { now: 0, most: 0, done: 0 };
    const gate = latch();
    const { room, send } = open({
      hands: {
        ...{ refresh: () => {}, confirm: () => null, rollBack: async () => null },
        async release() {
          state.now += 1;
          state.most = Math.max(state.most, state.now);
          await gate.opened;
          state.now -= 1;
          state.done += 1;
          return RELEASED;
        },
      },
    });
    for (const id of ['a', 'b', 'c']) await send(sign({ ...RELEASE, id }));
    for (let i = 0; i < 20; i += 1) await new Promise(setImmediate);
    gate.open();
    await room.stop();
    t.strictSame(state, { now: 0, most: 1, done: 3 });
  });

  await t.test('our own bug is handed up; after the stop nothing is taken', async (t) => {
    const { room, send, trouble, journal } = open({
      hands: {
        ...{ refresh: () => {}, confirm: () => null, rollBack: async () => null },
        release: async () => {
          throw new TypeError('ours');
        },
      },
    });
    await send(sign(RELEASE));
    await room.stop();
    t.match(trouble, [TypeError]);
    await send(sign({ ...RELEASE, id: 'late' }));
    t.equal(journal.length, 1);
  });
});
