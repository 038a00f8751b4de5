import t from 'tap';
import { connectFleet } from '../../agent/fleet/link.ts';
import { highestVersion, reportedFilter, versionIn } from '../../agent/fleet/versions.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';

const PLACE = { root: 'fleet', address: 'all', config: 'aim', layer: 'base' } as const;
const DESIRED = 'fleet/v1/all/desired/aim/base';
const jws = (payload: unknown) => `x.${Buffer.from(JSON.stringify(payload)).toString('base64url')}.y`;
const frame = (topic: string, text: string) => ({ topic, payload: Buffer.from(text), retain: true });

t.test('whose reports count', async (t) => {
  t.equal(reportedFilter(PLACE), 'fleet/v1/dev/+/reported/aim');
  t.equal(reportedFilter({ ...PLACE, address: 'grp/canary' }), 'fleet/v1/dev/+/reported/aim');
  t.equal(reportedFilter({ ...PLACE, address: 'dev/d7' }), 'fleet/v1/dev/d7/reported/aim');
});

t.test('the version a message tells of', async (t) => {
  t.equal(versionIn(frame(DESIRED, jws({ version: 5 })), PLACE), 5);
  for (const version of ['9', -1, 1.5, 1e300, null]) t.equal(versionIn(frame(DESIRED, jws({ version })), PLACE), 0);
  for (const text of ['', 'x', 'a.b.c', '{}']) t.equal(versionIn(frame(DESIRED, text), PLACE), 0, text);
  const at = { layer: 'base', address: 'all' };
  const report = (running: unknown, last_attempt: unknown) =>
    versionIn(frame('fleet/v1/dev/d/reported/aim', JSON.stringify({ running, last_attempt })), PLACE);
  t.equal(report({ ...at, version: 3 }, { ...at, version: 4 }), 4);
  t.equal(report({ ...at, version: 3, layer: 'shadow' }, null), 0);
  t.equal(report({ ...at, version: 3, address: 'dev/d' }, 7), 0);
});

t.test('the highest of all that is retained', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const link = await connectFleet({
    url: broker.url,
    protocol: '3.1.1',
    username: null,
    passwordFile: null,
    tls: { ca: null, cert: null, key: null, servername: null },
  });
  t.teardown(() => link.close());
  t.equal(await highestVersion(link, PLACE), 0, 'nothing there: it does not wait for ever');
  for (let device = 1; device <= 30; device++) {
    const last_attempt = { layer: 'base', address: 'all', version: device };
    await mosquittoPub(broker, `fleet/v1/dev/d${device}/reported/aim`, JSON.stringify({ last_attempt }), {
      retain: true,
    });
  }
  t.equal(await highestVersion(link, PLACE), 30);
  await mosquittoPub(broker, DESIRED, jws({ version: 31 }), { retain: true });
  t.equal(await highestVersion(link, PLACE), 31);
});
