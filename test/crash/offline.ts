import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { TrackFeature } from '../../agent/values/track.ts';
import { bundle } from '../fixtures/bundle.ts';
import { makeDevice, workDir } from '../fixtures/device.ts';
import { signedDocument } from '../fixtures/documents.ts';
import { errorM, lineOf, offlineSample } from '../fixtures/flights.ts';
import { changeSettings } from '../fixtures/line.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { openProof } from '../fixtures/proof.ts';
import { tcpGate } from '../fixtures/tcp-gate.ts';
import { until } from '../fixtures/until.ts';

// An hour in the air without a link, at 10 Hz, killed twice meanwhile: what comes when the link is back.

const LIMIT_MS = 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
/** Samples heard without a link: ten a second. */
const OFFLINE = proof.rounds(6_000, 36_000);
const ONLINE = 300;
/** What a kill may cost: the last second. */
const LOST_MAX = 10;
/** How much faster than in life the link's return is watched. */
const RETURN_SPEED = 4;
/** How fast what was kept may go out. Reason: a broker that a whole fleet comes back to must not be flooded. */
const PACE = { perSecond: 25, burst: 25 } as const;
const PACED: readonly string[] = ['hb', 'position', 'track'];
const DOCUMENTS = 5;

interface Said {
  readonly lane: string;
  /** Counts what came. */
  readonly nth: number;
  readonly qos: number;
  readonly text: string;
}

