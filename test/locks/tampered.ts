import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostClock } from '../../agent/host/clock.ts';
import { hostWatchDir } from '../../agent/host/watches.ts';
import { flockBy, lockfBy } from '../fixtures/lock-holders.ts';
import { makeRoom, mustHold, type RoomBench, wish } from '../fixtures/lock-room.ts';
import { until } from '../fixtures/until.ts';

// What strangers do to the files of a lock, and what a reboot does.

const cold = ({ room }: RoomBench) =>
  until('COLD', () => (room.reach('aim').state === 'COLD' ? room.look('aim') : null));

/** A room on the files of another, as a process started later would have it. */
const next = (t: Parameters<typeof makeRoom>[0], { dir }: RoomBench, bootId?: string) =>
  makeRoom(t, { dir, ...(bootId === undefined ? {} : { ports: { clock: { ...hostClock(), bootId } } }) });

t.test('a config file renamed or unlinked under a grant: nothing is committed to what nobody guards', async (t) => {
  for (const [name, tamper] of Object.entries({
    renamed: (path: string) => renameSync(path, `${path}.old`),
    unlinked: unlinkSync,
    replaced(path: string) {
      writeFileSync(`${path}.new`, 'gain = 3\n');
      renameSync(`${path}.new`, path);
    },
  })) {
    const bench = makeRoom(t);
    const held = await mustHold(bench);
    tamper(bench.conf);
    t.ok(held.mine(), `${name}: the sidecar guards the config all the same`);
    const other = next(t, bench);
    t.match(await other.room.lock('aim').settle(), { state: 'HOT', verdict: 'held', token: held.token }, name);
    t.equal((await other.room.lock('aim').acquire(wish(bench.ports))).kind, 'hot');
    await held.release();
    t.match(await cold(other), { token: held.token });
  }
});

t.test(
  'a sidecar renamed, unlinked or replaced under a live holder is noticed, and its holder keeps the lock',
  async (t) => {
    for (const [name, tamper] of Object.entries({
      renamed: (path: string) => renameSync(path, `${path}.old`),
      unlinked: unlinkSync,
      replaced(path: string) {
        writeFileSync(`${path}.new`, '');
        renameSync(`${path}.new`, path);
      },
    })) {
      const bench = makeRoom(t);
      const held = await mustHold(bench);
      tamper(bench.paths.sidecar);
      const other = next(t, bench);
      const { verdict, holder } = await other.room.lock('aim').settle();
      t.strictSame([verdict, holder?.pid], ['held', process.pid], name);
      t.match(await held.fenced(() => t.fail('ran')), { kind: 'lost' }, 'but it replaces nothing any more');
      await cold(other);
      const again = await mustHold(other);
      t.ok(again.token > held.token, 'and the next one has a higher token');
      await again.release();
    }
  },
);

t.test('a sidecar deleted by a stranger while nobody has it is made anew', async (t) => {
  const bench = makeRoom(t);
  await (await mustHold(bench)).release();
  rmSync(bench.paths.sidecar);
  t.match(bench.room.look('aim'), { state: 'COLD', token: 1 });
  const held = await mustHold(bench);
  t.ok(held.mine());
  t.equal(held.token, 2);
  await held.release();
});

t.test('torn, empty and hostile records: a live holder keeps its lock, else COLD under a higher token', async (t) => {
  const deep = `${'['.repeat(5000)}${']'.repeat(5000)}`;
  const good = (bench: RoomBench) => readFileSync(bench.paths.record, 'utf8');
  const records: Readonly<Record<string, (bench: RoomBench) => string | Buffer>> = {
    empty: () => '',
    torn: (bench) => good(bench).slice(0, -20),
    zeros: () => Buffer.alloc(4096),
    deep: () => deep,
    'not utf-8': () => Buffer.from([0xff, 0xfe, 0x7b]),
    'another version': (bench) => good(bench).replace('"v":1', '"v":2'),
    'a token below zero': (bench) => good(bench).replace(/"token":\d+/, '"token":-1'),
    'a token no number can be above': (bench) => good(bench).replace(/"token":\d+/, '"token":9007199254740991'),
    'a text for a token': (bench) => good(bench).replace(/"token":\d+/, '"token":"1"'),
    'a prototype': () => '{"__proto__":{"mode":"free"},"v":1,"token":1}',
    huge: () => 'x'.repeat(2_000_000),
  };
  for (const [name, text] of Object.entries(records)) {
    const bench = makeRoom(t);
    const held = await mustHold(bench);
    writeFileSync(bench.paths.record, text(bench));
    const other = next(t, bench);
    t.match(await other.room.lock('aim').settle(), { state: 'HOT' }, `${name}: held all the same`);
    t.match(await held.fenced(() => t.fail('ran')), { kind: 'lost' }, `${name}: it is not ours any more`);
    await held.release();
    const after = await cold(other);
    t.ok(after.token > 1, `${name}: token ${after.token}`);
    const again = await mustHold(other);
    t.equal(again.token, after.token + 1, `${name}: and it goes on`);
    await again.release();
    t.strictSame(
      other.said.filter((line) => /could not|HOT/.test(line)),
      [],
      name,
    );
  }
});

