import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { acknowledged } from '../fixtures/acknowledged.ts';
import { makeDevice, workDir } from '../fixtures/device.ts';
import { type SignedDocument, signedDocument } from '../fixtures/documents.ts';
import { openFleetEar } from '../fixtures/fleet-ear.ts';
import { run, start } from '../fixtures/locksmith.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { openProof } from '../fixtures/proof.ts';
import { until } from '../fixtures/until.ts';

// The built program, killed from outside at any time around the receipt of an update; then the broker, in the middle of a push.

const LIMIT_MS = 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
const ROUNDS = proof.rounds(12, 300);
const BROKER_ROUNDS = proof.rounds(4, 60);
/** From before `mosquitto_pub` has sent it until well after it is applied, on an idle machine. */
const KILL_WITHIN_MS = 150;

// Every one of another length: that is how the log of the broker tells them apart.
const content = (version: number) => ({ 'aim.conf': `[aim]\nhold_ms = ${version}\n${'#'.repeat(version)}\n` });

t.test(
  'SIGKILL between receipt and PUBACK, and around it: nothing acknowledged is lost, nothing applied twice',
  async (t) => {
    const dir = workDir(t);
    const broker = await startMosquitto(t);
    const ear = await openFleetEar(t, broker);
    const key = opensslKey(join(dir, 'key'));
    const device = makeDevice(join(dir, 'device'), {
      ...{ url: broker.url, keys: [key], configs: { aim: { 'aim.conf': '[aim]\nhold_ms = 0\n' } } },
    });
    const heardFinal = (document: SignedDocument) =>
      ear.heard('fleet').filter(({ body }) => body.final === true && body.update === document.id);
    const launch = async () => {
      const agent = start(['run', '--settings', device.settings]);
      t.teardown(() => agent.stop('SIGKILL'));
      await agent.line('connected and subscribed', 60_000);
      return agent;
    };
    const counts = { acknowledged: 0, applied: 0, unseen: 0 };
    for (let version = 1; version <= ROUNDS; version += 1) {
      const document = signedDocument(key, { version, files: content(version) });
      const topic = `fleet/${document.topic}`;
      const agent = await launch();
      const mark = broker.mark();
      // Not retained: what was acknowledged never comes again.
      const published = mosquittoPub(broker, topic, document.jws);
      await pause(proof.unit() * KILL_WITHIN_MS);
      await agent.stop('SIGKILL');
      await published;
      await broker.saved();
      await broker.saved();
      const acked = acknowledged(broker, device, mark, [document]).has(0);
      counts.acknowledged += acked ? 1 : 0;
      counts.applied += device.contents()['aim.conf'] === content(version)['aim.conf'] ? 1 : 0;
      counts.unseen += broker
        .log()
        .split('\n')
        .slice(mark)
        .some((line) => line.startsWith(`Sending PUBLISH to ${device.id}`))
        ? 0
        : 1;
      const again = await launch();
      if (!acked) await mosquittoPub(broker, topic, document.jws);
      await until(
        `an outcome of version ${version} (acknowledged: ${acked})`,
        () => heardFinal(document).length > 0,
        60_000,
      );
      const file = readFileSync(join(device.etc, 'aim.conf'), 'utf8');
      if (file !== content(version)['aim.conf'])
        t.equal(file, content(version)['aim.conf'], `version ${version} is on disk`);
      await again.stop();
      const outcomes = heardFinal(document).map(({ body }) => body.event);
      if (outcomes.length !== 1 || outcomes[0] !== 'applied') t.same(outcomes, ['applied'], `version ${version}`);
    }
    const heard = ear.heard('fleet');
    t.same(ear.conflicts('fleet'), [], 'no number was said with two contents');
    t.same(
      heard.map(({ seq }) => seq),
      heard.map((_, index) => index + 1),
      'numbers without a gap, over all these lives',
    );
    t.equal(
      heard.filter(({ body }) => body.event === 'applied' && body.changed === true).length,
      ROUNDS,
      'applied once each',
    );
    t.comment(`killed ${ROUNDS} times: ${JSON.stringify(counts)}`);
    proof.figure('kills-around-receipt', ROUNDS, '1');
  },
);

t.test('SIGKILL of Mosquitto in the middle of a push: recovered without a hand', async (t) => {
  const dir = workDir(t);
  const broker = await startMosquitto(t);
  const key = opensslKey(join(dir, 'key'));
  const device = makeDevice(join(dir, 'device'), {
    ...{ url: broker.url, keys: [key], configs: { aim: { 'aim.conf': '[aim]\nhold_ms = 0\n' } } },
  });
  const agent = start(['run', '--settings', device.settings]);
  t.teardown(() => agent.stop('SIGKILL'));
  await agent.line('connected and subscribed', 60_000);
  const documents: SignedDocument[] = [];
  for (let round = 0; round < BROKER_ROUNDS; round += 1) {
    const burst = [1, 2, 3, 4].map((n) => {
      const version = round * 4 + n;
      return signedDocument(key, { version, files: content(version) });
    });
    documents.push(...burst);
    // A publisher that tries until the broker has it, as any does.
    const push = async () => {
      for (const { topic, jws } of burst) {
        for (let done = false; !done; ) {
          done = await mosquittoPub(broker, `fleet/${topic}`, jws, { retain: true }).then(
            () => true,
            () => false,
          );
        }
      }
    };
    const pushed = push();
    await pause(proof.unit() * 250);
    await broker.kill9();
    await broker.start();
    await pushed;
    const last = content((round + 1) * 4)['aim.conf'];
    await until(`version ${(round + 1) * 4} on disk`, () => device.contents()['aim.conf'] === last, 60_000);
  }
  const watcher = await mosquittoSub(t, broker, ['fleet/v1/dev/+/reported/aim']);
  const version = BROKER_ROUNDS * 4;
  await watcher.next(({ payload }) => JSON.parse(payload.toString()).running.version === version, 60_000);
  t.pass(`version ${version} is reported, retained`);
  const acked = acknowledged(broker, device, 0, documents);
  await agent.stop();
  const history = await run(['history', '--json', '--settings', device.settings]);
  const events: readonly { seq: number; event: string; update?: string; final?: boolean; changed?: boolean }[] =
    JSON.parse(history.stdout);
  for (const [index, document] of documents.entries()) {
    const own = events.filter(({ update }) => update === document.id);
    const outcomes = own.filter(({ final }) => final === true).length;
    if (outcomes > 1 || (acked.has(index) && outcomes !== 1))
      t.equal(outcomes, 1, `outcomes of version ${document.version}`);
    const moves = own.filter(({ event, changed }) => event === 'applied' && changed === true).length;
    if (moves > 1) t.equal(moves, 1, `version ${document.version} was applied once`);
  }
  t.ok(acked.size > 0, `${acked.size} of ${documents.length} documents were acknowledged, each with one outcome`);
  proof.figure('broker-kills-mid-push', BROKER_ROUNDS, '1');
});
