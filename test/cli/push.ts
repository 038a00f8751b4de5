import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command as keys } from '../../agent/cli/keys.ts';
import { command as push } from '../../agent/cli/push.ts';
import { command as sign } from '../../agent/cli/sign.ts';
import { command as withdraw } from '../../agent/cli/withdraw.ts';
import { runCommand } from '../fixtures/command.ts';
import { type Mosquitto, startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { opensslVerifies } from '../fixtures/openssl.ts';

const BASE = 'fleet/v1/grp/canary/desired/aim/base';

/** An operator with a key, a file to send and a ledger of her own. */
async function operator(dir: string, broker: Mosquitto) {
  mkdirSync(dir, { recursive: true });
  await runCommand(keys, ['new', 'ops', '--out', dir]);
  const file = join(dir, 'aim.conf');
  writeFileSync(file, 'hold = 800\n');
  const key = join(dir, 'ops.key.json');
  const env = { LOCKSMITH_BROKER: broker.url, LOCKSMITH_KEY: key, XDG_STATE_HOME: join(dir, 'state') };
  const x: string = JSON.parse(readFileSync(key, 'utf8')).x;
  return { dir, file, key, env, x, plain: ['aim', file, '--to', 'grp/canary'] };
}

function payloadOf(jws: string) {
  return jws === '' ? {} : JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());
}

