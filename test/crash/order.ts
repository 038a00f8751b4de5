import t from 'tap';
import type { Update } from '../../agent/values/update.ts';
import { fakeHooks } from '../fixtures/hooks.ts';
import { type LineRoom, lineRoom, wish } from '../fixtures/line-room.ts';
import { openOwner } from '../fixtures/owner.ts';
import { openProof } from '../fixtures/proof.ts';
import { SIGNED_S } from '../fixtures/update.ts';

// Documents in any order, with restarts in between: none that fails, and the end is always the same; some that fail, and nothing bad stays.

const proof = openProof(t);
const ROUNDS = proof.rounds(25, 1000);
t.setTimeout(proof.full ? 3_600_000 : 120_000);

const ADDRESSES = ['dev/drone-7', 'grp/canary', 'all'] as const;
const CONTENTS = ['A\n', 'B\n', 'C\n', 'D\n', 'BAD 1\n', 'BAD 2\n'] as const;
const isBad = (content: string | null) => content?.startsWith('BAD') === true;

type Wish = Partial<Update>;

/** A fleet's documents for one device: several versions for some places, now and then one taken back. */
function documents(contents: readonly [string, ...string[]]): readonly Wish[] {
  const wishes: Wish[] = [];
  for (const layer of ['base', 'shadow'] as const) {
    for (const aud of ADDRESSES) {
      const versions = proof.below(4);
      for (let version = 1; version <= versions; version += 1) {
        const id = `${layer}-${aud.replace('/', '-')}-${version}`;
        const ends = layer === 'shadow' ? { until: SIGNED_S + 3600 } : {};
        const back = version > 1 && proof.unit() < 0.25;
        if (back) wishes.push({ version, id, aud, layer, withdraw: true });
        else wishes.push(wish(version, proof.pick(contents), { id, aud, layer, ...ends }));
      }
    }
  }
  return wishes;
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items
    .map((item) => ({ item, lot: proof.unit() }))
    .sort((a, b) => a.lot - b.lot)
    .map(({ item }) => item);
}

/** Hands documents in, one after the other, some twice, with restarts in between; `rested` is told whenever all is at rest. */
async function live(wishes: readonly Wish[], failing: boolean, rested: (room: LineRoom) => void) {
  const owner = openOwner(t);
  const hooks = fakeHooks();
  const state: { room: LineRoom | null } = { room: null };
  hooks.answers.set('hook.reload', () => (failing && isBad(state.room?.content() ?? null) ? 'bad' : 'good'));
  const settings = { reload: { argv: ['reload-it'], within_s: 5 } };
  let room = await lineRoom(owner, { settings, hooks });
  state.room = room;
  for (const each of wishes) {
    if (proof.unit() < 0.5) await room.give(each);
    else {
      await room.send(each);
      // As from the broker: the next may come while this one is under way.
      if (proof.unit() < 0.5) await room.rest();
    }
    if (proof.unit() < 0.2) {
      await room.rest();
      room = await room.reborn();
      state.room = room;
    }
    if (proof.unit() < 0.2) await room.give(each);
  }
  await room.rest();
  rested(room);
  const end = { content: room.content(), running: room.line.view('aim').running, bugs: room.bugs };
  await owner.end();
  return end;
}

t.test('whatever the order, the end is the same', async (t) => {
  let different = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const wishes = documents(['A\n', 'B\n', 'C\n', 'D\n']);
    const [one, other] = [shuffled(wishes), shuffled(wishes)];
    const first = await live(one, false, () => {});
    const second = await live(other, false, () => {});
    const place = ({ version, layer, address }: typeof first.running) => ({ version, layer, address });
    const same = first.content === second.content;
    if (!same || first.bugs.length + second.bugs.length > 0) {
      t.same([second.content, place(second.running)], [first.content, place(first.running)], `round ${round}`);
      t.same([first.bugs, second.bugs], [[], []]);
    }
    if (JSON.stringify(one) !== JSON.stringify(other)) different += 1;
  }
  t.ok(different > ROUNDS / 2, `${different} of ${ROUNDS} pairs came in different orders`);
  proof.figure('order-interleavings', ROUNDS * 2, '1');
});

t.test('with some that fail, what is known to be bad is never left on disk', async (t) => {
  let failed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const end = await live(shuffled(documents(CONTENTS)), true, (room) => {
      failed += room.events.filter(({ event }) => event === 'rolled-back').length;
    });
    if (isBad(end.content) || end.bugs.length > 0) {
      t.notOk(isBad(end.content), `round ${round}: ${end.content}`);
      t.same(end.bugs, []);
    }
  }
  t.ok(failed > 0, `${failed} were taken back`);
  proof.figure('order-failing-interleavings', ROUNDS, '1');
});
