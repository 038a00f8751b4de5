import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { workDir } from '../fixtures/device.ts';
import { signedDocument } from '../fixtures/documents.ts';
import { type Mosquitto, startMosquitto } from '../fixtures/mosquitto.ts';
import { type OpensslKey, opensslKey } from '../fixtures/openssl.ts';
import { openProof } from '../fixtures/proof.ts';
import { openScaleEar, type ScaleEar } from '../fixtures/scale-ear.ts';
import { costOf, type ScaleFleet, startScaleFleet } from '../fixtures/scale-fleet.ts';
import { rollOutTo } from '../fixtures/scale-rollout.ts';

// A whole fleet of real agents on this machine, over TLS: what a device costs, how that grows, and what a broker's death does.

const LIMIT_MS = 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
const SIZES = (process.env.SCALE ?? (proof.full ? '100,500,2000' : '40')).split(',').map(Number);
/** How long an idle fleet is left alone, and then watched. */
const SETTLE_MS = 10_000;
const IDLE_MS = 60_000;
/** The default of the settings. */
const FIRST_S = 5;
/** For how long the broker is gone. */
const AWAY_MS = 500;
/** How long before its end a broker may have acknowledged what it then did not save. */
const UNSAVED_MS = 2_000;
const PATIENCE_MS = proof.rounds(150_000, 1_200_000);

type Figure = (name: string, value: number, unit: string) => void;

const round = (value: number, digits = 0) => Number(value.toFixed(digits));
const at = (values: readonly number[], share: number) =>
  [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(share * values.length))] ?? Number.NaN;
/** The most events in any second. */
function mostInASecond(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted.reduce((most, time, n) => {
    const end = sorted.findIndex((other, m) => m >= n && other >= time + 1000);
    return Math.max(most, (end === -1 ? sorted.length : end) - n);
  }, 0);
}

/** What a device costs when nothing happens. */
async function watchIdle(
  devices: number,
  { broker, ear, fleet, figure }: { broker: Mosquitto; ear: ScaleEar; fleet: ScaleFleet; figure: Figure },
): Promise<void> {
  const bytes = () => ear.broker('$SYS/broker/bytes/received') + ear.broker('$SYS/broker/bytes/sent');
  await pause(SETTLE_MS);
  await ear.until(
    () => 'the broker about itself',
    () => !Number.isNaN(bytes()),
    60_000,
  );
  const idle = { ...fleet.cost(), bytes: bytes(), atMs: performance.now(), broker: costOf(broker.pid()) };
  await pause(IDLE_MS);
  const hours = (performance.now() - idle.atMs) / 3_600_000;
  const after = { ...fleet.cost(), broker: costOf(broker.pid()) };
  figure('rss-a-device', round((1024 * after.rssMb) / devices), 'KiB');
  figure('idle-cpu-a-device', round((after.cpuMs - idle.cpuMs) / devices / (hours * 3600), 2), 'ms/s');
  figure('bytes-a-device', round((bytes() - idle.bytes) / devices / hours), 'B/h');
  figure('broker-rss-a-device', round((1024 * after.broker.rssMb) / devices, 1), 'KiB');
  figure('broker-idle-cpu', round((after.broker.cpuMs - idle.broker.cpuMs) / (hours * 36_000), 2), 'percent');
}

/** A roll-out to all of them: the canary, ever larger waves, one base; nobody is changed before its turn. */
async function rollOut(
  t: Test,
  how: {
    readonly broker: Mosquitto;
    readonly key: OpensslKey;
    readonly dir: string;
    readonly devices: number;
    readonly fleet: ScaleFleet;
    readonly figure: Figure;
  },
): Promise<void> {
  const { broker, key, dir, devices, fleet, figure } = how;
  const before = fleet.cost();
  const content = 'hold = 4\n';
  const seen = await rollOutTo(t, { broker, key, dir, content, waves: '3,10%,50%,100%' });
  t.match(seen, { code: 0, words: /^done: everybody who is there runs the base$/ });
  t.equal(seen.waves.length, 4);
  t.strictSame([seen.beyond, seen.shadows], [[], []], 'nobody was changed before its wave, and no shadow is left');
  t.equal(seen.onBase, devices);
  t.strictSame(new Set(fleet.ids.map((id) => fleet.content(id))), new Set([content]));
  const [canary = Number.NaN, , , promoted = Number.NaN] = seen.tookMs;
  figure('rollout-canary', round(canary / 1000, 1), 's');
  figure('rollout-waves', round(promoted / 1000, 1), 's');
  figure('rollout-all', round((seen.tookMs.at(-1) ?? Number.NaN) / 1000, 1), 's');
  figure('rollout-cpu-a-device', round((fleet.cost().cpuMs - before.cpuMs) / devices, 1), 'ms');
}

