import t from 'tap';
import { gather } from '../../agent/fleet/gather.ts';
import { connectFleet, type FleetLink, LinkFailure } from '../../agent/fleet/link.ts';
import type { Frame } from '../../agent/ports/broker.ts';
import { type Owner, startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';
import { readSample } from '../fixtures/mosquitto-sample.ts';
import { tcpGate } from '../fixtures/tcp-gate.ts';

async function linkTo(owner: Owner, url: string): Promise<FleetLink> {
  const link = await connectFleet({
    ...{ url, protocol: '3.1.1', username: null, passwordFile: null },
    tls: { ca: null, cert: null, key: null, servername: null },
  });
  owner.teardown(() => link.close());
  return link;
}

/** Has a broker keep so many messages of so many bytes on `a/0`, `a/1` … */
async function keep(link: FleetLink, count: number, bytes: number): Promise<void> {
  const topics = Array.from({ length: count }, (_, n) => `a/${n}`);
  await Promise.all(topics.map((topic) => link.publish(topic, 'x'.repeat(bytes), { retain: true })));
}

t.test('everything the broker keeps is handed over, and nothing after it', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const link = await linkTo(t, broker.url);
  await keep(link, 20, 1);
  const seen: string[] = [];
  t.same(await gather(link, ['a/+'], ({ topic }) => void seen.push(topic)), []);
  t.equal(new Set(seen).size, 20);
  const before = seen.length;
  const later = new Promise<Frame>((resolve) => {
    link.listen((frame) => {
      if (!frame.retain) resolve(frame);
    });
  });
  await mosquittoPub(broker, 'a/late', 'x');
  t.match(await later, { topic: 'a/late' }, 'what comes later comes to who listens');
  t.equal(seen.length, before);
  t.match(broker.log(), /Sending PUBLISH to locksmith-op-\w+ \(d0, q1, r0, m\d+, 'a\/late'/, 'with QoS 1');
});

t.test('a way so slow that it falls silent again and again', { timeout: 120_000 }, async (t) => {
  const broker = await startMosquitto(t, { verbose: false });
  await keep(await linkTo(t, broker.url), 30, 100);
  // Longer than a broker that is through is quiet, and longer in all than anybody would wait for one that is not.
  const slow = await tcpGate(t, broker.port, { bytes: 400, pauseMs: 600 });
  const seen = new Set<string>();
  await gather(await linkTo(t, slow.url), ['a/+'], ({ topic }) => void seen.add(topic), { once: true });
  t.equal(seen.size, 30);
});

t.test('more than the sample lets wait in a queue', { timeout: 120_000 }, async (t) => {
  const limits = readSample('locksmith.conf').match(/^max_.*$/gm) ?? [];
  t.ok(limits.some((line) => line.startsWith('max_queued_messages ')));
  for (const extra of [limits, ['max_queued_messages 1000']]) {
    const broker = await startMosquitto(t, { verbose: false, persistence: false, extra });
    const link = await linkTo(t, broker.url);
    await keep(link, 5000, 300);
    const seen = new Set<string>();
    await gather(link, ['a/+'], ({ topic }) => void seen.add(topic), { once: true });
    t.equal(seen.size, 5000, extra.join(', '));
  }
});

t.test('all that is not handed out to the end is said', { timeout: 60_000 }, async (t) => {
  const listeners = new Set<(frame: Frame) => void>();
  const asked: string[] = [];
  const link: FleetLink = {
    async subscribe(filters) {
      asked.push(...filters);
      if (asked.length > 1) return [0];
      for (const topic of ['a/1', 'a/2'])
        for (const hear of listeners) hear({ topic, payload: Buffer.from('x'), retain: true });
      return [0];
    },
    publish: async () => 0,
    listen(fn) {
      listeners.add(fn);
      return () => listeners.delete(fn);
    },
    ended: new Promise(() => {}),
    close: () => {},
  };
  await t.rejects(
    gather(link, ['a/+'], () => {}, { silentMs: 300 }),
    { name: 'SaidError', exit: 1, message: /2 topics have come, and it does not say that these are all/ },
  );
  t.match(asked, ['a/+', 'a/2', /^a\/[12]$/, /^a\/[12]$/]);
});

t.test('the broker ends while it hands out', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t, { verbose: false });
  await keep(await linkTo(t, broker.url), 30, 100);
  const slow = await tcpGate(t, broker.port, { bytes: 400, pauseMs: 600 });
  const link = await linkTo(t, slow.url);
  await t.rejects(
    gather(link, ['a/+'], () => slow.shut()),
    LinkFailure,
  );
});