t.test('what is no file in place of the record: a FIFO or a link is replaced, a directory is said', async (t) => {
  const secret = `${t.testdir({ secret: 'never to be shown' })}/secret`;
  for (const [name, make] of Object.entries({
    FIFO(path: string) {
      execFileSync('mkfifo', [path]);
    },
    link: (path: string) => symlinkSync(secret, path),
    'hard link': (path: string) => linkSync(secret, path),
  })) {
    const bench = makeRoom(t);
    await (await mustHold(bench)).release();
    rmSync(bench.paths.record);
    make(bench.paths.record);
    t.ok((await cold(bench)).token > 1, name);
    t.match(JSON.parse(bench.word('record')), { mode: 'free' });
    t.equal(readFileSync(secret, 'utf8'), 'never to be shown');
  }
  const bench = makeRoom(t);
  await (await mustHold(bench)).release();
  rmSync(bench.paths.record);
  mkdirSync(bench.paths.record);
  await bench.room.settleAll();
  await bench.room.settleAll();
  t.equal(bench.said.length, 1, bench.said.join());
  t.match(bench.said[0], bench.paths.record);
  rmSync(bench.paths.record, { recursive: true });
  await bench.room.settleAll();
  t.match(bench.room.states(), { aim: { state: 'COLD' } });
});

t.test('words of a record cannot drive a terminal', async (t) => {
  const bench = makeRoom(t);
  const holder = { pid: 0, start: null, command: '\u001b[2Jx', user: 'root\u0007', unit: null };
  await (await mustHold(bench, { kind: 'lease', holder, forMs: 60_000, reason: '\u001b]0;owned\u0007\n"' })).release();
  const other = next(t, bench);
  const lock = await other.room.lock('aim').settle();
  t.match(lock, { state: 'HOT', lease: true });
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  t.notMatch(`${lock.reason}${lock.holder?.command}${lock.holder?.user}${other.word('holder')}`, /[\x00-\x1f\x7f]/);
});

t.test('a record with a live pid of another start time is not the one who took the lock', async (t) => {
  const bench = makeRoom(t);
  const { start, ...self } = bench.ports.processes.self();
  await (await mustHold(bench, { holder: { ...self, start: (start ?? 0) - 1 } })).release();
  const lease = await mustHold(bench, {
    kind: 'lease',
    holder: { ...self, start: (start ?? 0) - 1 },
    forMs: 3_600_000,
  });
  await lease.release();
  const other = next(t, bench);
  t.match(await other.room.lock('aim').settle(), { state: 'COLD', token: 3 });
  t.match(other.changes[0], { what: 'reclaimed', reclaim: { why: /the process it was given to is gone/ } });
});

t.test('another boot: whatever was on record is gone, what the kernel says counts, and no token falls', async (t) => {
  const bench = makeRoom(t);
  const holder = { pid: 0, start: null, command: null, user: 'root', unit: null };
  await (await mustHold(bench, { kind: 'lease', holder, forMs: null })).release();
  const rebooted = next(t, bench, '00000000-0000-4000-8000-000000000001');
  const lock = await rebooted.room.lock('aim').settle();
  t.match(lock, { state: 'COLD' });
  t.ok(lock.token > 1000, `token ${lock.token}: above all that were set aside`);
  t.match(rebooted.changes[0], { what: 'reclaimed', reclaim: { why: /started anew/ } });

  const grant = await mustHold(rebooted);
  const third = next(t, bench, '00000000-0000-4000-8000-000000000002');
  t.match(
    await third.room.lock('aim').settle(),
    { state: 'HOT', verdict: 'unseen' },
    'no one is found, and nothing stolen',
  );
  await grant.release();

  const stranger = await flockBy(t, bench.paths.sidecar);
  const fourth = next(t, bench, '00000000-0000-4000-8000-000000000003');
  t.match(await fourth.room.lock('aim').settle(), { state: 'HOT', verdict: 'held', holder: { pid: stranger.pid } });
  await stranger.end();
  // A real reboot clears the whole run directory.
  rmSync(bench.settings.paths.run, { recursive: true });
  const fifth = next(t, bench, '00000000-0000-4000-8000-000000000004');
  const after = await fifth.room.lock('aim').settle();
  t.match(after, { state: 'COLD' });
  t.ok(after.token > grant.token, `token ${after.token}`);
});

t.test(
  'sed -i on every file of the control surface: the lock does not care, and the files tell the truth again',
  async (t) => {
    const bench = makeRoom(t, { ports: { watchDir: hostWatchDir } });
    const { room, paths, word } = bench;
    await room.settleAll();
    t.teardown(room.watch());
    for (const by of [flockBy, lockfBy]) {
      const holder = await by(t, paths.sidecar);
      const { state, token } = room.look('aim');
      t.equal(state, 'HOT');
      for (const name of ['bit', 'state', 'verdict', 'holder', 'since', 'token'] as const) {
        execFileSync('sed', ['-i', 's/.*/0/', paths[name]]);
      }
      await until('the truth', () => word('bit') === '1' && word('state') === 'HOT');
      await until('why', () => word('verdict').startsWith('held'));
      t.match(room.look('aim'), { state: 'HOT', verdict: 'held', holder: { pid: holder.pid }, token });
      t.match(word('holder'), `pid ${holder.pid}`);
      t.strictSame([word('token'), word('bit')], [String(token), '1']);
      await holder.end();
      await cold(bench);
      execFileSync('sed', ['-i', 's/0/1/', paths.bit]);
      await until('COLD, and shown so', () => room.look('aim').state === 'COLD' && word('bit') === '0');
    }
    t.strictSame(
      bench.said.filter((line) => /could not/.test(line)),
      [],
    );
  },
);
