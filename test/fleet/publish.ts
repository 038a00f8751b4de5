import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connectFleet } from '../../agent/fleet/link.ts';
import { publishSeen } from '../../agent/fleet/publish.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';

const PLAIN = {
  protocol: '3.1.1',
  username: null,
  passwordFile: null,
  tls: { ca: null, cert: null, key: null, servername: null },
} as const;
const TOPIC = 'fleet/v1/dev/d7/cmd/refresh';

t.test('what the broker took is told from what it only acknowledged', { timeout: 60_000 }, async (t) => {
  const acl = 'user reader\ntopic read fleet/#\nuser writer\ntopic readwrite fleet/#\n';
  const broker = await startMosquitto(t, { users: { reader: 'r', writer: 'w' }, acl });
  const dir = t.testdir({});
  const as = async (user: string, password: string) => {
    const passwordFile = join(dir, user);
    writeFileSync(passwordFile, `${password}\n`);
    const link = await connectFleet({ ...PLAIN, url: broker.url, username: user, passwordFile });
    t.teardown(() => link.close());
    return link;
  };
  const watch = await mosquittoSub(t, broker, ['fleet/#'], { username: 'writer', password: 'w' });
  const steps: string[] = [];
  const writer = await as('writer', 'w');
  await publishSeen(writer, { topic: TOPIC, jws: 'a.b.c', retain: false, onSent: () => steps.push('sent') });
  t.match(await watch.next(({ topic }) => topic === TOPIC), { retain: false, qos: 1 });
  t.same(steps, ['sent']);
  const late = await mosquittoSub(t, broker, ['fleet/#'], { username: 'writer', password: 'w' });
  await publishSeen(writer, { topic: 'fleet/v1/kept', jws: 'd.e.f', retain: true, onSent: () => {} });
  await late.next(({ topic }) => topic === 'fleet/v1/kept');
  t.notOk(
    late.seen.some(({ topic }) => topic === TOPIC),
    'what is not retained is gone',
  );
  const reader = await as('reader', 'r');
  await t.rejects(publishSeen(reader, { topic: TOPIC, jws: 'g.h.i', retain: false, onSent: () => {} }), {
    name: 'SaidError',
    message: /this user may not write there/,
  });
});
