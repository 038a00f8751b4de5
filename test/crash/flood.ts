import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { askControl } from '../../agent/host/control.ts';
import { makeDevice, workDir } from '../fixtures/device.ts';
import { openFleetEar } from '../fixtures/fleet-ear.ts';
import { floodContent, floodMessages, publishFlood } from '../fixtures/flood.ts';
import { start } from '../fixtures/locksmith.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { openProof } from '../fixtures/proof.ts';
import { until } from '../fixtures/until.ts';

// A publisher that has lost its mind: valid, invalid and repeated updates as fast as the broker takes them.

/** Generous: what matters is that it does not grow with the number of updates. */
const STATE_MAX_KB = 12 * 1024;
const RSS_GROWTH_MAX = 1.5;
/** What the heap may take before it is collected. */
const RSS_HEAP_KB = 80_000;
const RSS_LATE_GROWTH_MAX = 1.25;
const ANSWER_MS = 10_000;
const PATIENCE_MS = 10 * 60 * 1000;

const LIMIT_MS = 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
const COUNT = proof.rounds(1500, 10_000);

function rssKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

t.test(`${COUNT} updates at once: responsive, flat, the highest wins, every one counted`, async (t) => {
  const dir = workDir(t);
  // The broker must not be the one that forgets.
  const broker = await startMosquitto(t, { verbose: false, persistence: false, extra: ['max_queued_messages 0'] });
  const ear = await openFleetEar(t, broker);
  const beats = await mosquittoSub(t, broker, ['fleet/v1/dev/+/hb'], { qos: 0 });
  const key = opensslKey(join(dir, 'key'));
  const stranger = opensslKey(join(dir, 'stranger'), 'stranger');
  const device = makeDevice(join(dir, 'device'), {
    ...{ url: broker.url, keys: [key], configs: { aim: { 'aim.conf': floodContent(0) } }, heartbeatS: 0.5 },
  });
  const agent = start(['run', '--settings', device.settings]);
  t.teardown(() => agent.stop('SIGKILL'));
  await agent.line('connected and subscribed');
  const messages = floodMessages(proof, key, stranger, COUNT);
  const topic = 'fleet/v1/grp/canary/desired/aim/base';
  // Warm: what is loaded with the first update is no growth.
  const [first] = messages;
  if (first === undefined) throw new Error('no message');
  await publishFlood(broker, topic, [first]);
  await until('the first one', () => device.contents()['aim.conf'] === floodContent(first.version));
  const before = rssKb(agent.pid);

  const samples: { readonly rss: number; readonly state: number; readonly answerMs: number }[] = [];
  const flood = { over: false };
  const counters = () => {
    const beat = beats.seen.at(-1);
    return beat === undefined ? null : JSON.parse(beat.payload.toString());
  };
  const counted = () => {
    const { applied, failed, superseded, withdrawn, expired, duplicates, refused } = counters()?.counters ?? {};
    const refusals = Object.values(refused ?? {}).reduce<number>((sum, one) => sum + Number(one), 0);
    return applied + failed + superseded + withdrawn + expired + duplicates + refusals;
  };
  const highest = messages.at(-1)?.version ?? 0;
  const startedMs = Date.now();
  let asked = 0;
  const watch = async () => {
    while (!flood.over) {
      const askedMs = Date.now();
      const answer = await askControl(
        join(device.run, 'control.sock'),
        { do: 'apply', document: first.text },
        ANSWER_MS,
      );
      if (answer === null) throw new Error('nobody answers on the control socket');
      asked += 1;
      const state = Number(execFileSync('du', ['-sk', device.state]).toString().split('\t')[0]);
      samples.push({ rss: rssKb(agent.pid), state, answerMs: Date.now() - askedMs });
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const watching = watch();
  await publishFlood(broker, topic, messages.slice(1));
  await until(
    'the highest version on disk',
    () => device.contents()['aim.conf'] === floodContent(highest),
    PATIENCE_MS,
  );
  flood.over = true;
  await watching;
  const all = COUNT + asked;
  await until(
    () => `all ${all} counted: ${counted()} are`,
    () => counted() >= all && counters().backlog.count === 0,
    PATIENCE_MS,
  );
  const tookMs = Date.now() - startedMs;

  t.equal(counters().configs.aim.version, highest, 'the highest version is reported');
  t.equal(counters().link.reconnects, 0, 'the link held');
  t.ok(
    samples.length >= 3,
    `asked and answered ${samples.length} times meanwhile, at most ${Math.max(...samples.map(({ answerMs }) => answerMs))} ms each`,
  );

  const rss = samples.map((one) => one.rss);
  const third = (n: number) =>
    Math.max(...rss.slice(Math.floor((rss.length * n) / 3), Math.ceil((rss.length * (n + 1)) / 3)));
  const most = Math.max(...rss);
  t.ok(most <= before * RSS_GROWTH_MAX + RSS_HEAP_KB, `memory: ${before} kB before, at most ${most} kB`);
  // A short flood is over before the heap has found its size.
  if (proof.full)
    t.ok(third(2) <= third(1) * RSS_LATE_GROWTH_MAX, `memory by thirds: ${[0, 1, 2].map(third).join(', ')} kB`);
  else t.comment(`memory by thirds: ${[0, 1, 2].map(third).join(', ')} kB`);
  const state = Math.max(...samples.map((one) => one.state));
  t.ok(state <= STATE_MAX_KB, `state directory: at most ${state} kB`);

  t.equal(counted(), all, 'every message has exactly one answer that is counted');
  const kinds = new Map<string, number>();
  for (const { kind } of messages) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  t.comment(JSON.stringify(Object.fromEntries(kinds)));
  t.comment(JSON.stringify(counters().counters));

  const events = ear.heard('fleet').filter(({ kind }) => kind === 'evt');
  const minutes = Math.floor(tookMs / 60_000) + 1;
  for (const code of ['malformed', 'bad-signature', 'unknown-key', 'bad-algorithm']) {
    const own = events.filter(({ body }) => body.event === 'refused' && body.code === code).length;
    t.ok(own <= 10 * minutes, `${code}: ${own} events in ${minutes} minutes begun`);
  }
  const dropped = events.filter(({ body }) => body.event === 'dropped');
  const told = (event: string) =>
    events.filter(({ body }) => body.event === event).reduce((sum, { body }) => sum + (body.count ?? 1), 0);
  const lost = dropped.reduce((sum, { body }) => sum + (body.count ?? 0), 0);
  t.comment(`events: ${events.length}, applied ${told('applied')}, superseded ${told('superseded')}, lost ${lost}`);
  const outcomes = told('applied') + told('superseded');
  t.ok(outcomes + lost >= (kinds.get('rising') ?? 0), 'every valid one has its outcome said, or is counted as lost');
  proof.figure('flood-updates', COUNT, '1');
  proof.figure('flood-updates-per-second', Math.round((COUNT * 1000) / tookMs), '1/s');
  proof.figure('flood-memory-growth', Math.round((most - before) / 1024), 'MB');
  proof.figure('flood-state', Math.round(state / 1024), 'MB');
});
