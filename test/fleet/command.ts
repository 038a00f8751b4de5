import t from 'tap';
import { type CommandBody, readAnswer, sendCommand, signCommand } from '../../agent/fleet/command.ts';
import { connectFleet } from '../../agent/fleet/link.ts';
import { makeKeyFiles, readSigner } from '../../agent/fleet/signer.ts';
import { parseCommand } from '../../agent/values/command.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';

const RELEASE: CommandBody = { cmd: 'release', config: 'aim', token: 17, reason: 'its holder is gone' };
const BASE = 'fleet/v1/dev/d7';

function payloadOf(jws: string) {
  return JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString());
}

t.test('a command to a device', { timeout: 120_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const signer = await readSigner((await makeKeyFiles('ops', t.testdir())).privatePath);
  const connect = async () => {
    const link = await connectFleet({
      ...{ url: broker.url, protocol: '3.1.1', username: null, passwordFile: null },
      tls: { ca: null, cert: null, key: null, servername: null },
    });
    t.teardown(() => link.close());
    return link;
  };
  const send = async (withinMs: number, body = RELEASE) => {
    const published: string[] = [];
    const onPublished = ({ id }: { readonly id: string }) => published.push(id);
    const end = await sendCommand(await connect(), {
      root: 'fleet',
      device: 'd7',
      body,
      signer,
      withinMs,
      onPublished,
    });
    return { end, published };
  };
  const say = (evt: object) => mosquittoPub(broker, `${BASE}/evt`, JSON.stringify(evt));
  const watch = await mosquittoSub(t, broker, [`${BASE}/cmd/+`]);
  const nth = async (n: number) => {
    await watch.next(() => watch.seen.length >= n);
    const seen = watch.seen[n - 1];
    if (seen === undefined) throw new Error('none');
    return { ...seen, command: payloadOf(seen.payload.toString()) };
  };

  await t.test('goes out signed, not retained, and its answer is told', async (t) => {
    const running = send(30_000);
    const { topic, qos, payload, command } = await nth(1);
    t.same([topic, qos], [`${BASE}/cmd/release`, 1]);
    t.match(command, { v: 1, aud: 'dev/d7', ...RELEASE });
    t.strictSame(parseCommand(command), command, 'as a device reads it');
    t.ok(command.exp > command.iat + 300, 'longer than the wait: clocks differ');
    t.match(JSON.parse(Buffer.from(payload.toString().split('.')[0] ?? '', 'base64url').toString()), {
      ...{ alg: 'EdDSA', typ: 'locksmith-command+jwt', kid: signer.kid },
    });
    await say({ event: 'released', command: 'another', token: 3 });
    await say({ event: 'released', config: 'aim', token: 3 });
    const answer = { event: 'released', command: command.id, old_token: 17, token: 18, changed: true };
    await say({ ...answer, reason: 'its holder is gone\u001b[2J' });
    const { end, published } = await running;
    t.strictSame(end, {
      kind: 'answered',
      answer: {
        ...{ id: command.id, state: 'released', code: null, reason: 'its holder is gone?[2J', mismatch: null },
        ...{ oldToken: 17, token: 18, changed: true },
      },
    });
    t.same(published, [command.id]);
  });

  await t.test('a refusal, also one that could not name the command', async (t) => {
    const named = send(30_000);
    const { command } = await nth(2);
    const mismatch = { code: 'lock-mismatch', mismatch: 'token', reason: 'token 18' };
    await say({ event: 'refused', cmd: 'release', command: command.id, ...mismatch, final: true });
    t.match((await named).end, {
      kind: 'answered',
      answer: { state: 'refused', code: 'lock-mismatch', mismatch: 'token' },
    });
    const unnamed = send(30_000);
    await nth(3);
    await say({ event: 'refused', code: 'unknown-key', config: 'aim', layer: 'base', address: 'all' });
    await say({ event: 'refused', cmd: 'release', code: 'unknown-key', reason: 'kid', final: true });
    t.match((await unnamed).end, { kind: 'answered', answer: { state: 'refused', code: 'unknown-key' } });
  });

  await t.test('no answer: says what the broker knows of the device', async (t) => {
    t.match((await send(50)).end, { kind: 'silent', status: null, linkLost: false });
    await mosquittoPub(broker, `${BASE}/status`, '{"state":"online"}', { retain: true });
    t.match((await send(50)).end, { kind: 'silent', status: 'online' });
    t.match((await send(0)).end, { kind: 'sent' });
  });

  await t.test('a device that said it is away gets nothing that would be lost', async (t) => {
    const status = { state: 'offline', at: '2026-11-22T01:14:09.120Z', reason: 'the link was lost' };
    await mosquittoPub(broker, `${BASE}/status`, JSON.stringify(status), { retain: true });
    const before = watch.seen.length;
    const { end, published } = await send(30_000);
    t.strictSame(end, { kind: 'away', at: status.at, reason: status.reason });
    t.same(published, []);
    await mosquittoPub(broker, `${BASE}/cmd/mark`, 'x');
    await watch.next(({ topic }) => topic.endsWith('/mark'));
    t.equal(watch.seen.length, before + 1);
    await mosquittoPub(broker, `${BASE}/status`, '', { retain: true });
  });

  await t.test('the broker goes away while the answer is awaited', async (t) => {
    const before = watch.seen.length;
    const running = send(60_000);
    await nth(before + 1);
    await broker.stop();
    t.match((await running).end, { kind: 'silent', linkLost: true });
    await broker.start();
  });

  await t.test('what a device would not even read is not signed', async (t) => {
    const wish = { device: 'd7', signer };
    const { command } = await signCommand({ ...wish, body: { cmd: 'refresh' } }, 1000, 60);
    t.match(command, { iat: 1000, exp: 1060, cmd: 'refresh' });
    for (const body of [
      { ...RELEASE, reason: '' },
      { ...RELEASE, end_holder: true },
    ]) {
      await t.rejects(signCommand({ ...wish, body }, 1000, 60), { name: 'SaidError', exit: 2 });
    }
    await t.rejects(signCommand({ ...wish, device: 'a/b', body: RELEASE }, 1000, 60), { message: /aud: expected dev/ });
  });
});

t.test('what is no answer', async (t) => {
  const asked = { id: 'c-1', cmd: 'release' };
  const read = (evt: unknown, retain = false) =>
    readAnswer({ payload: Buffer.from(typeof evt === 'string' ? evt : JSON.stringify(evt)), retain }, asked);
  const good = { event: 'refreshed', command: 'c-1' };
  t.match(read(good), { state: 'refreshed', token: null });
  t.equal(read(good, true), null, 'a retained event is no answer');
  for (const evt of ['', 'x', [], null, { event: 'applied', command: 'c-1' }, { event: 'refused', cmd: 'refresh' }]) {
    t.equal(read(evt), null);
  }
});
