import { renameSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { recordText } from '../../agent/lock/record.ts';
import { makeRoom, mustHold } from '../fixtures/lock-room.ts';

t.test('a lock that was taken away is lost: nothing runs, and nothing of the new holder is touched', async (t) => {
  const broken: readonly ((paths: ReturnType<typeof makeRoom>['paths'], boot: string) => void)[] = [
    (paths, boot) => writeFileSync(paths.record, recordText({ mode: 'free', token: 9, boot, reclaims: [] })),
    (paths) => {
      writeFileSync(`${paths.sidecar}.new`, '');
      renameSync(`${paths.sidecar}.new`, paths.sidecar);
    },
  ];
  for (const breakIt of broken) {
    const bench = makeRoom(t);
    const held = await mustHold(bench, { purpose: 'commit' });
    t.equal(held.mine(), true);
    t.strictSame(await held.fenced(() => 7), { kind: 'done', value: 7 });
    breakIt(bench.paths, bench.ports.clock.bootId);
    t.equal(held.mine(), false);
    let ran = false;
    const fenced = await held.fenced(() => {
      ran = true;
    });
    t.match(fenced, { kind: 'lost', why: /taken away/ });
    t.equal(ran, false);
    await held.release();
    t.match(bench.said[0], /taken away/);
  }
});

t.test('another process is put on record', async (t) => {
  const bench = makeRoom(t);
  const held = await mustHold(bench);
  await held.name({ pid: 1, start: 2, command: 'init', user: 'root', unit: null });
  t.match(bench.word('holder'), 'pid 1 init');
  t.match(JSON.parse(bench.word('record')), { mode: 'held', holder: { pid: 1 }, token: held.token });
  await held.release();
  t.equal(bench.word('holder'), '');
  await held.release();
  await held.name({ pid: 1, start: 2, command: 'init', user: 'root', unit: null });
  t.match(JSON.parse(bench.word('record')), { mode: 'free' }, 'not after it was given back');
});

t.test('a commit shows nothing HOT, only a higher token', async (t) => {
  const bench = makeRoom(t);
  await bench.room.settleAll();
  const held = await mustHold(bench, { purpose: 'commit' });
  t.strictSame([bench.word('bit'), bench.word('state')], ['1', 'COLD']);
  t.equal(bench.room.look('aim').state, 'COLD');
  await held.release();
  t.strictSame([bench.word('bit'), bench.word('state'), bench.word('token')], ['0', 'COLD', '1']);
  t.match(bench.changes, [{ what: 'token', lock: { token: 1, state: 'COLD' } }]);
});
