import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command as rollout } from '../../agent/cli/rollout.ts';
import { makeKeyFiles } from '../../agent/fleet/signer.ts';
import { runCommand } from '../fixtures/command.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';

t.test('a roll-out that ends with an error has its report all the same', { timeout: 60_000 }, async (t) => {
  const acl = [
    'user ops',
    'topic read fleet/v1/#',
    'topic write fleet/v1/rollout/+/+',
    'user admin',
    'topic readwrite #',
  ];
  const broker = await startMosquitto(t, { users: { ops: 'a', admin: 'b' }, acl: `${acl.join('\n')}\n` });
  const say = async (topic: string, body: object) =>
    mosquittoPub(broker, `fleet/v1/dev/d1/${topic}`, JSON.stringify(body), {
      ...{ username: 'admin', password: 'b', retain: true },
    });
  await say('status', { state: 'online', groups: [] });
  await say('reported/aim', { running: { version: 0, layer: null, address: null, digest: 'x' }, last_attempt: null });
  const dir = t.testdir({ 'aim.conf': 'hold = 1\n', password: 'a' });
  const { privatePath } = await makeKeyFiles('ops', dir);
  const report = join(dir, 'report.json');
  const ran = await runCommand(
    rollout,
    [
      ...['start', 'aim', join(dir, 'aim.conf'), '--to', 'all', '--soak', '0s', '--name', 'denied', '--json'],
      ...['--report', report, '--user', 'ops', '--password-file', join(dir, 'password')],
    ],
    { LOCKSMITH_BROKER: broker.url, LOCKSMITH_KEY: privatePath, XDG_STATE_HOME: dir },
  );
  t.match(ran, { code: 1, err: /the broker did not take the document on .*dev\/d1\/desired\/aim\/shadow/ });
  const said = JSON.parse(ran.out);
  t.match(said, {
    rollout: 'denied',
    end: 'error',
    exit: 1,
    words: /did not take the document/,
    plan: { stage: 'waves' },
  });
  t.match(said.devices, [{ device: 'd1', wave: 'canary', state: 'unsent' }]);
  t.strictSame(JSON.parse(readFileSync(report, 'utf8')), said);
});
