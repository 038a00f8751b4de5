import t from 'tap';
import { gather } from '../../agent/fleet/gather.ts';
import { connectFleet } from '../../agent/fleet/link.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';

t.test('everything the broker keeps is handed over, and nothing after it', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t);
  for (let n = 0; n < 20; n += 1) await mosquittoPub(broker, `a/${n}`, String(n), { retain: true });
  const link = await connectFleet({
    ...{ url: broker.url, protocol: '3.1.1', username: null, passwordFile: null },
    tls: { ca: null, cert: null, key: null, servername: null },
  });
  t.teardown(() => link.close());
  const seen: string[] = [];
  await gather(link, ['a/+'], ({ topic }) => void seen.push(topic));
  t.equal(new Set(seen).size, 20);
  const later = new Promise<void>((resolve) => {
    link.listen(() => resolve());
  });
  await mosquittoPub(broker, 'a/late', 'x');
  await later;
  t.equal(seen.length, 20);
});