t.test(`${OFFLINE / 600} minutes without a link, killed twice: everything arrives, in order, once`, async (t) => {
  const dir = workDir(t);
  const broker = await startMosquitto(t, { verbose: false });
  const gate = await tcpGate(t, broker.port);
  const watcher = await mosquittoSub(t, broker, ['fleet/v1/dev/+/#']);
  const key = opensslKey(join(dir, 'key'));
  const device = makeDevice(join(dir, 'device'), {
    ...{ url: gate.url, keys: [key], configs: { aim: { 'aim.conf': 'hold = 0\n' } }, heartbeatS: 30 },
  });
  changeSettings(device, (settings) => {
    Object.assign(settings, {
      broker: { urls: [gate.url], backoff: { first_s: 5, cap_s: 60 } },
      vehicle: { mavlink: { listen: 'udp://127.0.0.1:14550', system: 1, send: false } },
    });
    for (const config of Object.values(settings.configs)) Object.assign(config, { vehicle: 'any' });
  });
  const joinAt = ONLINE + OFFLINE;
  const kills = [
    ONLINE + 100 + proof.below(OFFLINE / 2 - 200),
    ONLINE + OFFLINE / 2 + proof.below(OFFLINE / 2 - 600),
  ] as const;
  const begins = [0, kills[0] + 1 + proof.below(100), kills[1] + 1 + proof.below(100)] as const;
  const documents = Array.from({ length: DOCUMENTS }, (_, n) => {
    const version = n + 1;
    const path = join(dir, `${version}.jws`);
    const { jws, id } = signedDocument(key, { version, files: { 'aim.conf': `hold = ${version}\n` } });
    writeFileSync(path, jws);
    return { at: ONLINE + 50 + Math.floor((OFFLINE / (DOCUMENTS + 1)) * (n + 0.5)), path, id };
  });

  const program = await bundle(join(import.meta.dirname, '..', 'fixtures', 'offline-agent.ts'));
  const heard = join(dir, 'heard');
  writeFileSync(heard, '');
  const live = (life: 0 | 1 | 2, plan: object) => {
    const from = begins[life];
    const ours = documents.filter(({ at }) => at >= from && at < ([...kills, joinAt][life] ?? 0));
    const { NODE_OPTIONS: _, ...env } = process.env;
    const text = JSON.stringify({
      ...{
        settings: device.settings,
        heard,
        from,
        documents: ours,
        speed: null,
        speedAfter: null,
        killAt: null,
        waitAt: null,
      },
      ...plan,
    });
    const child = spawn(process.execPath, [program, text], { env, stdio: ['pipe', 'pipe', 'pipe'] });
    t.teardown(() => child.kill('SIGKILL'));
    const words = { said: '' };
    child.stderr.on('data', (chunk) => {
      words.said = `${words.said}${chunk}`.slice(-4000);
    });
    return { child, words, ended: once(child, 'exit') };
  };
  const waits = async (child: ChildProcess) => {
    if (child.stdout !== null) await once(child.stdout, 'data');
  };

  const first = live(0, { waitAt: ONLINE, killAt: kills[0], speed: 100 });
  await waits(first.child);
  gate.shut();
  first.child.stdin?.write('\n');
  t.same((await first.ended)[1], 'SIGKILL', first.words.said);
  const second = live(1, { killAt: kills[1] });
  t.same((await second.ended)[1], 'SIGKILL', second.words.said);
  const third = live(2, { waitAt: joinAt, speedAfter: RETURN_SPEED });
  await waits(third.child);
  const before = watcher.seen.length;
  const times: { readonly ms: number; readonly count: number }[] = [];
  const clock = setInterval(
    () => times.push({ ms: performance.now(), count: watcher.seen.length - before }),
    1000 / RETURN_SPEED,
  );
  gate.open();
  third.child.stdin?.write('\n');

  await until(
    () => `half of what waits: ${third.words.said}`,
    () => watcher.seen.length > before + OFFLINE / 100,
    300_000,
  );
  const latecomer = await mosquittoSub(t, broker, ['fleet/v1/dev/+/position']);
  const retained = await latecomer.next(({ retain }) => retain);
  await until(
    () => `a heartbeat that says that nothing waits: ${third.words.said}`,
    () =>
      watcher.seen.slice(before).some(({ topic, payload, qos }) => {
        return topic.endsWith('/hb') && qos === 0 && JSON.parse(payload.toString()).backlog.telemetry.count === 0;
      }),
    300_000,
  );
  clearInterval(clock);
  third.child.kill('SIGTERM');
  t.same((await third.ended)[0], 0, third.words.said);
  await until('the last word', () =>
    watcher.seen.some(({ topic, payload }) => topic.endsWith('/status') && payload.includes('SIGTERM')),
  );

  const all: readonly Said[] = watcher.seen.map(({ topic, payload, qos }, nth) => ({
    ...{ lane: topic.split('/')[4] ?? '', nth, qos, text: payload.toString() },
  }));
  const of = (lane: string) => all.filter((one) => one.lane === lane).map(({ text }) => text);
  const numbers = readFileSync(heard, 'utf8').trim().split('\n').map(Number);

  await t.test('the track', async (t) => {
    const features = of('track').map((text): TrackFeature => JSON.parse(text));
    const [{ properties: { flight = '' } = {} } = {}] = features;
    t.same([...new Set(features.map(({ properties }) => properties.flight))], [flight], 'one flight');
    t.same(
      features.map(({ properties }) => properties.seq),
      features.map((_, n) => n + 1),
      'every batch, in order, once',
    );
    const [start] = features;
    const offsetMs = (start?.geometry.coordinates[0]?.[3] ?? 0) - (start?.properties.boot_ms ?? 0);
    const line = lineOf(features, flight);
    const times = line.map((point) => point[3]);
    t.ok(times.every((ms, n) => n === 0 || ms > (times[n - 1] ?? 0)));
    const mayMiss = (n: number) => kills.some((kill) => n > kill - LOST_MAX && n <= kill);
    let worst = 0;
    let missed = 0;
    for (const n of numbers) {
      const error = errorM(line, offlineSample(n), offsetMs);
      if (mayMiss(n) && !(error <= 1)) missed += 1;
      else worst = Math.max(error, worst);
    }
    t.ok(
      worst <= 1,
      `worst of ${numbers.length} samples ${worst.toFixed(3)} m; ${missed} of the last seconds before the kills lost`,
    );
    proof.figure('samples', numbers.length, '1');
    proof.figure('worst-error', Math.round(worst * 1000) / 1000, 'm');
    proof.figure('samples-lost-by-two-kills', missed, '1');
    proof.figure('track-bytes-an-hour', Math.round((of('track').join('').length * 36_000) / numbers.length), 'B');
  });

  await t.test('positions and heartbeats', async (t) => {
    // What a dying link may have swallowed comes once more, and nothing else.
    const heardTwice = <T>(list: readonly T[]) => list.filter((one, n) => list.indexOf(one) !== n);
    /** What was kept and what was told as it was, each in the order in which it came; as numbers that grow. */
    const told = (lane: string, read: (text: string) => number) => {
      const came = all.filter((one) => one.lane === lane).map(({ text, qos, nth }) => ({ at: read(text), qos, nth }));
      const [last, ...kept] = came.filter(({ qos }) => qos === 1).map(({ at }) => at);
      const live = came.filter(({ qos }) => qos === 0).map(({ at }) => at);
      t.same(
        kept,
        [...kept].sort((a, b) => a - b),
        `${lane}: what was kept, in order`,
      );
      t.same(
        live,
        [...live].sort((a, b) => a - b),
        `${lane}: what was told at once, in order`,
      );
      t.equal(last, Math.max(...kept, last ?? 0), `${lane}: of what was kept the newest came first`);
      t.equal(came.find(({ nth }) => nth >= before)?.at, last, `${lane}: and before all else`);
      return came.map(({ at }) => at);
    };
    const allPlaces = told('position', (text) => JSON.parse(text).unix_ms);
    const positions = [...new Set(allPlaces)].sort((a, b) => a - b);
    const joinMs = Date.UTC(2026, 0, 1) + joinAt * 100;
    t.ok(JSON.parse(retained.payload.toString()).unix_ms > joinMs - 10_200, 'what is retained is how it is now');
    const cutMs = Date.UTC(2026, 0, 1) + (ONLINE + 1) * 100;
    t.ok(
      heardTwice(allPlaces).every((ms) => ms <= cutMs),
      'each once',
    );
    const holes = positions.flatMap((ms, n) => {
      const from = positions[n - 1] ?? ms;
      // What is heard of while it is dead, and of the last second before, is lost.
      const deadMs = kills.reduce((sum, kill, life) => {
        const [killMs, beginMs] = [kill, begins[life + 1] ?? kill].map((at) => Date.UTC(2026, 0, 1) + (at + 1) * 100);
        return killMs !== undefined && beginMs !== undefined && killMs > from && beginMs <= ms + 100
          ? sum + (beginMs - killMs) + LOST_MAX * 100
          : sum;
      }, 0);
      return ms - from > 10_200 + deadMs ? [`${ms - from} ms, ${deadMs} of them dead`] : [];
    });
    t.same(holes, [], 'never more than 10 s apart but where it was dead, and the second before that');
    const allBeats = told('hb', (text) => Date.parse(JSON.parse(text).at));
    const beats = [...new Set(allBeats)];
    t.ok(heardTwice(allBeats).every((at) => at <= cutMs));
    t.ok(beats.length >= OFFLINE / 300 - 3, `${beats.length} heartbeats`);
    proof.figure('positions', positions.length, '1');
    proof.figure('heartbeats', beats.length, '1');
  });

  await t.test('records', async (t) => {
    const records = ['evt', 'reported', 'lock']
      .flatMap(of)
      .map((text): { seq: number; event?: string; update?: string; final?: boolean } => JSON.parse(text));
    const seqs = [...new Set(records.map(({ seq }) => seq))].sort((a, b) => a - b);
    t.same(
      seqs,
      seqs.map((_, n) => n + 1),
      'without a gap',
    );
    for (const { id, at } of documents) {
      const isHeard = numbers.includes(at);
      const ends = records.filter(({ update, final }) => update === id && final === true);
      t.equal(ends.length, isHeard ? 1 : 0, `update at ${at}`);
    }
    t.notOk(
      records.some(({ event }) => event === 'dropped'),
      'nothing was given up',
    );
    proof.figure('records', seqs.length, '1');
  });

  const rates = times.map(({ count }, n) => count - (times[n - 1]?.count ?? 0));
  const arrived = watcher.seen.length - before;
  t.ok(arrived > OFFLINE / 100, `${arrived} messages came when the link was back`);
  // What was kept takes its time, but for the burst, however the machine is busy meanwhile.
  const kept = all.flatMap(({ lane, qos, nth }) =>
    nth >= before && qos === 1 && PACED.includes(lane) ? [nth - before] : [],
  );
  const whenMs = (nth: number) => times.find(({ count }) => count > nth)?.ms ?? Number.NaN;
  const most = Math.floor(kept.length * 0.9);
  const tookS = ((whenMs(kept[most - 1] ?? 0) - whenMs(kept[0] ?? 0)) / 1000) * RETURN_SPEED;
  const leastS = (most - PACE.burst) / PACE.perSecond;
  t.ok(tookS > leastS * 0.8, `${most} kept ones took ${tookS.toFixed(1)} s of the device, at their pace ${leastS} s`);
  proof.figure('messages-after-return', arrived, '1');
  // The last batch of the track is made when the agent leaves.
  const last = all.findLast(({ lane, qos }) => lane !== 'track' && PACED.includes(lane) && qos === 1)?.nth ?? 0;
  proof.figure('drained-in', Math.round(((whenMs(last - before) - whenMs(0)) / 1000) * RETURN_SPEED), 's');
  proof.figure('kept-messages-a-second', Math.round(most / tookS), '1/s');
  proof.figure('most-messages-in-a-second', Math.max(...rates), '1/s');
});
