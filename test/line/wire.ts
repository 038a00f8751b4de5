import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { TOPICS } from '../../agent/values/topics.ts';
import { workDir } from '../fixtures/device.ts';
import { nowS } from '../fixtures/documents.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { FLIGHT } from '../fixtures/mavlink.ts';
import { mosquittoPub, mosquittoSub } from '../fixtures/mosquitto-clients.ts';
import { opensslKey, opensslSign } from '../fixtures/openssl.ts';
import { entry, trustDocument } from '../fixtures/trust.ts';
import { until } from '../fixtures/until.ts';
import { kindOf, whyNotOnTheWire } from '../fixtures/wire.ts';

// Every row of the table of topics, as it was really on the wire between a fleet and the built program.
t.test('a message of every row goes over the wire, and each is as its schema says', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);
  const device = lineDevice(t, world, {
    ...{ id: 'drone-wire', root: 'wire', heartbeatS: 0.5 },
    everyConfig: { vehicle: 'any' },
    settings: (text) => Object.assign(text, { vehicle: { mavlink: { file: FLIGHT, system: 1, speed: 50 } } }),
  });
  const root = opensslKey(workDir(t), 'safe');
  const keys = [entry(root, 'root'), entry(world.key)];
  writeFileSync(join(device.dir, 'keys.json'), JSON.stringify({ keys }));
  const ear = await mosquittoSub(t, world.broker, ['#']);
  const agent = await device.start();
  const publish = (topic: string, text: string, retain = true) =>
    mosquittoPub(world.broker, `wire/v1/${topic}`, text, { retain });

  await publish('all/trust', trustDocument({ v: 1, version: 1, keys }, [root]));
  await device.evt({ event: 'trust' });
  const { id } = await device.push({ version: 1, aud: 'dev/drone-wire', files: { 'aim.conf': 'hold = 1\n' } });
  await device.evt({ update: id, event: 'applied' });
  const halt = { v: 1, id: 'h', aud: 'grp/canary', version: 1, iat: nowS() };
  await publish('grp/canary/halt', opensslSign(world.key, halt, { typ: 'locksmith-halt+jwt' }));
  await device.evt({ event: 'halted' });
  const next = await device.push({ version: 2, aud: 'dev/drone-wire', files: { 'aim.conf': 'hold = 2\n' } });
  await device.reported(({ pending }) => pending?.id === next.id);
  const command = { v: 1, id: 'c', aud: 'dev/drone-wire', cmd: 'refresh', iat: nowS(), exp: nowS() + 300 };
  const refresh = opensslSign(world.key, command, { typ: 'locksmith-command+jwt' });
  await publish('dev/drone-wire/cmd/refresh', refresh, false);
  await device.evt({ event: 'refreshed' });
  const kinds = () => new Set(ear.seen.map(({ topic }) => kindOf(topic)));
  await until(
    'a message of every row',
    () => Object.keys(TOPICS).every((kind) => [...kinds()].some((k) => k === kind)),
    60_000,
  );
  t.equal((await agent.stop()).code, 0);
  await device.evt({ event: 'stopped' });

  t.same([...kinds()].sort(), Object.keys(TOPICS).sort(), 'and none of another');
  for (const message of ear.seen) {
    const why = whyNotOnTheWire(message);
    if (why !== null) t.fail(why);
  }
  const fields = ear.seen
    .filter(({ topic }) => kindOf(topic) === 'hb')
    .map(({ payload }) => JSON.parse(payload.toString()));
  t.ok(
    fields.some(({ vehicle, machine }) => vehicle.armed !== null && machine !== undefined),
    'with all that there is',
  );
});
