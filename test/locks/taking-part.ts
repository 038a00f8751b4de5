import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runLocker } from '../fixtures/lock-holders.ts';
import { LOCKSMITH } from '../fixtures/locksmith.ts';
import { type LoneDevice, loneDevice } from '../fixtures/lone-device.ts';
import { until } from '../fixtures/until.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const example = (name: string) => join(ROOT, 'docs', 'examples', name);

/** How each example is run on a device, until it is ended. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  'with-flock.sh': ['sh', example('with-flock.sh'), 'aim', 'sh', '-c', 'echo ready; exec sleep 1000'],
  'with_lockf.py': ['sh', '-c', `echo ready; sleep 1000 | exec python3 ${example('with_lockf.py')} aim`],
  'with-hold.sh': ['sh', example('with-hold.sh'), 'aim', 'sh', '-c', 'echo ready; exec sleep 1000'],
};

/** The environment in which the examples find this device, and `locksmith` on the path. */
function onDevice(device: LoneDevice): readonly string[] {
  const bin = join(device.dir, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'locksmith'), `#!/bin/sh\nexec '${process.execPath}' '${LOCKSMITH}' "$@"\n`);
  chmodSync(join(bin, 'locksmith'), 0o755);
  const path = `PATH=${bin}:${process.env.PATH ?? ''}`;
  return ['env', '-u', 'NODE_OPTIONS', path, `LOCKSMITH_RUN=${device.run}`, `LOCKSMITH_SETTINGS=${device.settings}`];
}

for (const [name, argv] of Object.entries(EXAMPLES)) {
  t.test(`docs/examples/${name} keeps updates out while it works, and lets them in when it ends`, async (t) => {
    const device = loneDevice(t);
    const agent = await device.daemon();
    await until('the sidecar', () => existsSync(join(device.run, 'locks', 'aim', 'lock')));
    const locker = await runLocker(t, [...onDevice(device), ...argv]);
    const locks = async () => JSON.parse((await device.locksmith(['locks', 'aim', '--json'])).stdout);
    const end = Date.now() + 20_000;
    while ((await locks()).state !== 'HOT' && Date.now() < end);
    t.match(await locks(), { state: 'HOT', verdict: 'held' });
    const document = join(device.dir, 'update.jws');
    writeFileSync(document, device.sign({ version: 1, files: { 'aim.conf': 'hold = 800\n' } }).jws);
    t.match(await device.locksmith(['apply', document]), {
      code: 3,
      stdout: /lock mismatch: aim\.conf HOT \(held by pid/,
    });
    t.match(device.contents(), { 'aim.conf': 'hold = 500\n' });
    await locker.end();
    await until('applied by itself', () => device.contents()['aim.conf'] === 'hold = 800\n', 60_000);
    await agent.stop();
  });
}

t.test('the page names every example', async (t) => {
  const page = readFileSync(join(ROOT, 'docs', 'taking-part.md'), 'utf8');
  for (const name of Object.keys(EXAMPLES)) t.ok(page.includes(`(examples/${name})`), name);
});