t.test('push', { timeout: 120_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const ops = await operator(t.testdir(), broker);
  const devices = await mosquittoSub(t, broker, ['fleet/v1/+/+/desired/#', 'fleet/v1/all/desired/#']);
  const pushed = (version: number) =>
    devices.next(({ topic, payload }) => topic === BASE && payloadOf(payload.toString()).version === version);
  const say = (device: string, evt: object) => mosquittoPub(broker, `fleet/v1/dev/${device}/evt`, JSON.stringify(evt));

  await t.test('publishes a retained document that openssl verifies', async (t) => {
    const ran = await runCommand(push, [...ops.plain, '--note', 'hello'], ops.env);
    t.match(ran, { code: 0, err: '', out: /^pushed aim version 1 \(base\) for grp\/canary, id [0-9a-f-]{36}\n$/ });
    const jws = (await pushed(1)).payload.toString();
    t.ok(opensslVerifies(ops.dir, jws, ops.x), 'the signature is good by other means than ours');
    t.notOk(opensslVerifies(ops.dir, jws.replace('.', 'A.'), ops.x));
    t.match(payloadOf(jws), {
      v: 1,
      aud: 'grp/canary',
      config: 'aim',
      layer: 'base',
      version: 1,
      note: 'hello',
      files: [{ name: 'aim.conf', encoding: 'utf8', content: 'hold = 800\n' }],
    });
    const late = await mosquittoSub(t, broker, [BASE]);
    t.equal((await late.next(({ retain }) => retain)).payload.toString(), jws);
  });

  await t.test('the next version is above the retained one, the ledger, and what devices report', async (t) => {
    await runCommand(push, ops.plain, { ...ops.env, XDG_STATE_HOME: join(ops.dir, 'other') });
    t.ok(await pushed(2), 'somebody else, without our ledger, goes by the retained one');
    await mosquittoPub(broker, BASE, '', { retain: true });
    await runCommand(push, ops.plain, { ...ops.env, XDG_STATE_HOME: join(ops.dir, 'other') });
    t.ok(await pushed(3), 'the broker has forgotten, the ledger has not');
    const at = { layer: 'base', address: 'grp/canary' };
    const reported = { running: { ...at, version: 7 }, last_attempt: { layer: 'shadow', address: 'all', version: 90 } };
    await mosquittoPub(broker, 'fleet/v1/dev/d1/reported/aim', JSON.stringify(reported), { retain: true });
    await runCommand(push, ops.plain, { ...ops.env, XDG_STATE_HOME: join(ops.dir, 'third') });
    t.ok(await pushed(8), 'a device runs 7; the 90 of another place is of no matter');
    await runCommand(push, [...ops.plain, '--version', '20'], ops.env);
    await runCommand(push, ops.plain, ops.env);
    t.ok(await pushed(21), 'a version that is given counts too');
  });

  await t.test('--wait shows each answer; a HOT device is waiting and counts as open', async (t) => {
    const lines: string[] = [];
    const running = runCommand(push, [...ops.plain, '--wait', '3', '--within', '1m'], ops.env, {
      onOut: (text) => lines.push(text),
    });
    const update = payloadOf((await pushed(22)).payload.toString()).id;
    const about = { config: 'aim', update, version: 22, layer: 'base', address: 'grp/canary' };
    await say('d1', { event: 'applied', ...about, final: true });
    const reason = 'lock mismatch: aim.conf HOT (held by sleep, pid 7)';
    await say('d2', { event: 'refused', ...about, code: 'lock-mismatch', reason, mismatch: 'hot', final: false });
    await say('d9', { event: 'applied', ...about, update: 'another', final: true });
    await say('d3', { event: 'covered', ...about });
    while (!lines.some((line) => line.includes('d3'))) await new Promise((resolve) => setImmediate(resolve));
    t.notOk(lines.join('').includes(' silent'), 'a HOT device keeps the push open');
    await say('d2', { event: 'applied', ...about, final: true });
    const ran = await running;
    t.equal(ran.code, 0, ran.err);
    t.match(
      ran.out,
      /^pushed aim .*\nd1 +applied\nd2 +waiting: lock mismatch: aim.conf HOT \(held by sleep, pid 7\)\nd3 +covered\nd2 +applied\n2 applied/,
    );
    t.match(ran.out, /2 applied, 1 covered, 0 refused, 0 waiting, 0 silent\n$/);
  });

  await t.test('a refusal is exit 3, also one that could not name the update', async (t) => {
    const running = runCommand(push, [...ops.plain, '--wait', '2', '--json'], ops.env);
    await pushed(23);
    const at = { config: 'aim', layer: 'base', address: 'grp/canary' };
    await say('d1', { event: 'refused', ...at, code: 'unknown-key', reason: 'kid', final: true });
    const last_attempt = {
      ...at,
      id: payloadOf((await pushed(23)).payload.toString()).id,
      result: 'applied',
      code: null,
      reason: null,
    };
    await mosquittoPub(broker, 'fleet/v1/dev/d2/reported/aim', JSON.stringify({ last_attempt, pending: null }), {
      retain: true,
    });
    const { code, out } = await running;
    t.equal(code, 3);
    t.match(JSON.parse(out), {
      update: { config: 'aim', version: 23, address: 'grp/canary' },
      answers: [
        { device: 'd1', state: 'refused', code: 'unknown-key' },
        { device: 'd2', state: 'applied' },
      ],
      applied: 1,
      refused: 1,
      waiting: 0,
      done: true,
    });
  });

  await t.test('a time out is exit 1, and says who is open', async (t) => {
    const ran = await runCommand(push, [...ops.plain, '--wait', '1', '--within', '100ms'], ops.env);
    t.match(ran, { code: 1, out: /0 applied, 0 refused, 0 waiting, 1 silent/, err: /stays on the broker/ });
  });

  await t.test('the broker may go away while answers are awaited', async (t) => {
    const running = runCommand(push, [...ops.plain, '--wait', '1', '--within', '1m'], ops.env);
    const { payload } = await pushed(25);
    await broker.saved();
    await broker.kill9();
    await broker.start();
    const { id } = payloadOf(payload.toString());
    const last_attempt = { id, result: 'applied', layer: 'base', address: 'grp/canary', version: 25 };
    await mosquittoPub(broker, 'fleet/v1/dev/d1/reported/aim', JSON.stringify({ last_attempt, pending: null }), {
      retain: true,
    });
    t.match(await running, { code: 0, err: /link to the broker is lost/, out: /d1 +applied/ });
  });

  await t.test('on a terminal a progress line is redrawn', async (t) => {
    const running = runCommand(push, [...ops.plain, '--wait', '1'], ops.env, { live: true });
    const again = await mosquittoSub(t, broker, [BASE]);
    const { payload } = await again.next((message) => payloadOf(message.payload.toString()).version === 26);
    await say('d1', { event: 'applied', update: payloadOf(payload.toString()).id, final: true });
    t.match(await running, { code: 0, err: /0 of 1 answered/ });
  });

  await t.test('a signed document is published as it is', async (t) => {
    const doc = join(ops.dir, 'update.jws');
    t.match(await runCommand(sign, [...ops.plain, '--version', '40', '--out', doc], ops.env), { code: 0, out: '' });
    const watch = await mosquittoSub(t, broker, [BASE]);
    t.match(await runCommand(push, ['--document', doc], ops.env), { code: 0, out: /version 40/ });
    const { payload } = await watch.next((message) => payloadOf(message.payload.toString()).version === 40);
    t.equal(payload.toString(), readFileSync(doc, 'utf8').trim());
    await mosquittoPub(broker, BASE, '', { retain: true });
    await runCommand(push, ops.plain, ops.env);
    await watch.next((message) => message.payload.length > 0 && payloadOf(message.payload.toString()).version === 41);
  });

  await t.test('withdraw publishes a signed tombstone with a higher version', async (t) => {
    const watch = await mosquittoSub(t, broker, [BASE]);
    const running = runCommand(withdraw, ['aim', '--to', 'grp/canary', '--layer', 'base', '--wait', '1'], ops.env);
    const { payload } = await watch.next((message) => payloadOf(message.payload.toString()).withdraw === true);
    const jws = payload.toString();
    t.ok(opensslVerifies(ops.dir, jws, ops.x));
    t.match(payloadOf(jws), { version: 42, layer: 'base', aud: 'grp/canary', files: undefined });
    await say('d1', { event: 'withdrawn', update: payloadOf(jws).id, final: true });
    t.match(await running, { code: 0, out: /^withdrawn aim version 42 .*\nd1 +withdrawn\n1 withdrawn, 0 refused/ });
  });
});

