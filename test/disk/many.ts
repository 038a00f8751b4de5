import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lineDevice, lineWorld } from '../fixtures/line.ts';

const COUNT = 200;
/** Far above what it takes: a leak per config would show. Source: docs/proof.md, an idle agent of one config takes about 60 MiB. */
const RSS_MAX_MIB = 160;

t.test(
  '200 configs on one device: each is told of, and an update of one leaves the others alone',
  { timeout: 120_000 },
  async (t) => {
    const world = await lineWorld(t);
    const names = Array.from({ length: COUNT }, (_, index) => `c${index}`);
    const configs = Object.fromEntries(names.map((name) => [name, { [`${name}.conf`]: `${name}\n` }]));
    const device = lineDevice(t, world, { root: 'many', configs });
    const agent = await device.start();
    for (const name of names) {
      await device.lock(({ state }) => state === 'COLD', name);
      await device.reported(({ running }) => running.version === 0, name);
    }
    const times = () => new Map(names.map((name) => [name, statSync(join(device.etc, `${name}.conf`)).mtimeMs]));
    const before = times();
    const { id } = await device.push({ version: 1, config: 'c77', files: { 'c77.conf': 'new\n' } });
    await device.evt({ update: id, event: 'applied' });
    t.equal(device.contents()['c77.conf'], 'new\n');
    t.same(
      names.filter((name) => times().get(name) !== before.get(name)),
      ['c77'],
    );
    t.equal(device.evts({ event: 'applied' }).length, 1);
    const [, kib = '0'] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${agent.pid}/status`, 'utf8')) ?? [];
    t.ok(Number(kib) / 1024 < RSS_MAX_MIB, `${Math.round(Number(kib) / 1024)} MiB`);
    await agent.stop();
    await device.start();
    await device.evt({ event: 'stopped' });
    t.equal(device.contents()['c77.conf'], 'new\n');
  },
);
