import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostClock } from '../../agent/host/clock.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { createJournal } from '../../agent/host/journal.ts';
import { createOutbox } from '../../agent/link/outbox.ts';
import { createOutboxMemory } from '../../agent/link/outbox-memory.ts';
import { agree, PACKETS, startFakeBroker } from '../fixtures/fake-broker.ts';
import { linkSettings, startLink } from '../fixtures/link.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { event, listedOutbox } from '../fixtures/outbox.ts';
import { latch, until } from '../fixtures/until.ts';

t.test('SIGKILL of Mosquitto under load: complete and in order, without a hand', async (t) => {
  const broker = await startMosquitto(t);
  const { outbox, say, memory } = listedOutbox({ clock: hostClock(), pace: { perSecond: 2000, burst: 50 } });
  let reading = latch();
  const link = startLink(t, linkSettings([broker.url]), {
    // Held until somebody reads: what the broker takes with nobody there is gone, and no fault of the outbox.
    onUp: (publish) => {
      const ups = link.ups();
      reading.opened.then(() => {
        if (link.publish() !== null && link.ups() === ups) outbox.linkUp(publish);
      });
    },
    onDown: () => outbox.linkDown(),
  });
  const lives = 4;
  const each = 400;
  await link.state('connected');
  // QoS 0: a reader that answers nothing loses nothing that a dying broker had already written to it.
  const reader = await mosquittoSub(t, broker, ['fleet/v1/dev/drone-7/evt'], { qos: 0 });
  for (let life = 1; life <= lives; life += 1) {
    const mark = reader.seen.length;
    for (let n = 1; n <= each; n += 1) say(event((life - 1) * each + n));
    reading.open();
    if (life === lives) break;
    await reader.next(() => reader.seen.length >= mark + 100, 60_000);
    reading = latch();
    await broker.kill9();
    await broker.start();
    await reader.granted(life + 1);
  }
  await reader.next(({ payload }) => payload.includes(`"seq":${lives * each},`), 60_000);
  await until('an empty outbox', () => memory.pending.size === 0, 60_000);
  const seqs: number[] = [];
  for (const { payload } of reader.seen) {
    const { seq }: { seq: number } = JSON.parse(payload.toString());
    // What every reader must do: drop what it has already seen.
    if (seq > (seqs.at(-1) ?? 0)) seqs.push(seq);
  }
  t.same(
    seqs,
    Array.from({ length: lives * each }, (_, i) => i + 1),
  );
  t.ok(link.session.state().reconnects >= lives - 1);
});

t.test('SIGKILL of the agent in mid-send, on a real journal: every number reaches the broker', async (t) => {
  const path = join(t.testdir({}), 'journal');
  const seen = new Map<number, number>();
  const broker = await startFakeBroker(t, (packet, socket) => {
    if (packet.type === PACKETS.publish && packet.body.includes('/evt')) {
      const text = packet.body.subarray(packet.body.indexOf('{"seq"')).toString();
      const { seq }: { seq: number } = JSON.parse(text);
      seen.set(seq, (seen.get(seq) ?? 0) + 1);
      // The broker has it, but in the first life its answers get lost now and then.
      if (packet.connection % 2 === 1 && seq % 7 === 0) return void socket.destroy();
    }
    agree(packet, socket);
  });
  const life = async (from: number, count: number) => {
    const memory = createOutboxMemory();
    const fail = (error: unknown) => t.fail(String(error));
    const journal = createJournal({ files: hostFiles(), sha256, path, onLost: fail, onTrouble: fail });
    await journal.open([memory]);
    const outbox = createOutbox({
      ...{ device: { id: 'drone-7' }, root: 'fleet', memory, journal, clock: hostClock() },
      ...{ clockTrust: () => 'ok', log: { say: () => {} } },
    });
    outbox.start();
    const link = startLink(t, linkSettings([broker.url]), {
      onUp: (publish) => outbox.linkUp(publish),
      onDown: () => outbox.linkDown(),
    });
    await Promise.all(
      Array.from({ length: count }, async (_, i) => {
        const records = outbox.stamp([event(from + i)]);
        await journal.append(records);
        outbox.wake(records);
      }),
    );
    return { memory, journal, link, outbox };
  };
  const first = await life(1, 60);
  await until('some of it', () => seen.size >= 20);
  // Dead: nothing more is written or said.
  first.outbox.linkDown();
  await first.journal.close();
  const second = await life(61, 20);
  await until('an empty outbox', () => second.memory.pending.size === 0, 30_000);
  await second.link.session.stop('done');
  await first.link.session.stop('done');
  await second.journal.close();
  t.same(
    [...seen.keys()].sort((a, b) => a - b),
    Array.from({ length: 80 }, (_, i) => i + 1),
  );
});