t.test('a broker that does not let us write is told from one that does', { timeout: 60_000 }, async (t) => {
  const acl = 'user reader\ntopic read fleet/#\nuser writer\ntopic readwrite fleet/#\n';
  const broker = await startMosquitto(t, { users: { reader: 'r', writer: 'w' }, acl });
  const ops = await operator(t.testdir(), broker);
  const as = async (user: string, password: string, ...more: readonly string[]) => {
    const path = join(ops.dir, user);
    writeFileSync(path, `${password}\n`);
    return runCommand(push, [...ops.plain, '--user', user, '--password-file', path, ...more], ops.env);
  };
  t.match(await as('reader', 'r'), { code: 1, err: /this user may not write there/ });
  t.match(await as('reader', 'r', '--protocol', '5'), { code: 1, err: /may not write there \(reason 135\)/ });
  t.match(await as('writer', 'w'), { code: 0 });
  t.match(await as('writer', 'w', '--protocol', '5'), { code: 0 });
  t.match(await as('writer', 'wrong'), { code: 1, err: /user or password/ });
});

t.test('over mutual TLS', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t, { tls: 'mutual' });
  const ops = await operator(t.testdir(), broker);
  const { ca } = broker.tls?.authority ?? { ca: '' };
  const own = ['--tls-cert', broker.tls?.client.cert ?? '', '--tls-key', broker.tls?.client.key ?? ''];
  t.match(await runCommand(push, [...ops.plain, '--tls-ca', ca, ...own], ops.env), { code: 0 });
  t.match(await runCommand(push, [...ops.plain, ...own], ops.env), { code: 1, err: /authority/ });
});

t.test('what is wrong with the words is said before anything goes out', async (t) => {
  const dir = t.testdir({ 'a.conf': 'x', 'big.conf': 'x'.repeat(100_000), 'not-a-document': 'x.y' });
  await runCommand(keys, ['new', 'ops', '--out', dir]);
  const key = join(dir, 'ops.key.json');
  const good = ['aim', join(dir, 'a.conf'), '--to', 'all', '--key', key, '--broker', 'mqtt://127.0.0.1:1'];
  const err = async (argv: readonly string[]) => {
    const ran = await runCommand(push, argv);
    t.match(ran.err, /\nTry: .+\n$/);
    return `${ran.code} ${ran.err.split('\n', 1)[0]}`;
  };
  const without = (option: string) => good.filter((_, index) => good[index] !== option && good[index - 1] !== option);
  t.match(await err(good), /^1 locksmith: mqtt:\/\/127\.0\.0\.1:1: nobody listens/);
  t.match(await err(without('--to')), /^2 .*to whom\?/);
  t.match(await err(without('--key')), /^2 .*which key\?/);
  t.match(await err(without('--broker')), /^2 .*which broker\?/);
  t.match(await err(['aim', ...good.slice(2)]), /^2 .*which files\?/);
  t.match(await err([...good, '--layer', 'shadow']), /^2 .*a shadow needs --until/);
  t.match(await err([...good, '--wait', '0']), /^2 .*--wait: expected a whole number/);
  t.match(await err(['a.b', ...good.slice(1)]), /^2 .*cannot be signed: config: /);
  t.match(await err([...good, join(dir, 'gone')]), /^2 .*gone: cannot be read: ENOENT/);
  t.match(await err([...good, join(dir, 'big.conf')]), /^1 .*more than the 131072 \(128 KiB\)/);
  t.match(
    await err([...good, `b.conf=${join(dir, 'a.conf')}`, `b.conf=${join(dir, 'a.conf')}`]),
    /^2 .*b\.conf is listed twice/,
  );
  t.match(await err(['--document', join(dir, 'not-a-document')]), /^2 .*not a signed update/);
  t.match(await err(['--document', join(dir, 'gone')]), /^2 .*cannot be read: ENOENT/);
});
