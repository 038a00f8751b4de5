import t from 'tap';
import { signWish } from '../../agent/fleet/compose.ts';
import { connectFleet } from '../../agent/fleet/link.ts';
import { pushUpdate } from '../../agent/fleet/push.ts';
import { makeKeyFiles, readSigner } from '../../agent/fleet/signer.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';

t.test('a push to one device listens to that device alone', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const plain = {
    protocol: '3.1.1',
    username: null,
    passwordFile: null,
    tls: { ca: null, cert: null, key: null, servername: null },
  } as const;
  const fleet = { ...plain, url: broker.url };
  const signer = await readSigner((await makeKeyFiles('ops', t.testdir())).privatePath);
  const wish = { config: 'aim', address: 'dev/d7', layer: 'base', version: 1, iat: 1000, files: null } as const;
  const signed = await signWish(wish, signer);
  const watch = await mosquittoSub(t, broker, ['fleet/v1/dev/d7/desired/#']);
  const heard: string[] = [];
  const push = pushUpdate(fleet, await connectFleet(fleet), {
    root: 'fleet',
    signed,
    wait: 1,
    withinMs: 30_000,
    onPublished: () => heard.push('the broker'),
    onAnswer: ({ device }) => heard.push(device),
    onNote: (note) => t.fail(note),
  });
  await watch.next(({ payload }) => payload.toString() === signed.jws);
  const evt = JSON.stringify({ event: 'withdrawn', update: signed.update.id, final: true });
  await mosquittoPub(broker, 'fleet/v1/dev/d8/evt', evt);
  await mosquittoPub(broker, 'fleet/v1/dev/d7/evt', evt);
  t.match(await push, {
    done: true,
    topic: 'fleet/v1/dev/d7/desired/aim/base',
    answers: [{ device: 'd7', good: true }],
  });
  t.same(heard, ['the broker', 'd7']);
});
