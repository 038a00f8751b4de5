import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { leftBehind } from '../fixtures/device.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { start } from '../fixtures/locksmith.ts';
import { until } from '../fixtures/until.ts';

const FILES = { 'aim.conf': 'old aim\n', 'map.bin': 'old map\n' };
const WANTED = { 'aim.conf': 'new aim\n', 'map.bin': 'new map\n' };
const AGENT = 65_533;

t.test('an agent without capabilities meets what belongs to another', { timeout: 120_000 }, async (t) => {
  if (process.geteuid?.() !== 0) return t.comment('not root: nobody else can be');
  const world = await lineWorld(t);
  /** A device whose agent is nobody in particular, with files of its own. */
  const startDevice = async (root: string) => {
    const device = lineDevice(t, world, { root, configs: { aim: FILES } });
    execFileSync('chown', ['-R', `${AGENT}:${AGENT}`, device.dir]);
    chmodSync(device.dir, 0o755);
    return {
      device,
      map: join(device.etc, 'map.bin'),
      async run() {
        const under = ['setpriv', '--reuid', `${AGENT}`, '--regid', `${AGENT}`, '--clear-groups'];
        const agent = start(['run', '--settings', device.settings], { under });
        t.teardown(() => agent.stop('SIGKILL'));
        await agent.line(': connected');
      },
    };
  };

  await t.test('a file of root in its own directory: all stays, until the file is its own', async (t) => {
    const { device, map, run } = await startDevice('file');
    chownSync(map, 0, 0);
    const { ino } = statSync(join(device.etc, 'aim.conf'));
    await run();
    const { id } = await device.push({ version: 1, files: WANTED });
    const why = `belongs to 0:0, to whom the agent (${AGENT}:${AGENT}) may not give a file: it needs CAP_CHOWN`;
    const waits = await device.evt({ update: id, event: 'waiting' });
    t.match(waits, { code: 'no-permission', reason: `${map}: ${why}` });
    t.match(await device.reported(({ pending }) => pending?.id === id), { pending: { waiting_for: ['disk'] } });
    t.same(device.contents(), FILES, 'the first file of the set too');
    t.equal(statSync(join(device.etc, 'aim.conf')).ino, ino);
    await until('nothing left behind', () => leftBehind(device).length === 0);
    chownSync(map, AGENT, AGENT);
    t.match(await device.evt({ update: id, event: 'applied' }), { changed: true, final: true });
    t.same(device.contents(), WANTED);
    t.equal(device.evts({ update: id, event: 'waiting' }).length, 1, 'said once');
  });

  await t.test('a directory of root: all stays, until it may write there', async (t) => {
    const { device, run } = await startDevice('directory');
    chownSync(device.etc, 0, 0);
    await run();
    const { id } = await device.push({ version: 1, files: WANTED });
    const waits = await device.evt({ update: id, event: 'waiting' });
    t.match(waits, { code: 'no-permission', reason: /aim\.conf: stage\.\w+: EACCES/ });
    t.same(device.contents(), FILES);
    chownSync(device.etc, AGENT, AGENT);
    t.match(await device.evt({ update: id, event: 'applied' }), { changed: true, final: true });
    t.same(device.contents(), WANTED);
  });
});
