import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256Hex } from '../fixtures/device.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { run } from '../fixtures/locksmith.ts';

const digest = (text: string) => `sha256:${sha256Hex(text)}`;

t.test('an edit by hand, seen on the schedule, as the fleet and the technician hear of it', async (t) => {
  const world = await lineWorld(t);
  const device = lineDevice(t, world, {
    root: 'edited',
    configs: { aim: { 'aim.conf': 'before\n' }, nav: { 'nav.conf': 'before\n' } },
    settings(text) {
      text.locks = { gc: '* * * * * *' };
      for (const [name, config] of Object.entries(text.configs)) if (name === 'nav') config.on_drift = 'restore';
    },
  });
  await device.start();
  const aim = await device.push({ version: 1, files: { 'aim.conf': 'one\n' } });
  const nav = await device.push({ config: 'nav', version: 1, files: { 'nav.conf': 'one\n' } });
  await device.evt({ update: aim.id, event: 'applied' });
  await device.evt({ update: nav.id, event: 'applied' });

  writeFileSync(join(device.etc, 'aim.conf'), 'by hand\n');
  t.match(await device.evt({ event: 'drift', config: 'aim' }), {
    digest: digest('by hand\n'),
    reason: /^aim\.conf edited/,
  });
  await device.reported(({ drift }) => drift?.digest === digest('by hand\n'));
  t.match((await run(['status', '--settings', device.settings])).stdout, /^ {2}drift .*not what Locksmith put there/m);

  writeFileSync(join(device.etc, 'nav.conf'), 'by hand\n');
  await device.evt({ event: 'drift', config: 'nav' });
  const back = await device.evt({
    event: 'applied',
    config: 'nav',
    reason: 'put back as it was before somebody edited it by hand',
  });
  t.match(back, { update: nav.id, changed: true });
  t.notOk('final' in back, 'the document has had its outcome');
  t.same(device.contents(), { 'aim.conf': 'by hand\n', 'nav.conf': 'one\n' });

  const late = await device.push({
    version: 2,
    files: { 'aim.conf': 'two\n' },
    payload: { expect: { digest: digest('one\n') } },
  });
  t.match(await device.evt({ update: late.id, final: true }), { code: 'lock-mismatch', mismatch: 'digest' });
  t.equal(device.contents()['aim.conf'], 'by hand\n');
  const next = await device.push({ version: 3, files: { 'aim.conf': 'three\n' } });
  await device.evt({ update: next.id, event: 'applied' });
  await device.reported(({ running, drift }) => running.version === 3 && drift === null);
  t.equal(device.evts({ event: 'drift', config: 'aim' }).length, 1, 'told once');
});
