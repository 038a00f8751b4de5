import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { changeSettings, type LineDevice, lineDevice, lineWorld } from '../fixtures/line.ts';
import { LOCKSMITH } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { freePort } from '../fixtures/mosquitto.ts';
import { withoutNamespaces } from '../fixtures/namespaces.ts';
import { openProof } from '../fixtures/proof.ts';

// On whole devices: what is put in place is confirmed over the link, or comes back by itself.

const proof = openProof(t);
const DEVICES = proof.rounds(4, 20);
t.setTimeout(240_000);
const file = (content: string) => ({ files: { 'aim.conf': content } });
const proving =
  (config: object) =>
  ({ configs }: { configs: Record<string, object> }) => {
    for (const each of Object.values(configs)) Object.assign(each, config);
  };

t.test('an update from a stick, without any network, stays', async (t) => {
  const device = loneDevice(t);
  changeSettings(
    device,
    proving({ reload: { argv: ['true'] }, health: { argv: ['true'] }, confirm: { by: 'link', within_s: 5 } }),
  );
  const { jws } = device.sign({ version: 1, ...file('stick\n') });
  t.match(await device.locksmith(['apply', '-'], jws), { code: 0 });
  t.same(device.contents(), { 'aim.conf': 'stick\n' });
  t.match(JSON.parse((await device.locksmith(['status', '--json'])).stdout), {
    configs: { aim: { running: { version: 1 }, confirmed_by: 'health', pending: null } },
  });
});

t.test(
  `the broker is away while ${DEVICES} devices wait to be confirmed: all go back, and no content is marked`,
  async (t) => {
    const world = await lineWorld(t);
    const settings = proving({ health: { argv: ['sleep', '3'], within_s: 20 }, confirm: { by: 'link', within_s: 5 } });
    const devices = Array.from({ length: DEVICES }, (_, n) =>
      lineDevice(t, world, { id: `d-${n}`, root: 'out', settings }),
    );
    await Promise.all(devices.map((device) => device.start()));
    const [first] = devices;
    if (first === undefined) throw new Error('no devices');
    const all = <T>(look: (device: LineDevice) => Promise<T>) => Promise.all(devices.map(look));
    const one = await first.push({ version: 1, ...file('one\n') });
    await all((device) => device.evt({ event: 'applying', update: one.id }));
    await world.broker.saved();
    await world.broker.kill9();
    await new Promise((resolve) => setTimeout(resolve, 9_000));
    await world.broker.start();
    const back = await all((device) =>
      device.reported(({ last_attempt }) => last_attempt?.id === one.id && last_attempt.result === 'rolled-back'),
    );
    t.same(new Set(back.map(({ last_attempt }) => last_attempt?.code)), new Set(['unconfirmed']));
    for (const device of devices) t.same(device.contents(), { 'aim.conf': 'hold = 500\n' });
    const two = await first.push({ version: 2, ...file('one\n') });
    await all((device) => device.evt({ event: 'applied', update: two.id, final: true }));
    const reports = await all((device) => device.reported(({ running }) => running.version === 2));
    t.same(new Set(reports.map(({ confirmed_by }) => confirmed_by)), new Set(['link']));
    proof.figure('confirm-devices', DEVICES, '1');
  },
);

const CANNOT = withoutNamespaces();
t.test('a config that cuts the device off its broker undoes itself, and is told when the link is back', async (t) => {
  if (CANNOT !== false) {
    t.comment(CANNOT);
    t.not(process.env.CI, 'true', 'a machine that can must');
    return;
  }
  const world = await lineWorld(t);
  const port = await freePort();
  const settings = ({ broker, configs }: { broker: { urls: string[] }; configs: Record<string, object> }) => {
    broker.urls = [`mqtt://127.0.0.1:${port}`];
    proving({ health: { argv: ['sleep', '1'], within_s: 10 }, confirm: { by: 'link', within_s: 6 } })({ configs });
  };
  const device = lineDevice(t, world, { root: 'cut', settings });
  // The namespace has a loopback of its own; a socket in the file system leads out of it.
  const path = join(device.dir, 'way');
  const way = createServer((near) => {
    const far = connect(world.broker.port, '127.0.0.1');
    for (const end of [near, far]) end.on('error', () => {});
    near.pipe(far).pipe(near);
    near.on('close', () => far.destroy());
  }).listen(path);
  t.teardown(() => {
    way.close();
    rmSync(path, { force: true });
  });
  const relay = `const n = require('net'); n.createServer((a) => { const b = n.connect(${JSON.stringify(path)});
    for (const e of [a, b]) e.on('error', () => {}); a.pipe(b).pipe(a); }).listen(${port}, '127.0.0.1')`;
  const conf = join(device.etc, 'aim.conf');
  // The program whose config it is: it takes the network down if the config says so.
  const consumer = `while sleep 0.1; do if grep -q off ${conf}; then ip link set lo down; else ip link set lo up; fi; done`;
  const script = `ip link set lo up; node -e "$RELAY" & (${consumer}) & exec node ${LOCKSMITH} run --settings ${device.settings}`;
  const life = spawn('unshare', ['--net', '--pid', '--fork', '--kill-child', 'sh', '-c', script], {
    env: { ...process.env, RELAY: relay },
    stdio: 'ignore',
  });
  t.teardown(() => life.kill('SIGKILL'));
  await device.evt({ event: 'started' });
  const good = await device.push({ version: 1, ...file('network = on\n') });
  await device.evt({ event: 'applied', update: good.id, final: true });
  const bad = await device.push({ version: 2, ...file('network = off\n') });
  const told = await device.evt({ event: 'rolled-back', update: bad.id, final: true });
  t.match(told, { code: 'unconfirmed', reason: 'the broker could not be reached within 6 s' });
  await device.reported(({ running, last_attempt }) => running.version === 1 && last_attempt?.result === 'rolled-back');
  t.same(device.contents(), { 'aim.conf': 'network = on\n' });
  t.same(device.evts({ update: bad.id, final: true }).length, 1);
});
