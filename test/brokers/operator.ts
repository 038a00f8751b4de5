import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { CertFiles } from '../fixtures/certs.ts';
import { type AnyWorld, type LineDevice, lineDevice } from '../fixtures/line.ts';
import { type Ran, run } from '../fixtures/locksmith.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { readSample, startSample } from '../fixtures/mosquitto-sample.ts';
import { startNatsSample } from '../fixtures/nats-sample.ts';
import { opensslKey, opensslKeyFile } from '../fixtures/openssl.ts';
import { whyNotOnTheWire } from '../fixtures/wire.ts';

// What an operator does from push to `fleet forget`, with no more rights than our samples give.

const CONF = 'aim.conf';
const IDS = ['drone-7', 'drone-8'] as const;

interface Sample {
  readonly broker: AnyWorld['broker'];
  issue(commonName: string): CertFiles;
}

/** A fleet of two on a sample, and what its operator says and does. */
async function theStory(t: Test, { broker, issue }: Sample): Promise<void> {
  const watcher = await mosquittoSub(t, broker, ['fleet/v1/#']);
  const world: AnyWorld = { broker, key: opensslKey(t.testdir()), watcher };
  const ca = broker.tls?.authority.ca ?? '';
  const [seven, eight] = await Promise.all(
    IDS.map(async (id) => {
      const device = lineDevice(t, world, {
        ...{ id, groups: id === 'drone-7' ? ['canary'] : [], heartbeatS: 2 },
        settings: (text) => Object.assign(text.broker, { tls: { ca, ...issue(id) } }),
      });
      return { device, agent: await device.start() };
    }),
  );
  if (seven === undefined || eight === undefined) throw new Error('no devices');
  const { dir } = seven.device;
  const file = (text: string) => {
    const path = join(dir, CONF);
    writeFileSync(path, text);
    return path;
  };
  const ops = broker.tls?.client ?? { cert: '', key: '' };
  const tls = ['--tls-ca', ca, '--tls-cert', ops.cert, '--tls-key', ops.key];
  const env = {
    ...{ LOCKSMITH_BROKER: broker.url, XDG_STATE_HOME: dir },
    LOCKSMITH_KEY: opensslKeyFile(world.key, join(dir, 'ops.key.json')),
  };
  const operator = (...argv: readonly string[]): Promise<Ran> => run([...argv, ...tls], { env });
  const start = (text: string, ...more: readonly string[]) =>
    operator('rollout', 'start', 'aim', file(text), '--to', 'all', '--soak', '0s', '--within', '2m', ...more);
  const contents = () => [seven, eight].map(({ device }: { device: LineDevice }) => device.contents()[CONF]);

  await t.test('a roll-out: canary, wave, promotion', async (t) => {
    const paused = await start('hold = 1\n', '--name', 'one', '--canary', 'grp/canary', '--waves', '100%', '--pause');
    t.match(paused, { code: 0, stdout: /^paused after the canary/m }, paused.stderr);
    t.same(contents(), ['hold = 1\n', 'hold = 500\n']);
    const resumed = await operator('rollout', 'resume', 'one');
    t.match(resumed, { code: 0 }, `${resumed.stdout}${resumed.stderr}`);
    t.same(contents(), ['hold = 1\n', 'hold = 1\n']);
    for (const { device } of [seven, eight]) await device.reported(({ running }) => running.address === 'all');
  });

  await t.test('another is stopped, and taken back', async (t) => {
    const paused = await start('hold = 2\n', '--name', 'two', '--waves', '1,100%', '--pause');
    t.match(paused, { code: 0 }, paused.stderr);
    t.match(await operator('rollout', 'halt', 'two'), { code: 0 });
    t.same(contents(), ['hold = 1\n', 'hold = 1\n']);
  });

  await t.test('stop signs for one and for a group, a command, new keys', async (t) => {
    for (const to of ['dev/drone-7', 'grp/canary']) {
      for (const more of [[], ['--lift']]) {
        const said = await operator('halt', '--to', to, ...more, '--wait', '1');
        t.match(said, { code: 0 }, `${to} ${more}: ${said.stderr}`);
      }
    }
    t.match(await operator('refresh', '--device', 'drone-7'), { code: 0 });
    for (const to of ['dev/drone-7', 'grp/canary', 'all']) {
      await mosquittoPub(broker, `fleet/v1/${to}/trust`, 'no keys');
      await watcher.next(({ topic }) => topic === `fleet/v1/${to}/trust`);
    }
  });

  await t.test('all that goes over the wire is as it is published', async (t) => {
    const wrong = watcher.seen
      .filter(({ topic }) => !topic.endsWith('/trust'))
      .flatMap((message) => whyNotOnTheWire(message) ?? []);
    t.same(wrong, []);
    for (const kind of ['plan', 'content']) {
      t.ok(
        watcher.seen.some(({ topic }) => topic === `fleet/v1/rollout/one/${kind}`),
        kind,
      );
    }
  });

  await t.test('a device that is no more is forgotten', async (t) => {
    t.equal((await eight.agent.stop()).code, 0);
    await mosquittoPub(broker, 'fleet/v1/dev/drone-8/position', '{}', { retain: true, cert: issue('drone-8') });
    const forgotten = await operator('fleet', 'forget', 'drone-8', '--yes');
    t.match(forgotten, { code: 0 }, forgotten.stderr);
    for (const kind of ['desired/aim/shadow', 'lock/aim', 'position', 'reported/aim', 'status']) {
      t.match(forgotten.stdout, `fleet/v1/dev/drone-8/${kind}\n`);
    }
    t.match(await operator('fleet', 'forget', 'drone-8'), { code: 4 });
    const left = JSON.parse((await operator('fleet', '--json')).stdout);
    t.match(left, [{ device: 'drone-7' }]);
    t.equal(left.length, 1);
  });
}

t.test('an operator with the rights of the Mosquitto sample', { timeout: 240_000 }, async (t) => {
  const broker = await startSample(t);
  await theStory(t, { broker, issue: broker.issue });
  await t.test('and each right was needed', async (t) => {
    const log = broker.log();
    const wrote = [...log.matchAll(/Received PUBLISH from (?!drone-).*'(fleet\/[^']*)'/g)].map(
      ([, topic = '']) => topic,
    );
    const rows = readSample('locksmith.acl').split('user ops\n')[1] ?? '';
    for (const [, row = ''] of rows.matchAll(/^topic write (.*)$/gm)) {
      const fits = new RegExp(`^${row.replaceAll('+', '[^/]+')}$`);
      t.ok(
        wrote.some((topic) => fits.test(topic)),
        row,
      );
    }
  });
});

t.test('an operator with the rights of the NATS sample', { timeout: 240_000 }, async (t) => {
  const broker = await startNatsSample(t, ['drone-8']);
  await theStory(t, { broker, issue: broker.issue });
  await t.test('who may not read the fleet is told so', async (t) => {
    const { cert, key } = broker.issue('drone-8');
    const tls = ['--tls-ca', broker.tls.authority.ca, '--tls-cert', cert, '--tls-key', key];
    const said = await run(['fleet', '--broker', broker.url, ...tls]);
    t.match(said, { code: 3, stdout: '', stderr: /does not let this user read fleet\/v1\/dev\/\+\/status/ });
  });
});
