import t from 'tap';
import { command as fleet } from '../../agent/cli/fleet.ts';
import { runCommand } from '../fixtures/command.ts';
import { agree, PACKETS, startFakeBroker } from '../fixtures/fake-broker.ts';
import { start } from '../fixtures/locksmith.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

t.test('fleet', { timeout: 120_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const env = { LOCKSMITH_BROKER: broker.url };
  const run = (...argv: readonly string[]) => runCommand(fleet, argv, env);
  const say = (topic: string, body: object) =>
    mosquittoPub(broker, `fleet/v1/dev/${topic}`, JSON.stringify(body), { retain: true });
  const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000).toISOString();

  await t.test('an empty broker has no fleet', async (t) => {
    t.match(await run(), { code: 4, out: '0 devices, 0 online, 0 HOT, 0 failed, 0 waiting\n' });
    t.match(await run('locks'), { code: 4, out: 'no lock is HOT\n' });
  });

  const running = { version: 42, layer: 'shadow', address: 'grp/canary', digest: DIGEST };
  const holder = { pid: 4711, start: 1, command: 'camera', user: 'root', unit: null };
  const hot = {
    state: 'HOT',
    verdict: 'orphaned',
    holder,
    since: minutesAgo(31),
    token: 17,
    refusals: 2,
    file: 'aim.conf',
  };
  await say('d7/status', { state: 'online', at: minutesAgo(1) });
  await say('d7/reported/aim', {
    ...{ running, last_attempt: { version: 43, result: 'refused', code: 'lock-mismatch' } },
    ...{ pending: { id: 'u', version: 43, waiting_for: ['lock'] }, drift: null },
  });
  await say('d7/lock/aim', hot);
  await say('d8/status', { state: 'offline', at: minutesAgo(125), reason: 'connection lost' });
  await say('d8/lock/aim', { ...hot, verdict: 'held', since: minutesAgo(2), token: 3, refusals: 1 });
  await say('d9/status', { state: 'online', at: minutesAgo(0) });
  await say('d9/reported/aim', {
    running: { ...running, digest: 'sha256:b' },
    last_attempt: { version: 43, result: 'rolled-back', code: 'health-failed' },
    pending: null,
  });
  await say('d9/lock/aim', { state: 'COLD', verdict: null, token: 1 });

  await t.test('one table, and what it comes to', async (t) => {
    const { code, out } = await run();
    t.equal(code, 0);
    t.match(out, /^DEVICE +LINK +CONFIG +RUNS +LAST TRY +WAITS FOR +LOCK\n/);
    t.match(out, /\nd7 +online +aim +42 shadow grp\/canary +43 refused lock-mismatch +lock +HOT orphaned 31 min\n/);
    t.match(out, /\nd8 +offline 2 h( \d min)? +aim +\? +- +- +HOT held 2 min\n/);
    t.match(out, /\nd9 +online +aim +42 shadow grp\/canary +43 rolled-back health-failed +- +COLD\n/);
    t.match(out, /\n3 devices, 2 online, 2 HOT, 1 failed, 1 waiting\n$/);
  });

  await t.test('filters, and the devices as they spoke', async (t) => {
    t.match((await run('--failed')).out, /^DEVICE.*\nd9 .*\n1 device,/);
    t.match((await run('--not-on', DIGEST, '--config', 'aim')).out, /\nd8 .*\nd9 .*\n2 devices/);
    t.match(await run('--verdict', 'unseen'), { code: 4 });
    const devices = JSON.parse((await run('--json', '--hot')).out);
    t.match(devices, [
      { device: 'd7', online: true, locks: { aim: hot }, configs: { aim: { running } } },
      { device: 'd8', online: false, status: { reason: 'connection lost' } },
    ]);
    t.equal(devices.length, 2);
  });

  await t.test('a newer update that a more specific one covers is named', async (t) => {
    const keep = (topic: string, version: number, iat: number) => {
      const aud = topic.split('/desired')[0];
      const layer = topic.split('/').at(-1);
      const until = layer === 'shadow' ? { until: 4_000_000_000 } : {};
      const files = [{ name: 'aim.conf', digest: DIGEST, encoding: 'utf8', content: '' }];
      const payload = { v: 1, id: `u${version}`, aud, config: 'aim', layer, version, iat, ...until, files };
      const body = Buffer.from(JSON.stringify(payload)).toString('base64url');
      return mosquittoPub(broker, `fleet/v1/${topic}`, `x.${body}.x`, { retain: true });
    };
    await say('d7/status', { state: 'online', at: minutesAgo(1), groups: ['canary'] });
    await keep('grp/canary/desired/aim/shadow', 42, 1000);
    await keep('all/desired/aim/base', 7, 2000);
    const { out } = await run();
    t.match(out, /\nd7 +online +aim +42 shadow grp\/canary, 7 base all covered +43 refused/);
    t.match(out, /\nd9 +online +aim +42 shadow grp\/canary +43/, 'it does not say that it is in the group');
    t.match(out, /, 1 waiting, 1 covered\n$/);
    const [d7] = JSON.parse((await run('--json')).out);
    t.same(d7.covered, { aim: { id: 'u7', version: 7, layer: 'base', address: 'all' } });
  });

  await t.test(
    "the incident's question: who is HOT for longer than 10 minutes, and whose owner is gone?",
    async (t) => {
      const { code, out } = await run('locks', '--older-than', '10m', '--verdict', 'orphaned');
      t.equal(code, 0);
      t.match(
        out,
        /^d7 {2}aim\.conf HOT orphaned: camera \(pid 4711, user root\)\n {4}for 31 min, token 17, 2 refusals\n/,
      );
      t.match(out, 'locksmith release aim --device d7 --reason "…" --end-holder');
      t.notMatch(out, 'd8');
      const all = (await run('locks')).out;
      t.ok(all.indexOf('d7') < all.indexOf('d8'), 'the oldest first');
      t.match(all, /d8.*\n.*\n +It is offline/);
    },
  );

  await t.test('a device that is no more is forgotten, one that is online is not', async (t) => {
    t.match(await run('forget', 'd7', '--yes'), { code: 3, err: /d7 is online/ });
    const plan = await run('forget', 'd8');
    t.match(plan, { code: 0, out: 'fleet/v1/dev/d8/lock/aim\nfleet/v1/dev/d8/status\n', err: /Nothing was cleared/ });
    t.match((await run('--hot')).out, /\nd8 /);
    t.match(await run('forget', 'd8', '--yes'), { code: 0 });
    const late = await mosquittoSub(t, broker, ['fleet/v1/dev/#']);
    await late.next(({ topic }) => topic.endsWith('d9/status'));
    t.notOk(late.seen.some(({ topic }) => topic.includes('/d8/')));
    t.match(await run('forget', 'd8'), { code: 4 });
  });

  await t.test(
    '--watch shows each change, and ends with 0 when it is told to, with 1 when the broker goes',
    async (t) => {
      const watch = () => {
        const watching = start(['fleet', '--watch', '--config', 'aim'], { env });
        t.teardown(() => watching.stop('SIGKILL'));
        return watching;
      };
      const first = watch();
      await first.line(/^d9 +online +aim +42 .*COLD$/);
      await say('d9/lock/aim', { ...hot, verdict: 'held', since: minutesAgo(0) });
      await first.line(/^d9 +online +aim +42 .*HOT held/);
      t.match(await first.stop('SIGINT'), { code: 0, signal: null });
      const second = watch();
      await second.line(/^d9 +online/);
      await broker.kill9();
      t.match(await second.ended, { code: 1 });
      t.match(second.stderr(), 'the link to the broker is gone');
    },
  );

  await t.test('wrong words', async (t) => {
    for (const argv of [['x'], ['forget'], ['locks', 'x'], ['--verdict', 'x'], ['--not-on', 'x'], ['forget', 'a b']]) {
      t.match(await run(...argv), { code: 2 }, argv.join(' '));
    }
  });
});

t.test('who may not read updates sees the devices all the same', { timeout: 60_000 }, async (t) => {
  const ask = async (forbidden: string) => {
    const broker = await startFakeBroker(t, (packet, socket) => {
      if (packet.type !== PACKETS.subscribe) return agree(packet, socket);
      const codes: number[] = [];
      for (let at = 2; at < packet.body.length; ) {
        const end = at + 2 + packet.body.readUInt16BE(at);
        codes.push(packet.body.subarray(at, end).includes(forbidden) ? 128 : 0);
        at = end + 1;
      }
      socket.write(Buffer.from([0x90, 2 + codes.length, packet.body[0] ?? 0, packet.body[1] ?? 0, ...codes]));
    });
    return runCommand(fleet, [], { LOCKSMITH_BROKER: broker.url });
  };
  const updates = await ask('/desired/');
  t.match(updates, { code: 4, out: /^0 devices/, err: /may not read fleet\/v1\/dev\/\+\/desired.* is not shown\n/ });
  t.match(await ask('/reported/'), {
    code: 3,
    out: '',
    err: /does not let this user read fleet\/v1\/dev\/\+\/reported/,
  });
});
