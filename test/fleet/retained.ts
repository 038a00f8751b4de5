import t from 'tap';
import { connectFleet } from '../../agent/fleet/link.ts';
import { namedHolder, readRetained, readSeenLock } from '../../agent/fleet/retained.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';

t.test('what the broker keeps of a device', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const link = await connectFleet({
    ...{ url: broker.url, protocol: '3.1.1', username: null, passwordFile: null },
    tls: { ca: null, cert: null, key: null, servername: null },
  });
  t.teardown(() => link.close());
  await mosquittoPub(broker, 'fleet/v1/dev/d7/status', '{"state":"offline"}', { retain: true });
  await mosquittoPub(broker, 'fleet/v1/dev/d8/status', 'no JSON', { retain: true });
  t.strictSame(await readRetained(link, 'fleet/v1/dev/d7/status'), { state: 'offline' });
  t.equal(await readRetained(link, 'fleet/v1/dev/d8/status'), null);
  t.equal(await readRetained(link, 'fleet/v1/dev/d9/status'), null, 'nothing is kept, and that takes no for ever');
});

t.test('the lock a release is bound to', async (t) => {
  const holder = { pid: 812, start: 41523, command: 'aim-orchestrator', user: 'aim', unit: null };
  const hot = { seq: 3, state: 'HOT', verdict: 'orphaned', holder, token: 18, file: 'aim.conf' };
  t.strictSame(readSeenLock(hot), {
    ...{ state: 'HOT', token: 18, verdict: 'orphaned', file: 'aim.conf', since: null, refusals: 0 },
    holder: { pid: 812, start: 41523, command: 'aim-orchestrator', user: 'aim' },
  });
  const cold = { state: 'COLD', verdict: null, holder: null, token: 0 };
  t.strictSame(readSeenLock(cold), { ...cold, file: null, since: null, refusals: 0 });
  const since = '2026-01-01T00:00:00.000Z';
  t.match(readSeenLock({ ...hot, since, refusals: 4 }), { since, refusals: 4 });
  t.match(readSeenLock({ ...hot, since: 'lately' }), { since: null });
  t.match(readSeenLock({ ...hot, holder: { pid: 0, start: null } }), {
    holder: { pid: 0, start: null, command: null, user: null },
  });
  const named = (fields: object) => {
    const lock = readSeenLock({ ...hot, ...fields });
    return lock === null ? null : namedHolder(lock);
  };
  t.strictSame(named({ boot: 'b-1' }), { pid: 812, start: 41523, boot: 'b-1' }, 'with the boot its numbers are of');
  t.strictSame(named({ boot: 7 }), { pid: 812, start: 41523 });
  t.equal(named({ holder: null }), null);
  for (const wrong of [null, {}, { ...hot, token: -1 }, { ...hot, token: '7' }, { ...hot, state: 'WARM' }]) {
    t.equal(readSeenLock(wrong), null);
  }
});