for (const devices of SIZES) {
  t.test(
    `${devices} agents: all converge, a broker's SIGKILL loses no report, and no wave of reconnects`,
    async (t) => {
      const figure = (name: string, value: number, unit: string) => proof.figure(`${devices}-${name}`, value, unit);
      const broker = await startMosquitto(t, {
        tls: 'server',
        verbose: false,
        extra: ['sys_interval 10', 'max_queued_messages 0', 'max_inflight_messages 0'],
      });
      const key = opensslKey(workDir(t));
      const ear = await openScaleEar(t, broker);
      const began = performance.now();
      const fleet = await startScaleFleet(t, {
        ...{ dir: join(workDir(t), 'fleet'), broker, key, devices, processes: Math.min(4, Math.ceil(devices / 25)) },
        ...{ firstS: FIRST_S, heartbeatS: 30 },
      });
      const push = (version: number) => {
        const { jws, topic } = signedDocument(key, {
          aud: 'all',
          version,
          files: { 'aim.conf': `hold = ${version}\n` },
        });
        return ear.publish(`fleet/${topic}`, jws);
      };
      const allOnline = () => ear.online.size === devices;
      const allRun = (version: number) => ear.ran(version).size === devices;
      const howMany = (version: number) => () => `${ear.ran(version).size} of ${devices} run version ${version}`;

      await fleet.started;
      await ear.until(() => `${ear.online.size} of ${devices} are online`, allOnline, PATIENCE_MS);
      figure('all-up', round((performance.now() - began) / 1000, 1), 's');

      // A broadcast: one retained document for all.
      const pushed = Date.now();
      const before = fleet.cost();
      await push(1);
      await ear.until(howMany(1), () => allRun(1), PATIENCE_MS);
      const took = [...ear.ran(1).values()].map((ms) => ms - pushed);
      figure('broadcast-p50', at(took, 0.5), 'ms');
      figure('broadcast-last', Math.max(...took), 'ms');
      figure('broadcast-cpu-a-device', round((fleet.cost().cpuMs - before.cpuMs) / devices, 1), 'ms');

      if (proof.full) await watchIdle(devices, { broker, ear, fleet, figure });

      // The broker dies in the middle of a broadcast, and comes back: every device greets it over TLS anew.
      await fleet.links();
      ear.forget();
      await push(2);
      await ear.until(howMany(2), () => ear.ran(2).size >= devices / 4, PATIENCE_MS);
      // At whatever moment: between an acknowledgement and the save that follows it too.
      const ranBefore = ear.ran(2).size;
      const died = Date.now();
      await broker.kill9();
      await pause(AWAY_MS);
      await broker.start();
      const back = Date.now();
      await ear.until(() => `${ear.online.size} of ${devices} are back`, allOnline, PATIENCE_MS);
      await ear.until(howMany(2), () => allRun(2), PATIENCE_MS);
      const { attempts, links } = await fleet.links();
      const rate = mostInASecond(attempts.filter((time) => time >= back));
      figure('ran-before-the-kill', ranBefore, 'devices');
      figure(
        'back-p50',
        at(
          links.map((time) => time - back),
          0.5,
        ),
        'ms',
      );
      figure('back-last', Math.max(...links) - back, 'ms');
      // All that the new broker did: greetings over TLS, subscriptions, what is retained, and what had piled up.
      figure('broker-cpu-a-return', round(costOf(broker.pid()).cpuMs / links.length, 1), 'ms');
      figure('most-attempts-in-a-second', rate, 'attempts');
      figure('attempts-a-device', round(attempts.length / devices, 2), 'attempts');
      // Full jitter: those who lost the link at one instant come evenly over the first pause, and who knocked in vain over twice that.
      const fair = (devices / FIRST_S) * (1 + (back - died) / (2000 * FIRST_S));
      const bound = fair + 4 * Math.sqrt(fair);
      figure('stated-bound', round(bound), 'attempts/s');
      t.ok(rate <= bound, `at most ${rate} attempts in a second, bound ${round(bound)}`);

      await push(3);
      await ear.until(howMany(3), () => allRun(3), PATIENCE_MS);
      for (const id of fleet.ids) {
        const content = fleet.content(id);
        if (content !== 'hold = 3\n') t.fail(`${id} has ${content}`);
      }
      // What a device has not had acknowledged it says again, for ever; what the killed broker had acknowledged and not passed on
      // is gone with it, which no device can know. The states of every config come again all the same.
      const lost = async () => {
        const had = await fleet.acknowledged();
        const gone = [...ear.missing()].flatMap(([id, numbers]) =>
          numbers.map((number) => ({ id, number, had: had.get(id)?.get(number) })),
        );
        return {
          byBroker: gone.flatMap(({ id, number, had }) => (had === undefined ? [] : [{ id, number, had }])),
          byDevices: gone.filter(({ had }) => had === undefined),
        };
      };
      const end = Date.now() + PATIENCE_MS;
      while ((await lost()).byDevices.length > 0 && Date.now() < end) await pause(200);
      const { byBroker, byDevices } = await lost();
      t.same(byDevices, [], 'no device lost a record: each came, or the broker that was killed had acknowledged it');
      t.same(
        byBroker.filter(({ had: [, atMs, linkMs] }) => linkMs > died || atMs < died - UNSAVED_MS),
        [],
        'and that one had acknowledged it in its last moment: it acknowledges first, and saves in the same turn',
      );
      figure('records-the-killed-broker-lost', byBroker.length, 'records');
      figure('records-that-came-twice', ear.twice(), 'records');

      await rollOut(t, { ...{ broker, key, devices, fleet, figure }, dir: join(workDir(t), 'operator') });
    },
  );
}
