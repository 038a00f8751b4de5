import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostUnits } from '../../agent/host/units.ts';

t.test('services are asked for, stopped and started by systemctl', async (t) => {
  const dir = t.testdir({});
  const script = `#!/bin/sh\necho "$*" >> ${dir}/asked\ncase "$*" in *bad*) echo 'Unit bad.service not loaded.' >&2; exit 5;; esac\n`;
  writeFileSync(`${dir}/systemctl`, script);
  chmodSync(`${dir}/systemctl`, 0o755);
  const before = process.env.PATH;
  process.env.PATH = `${dir}:${before}`;
  t.teardown(() => {
    process.env.PATH = before;
  });
  const units = hostUnits();
  t.equal(await units.running('good.service'), true);
  t.equal(await units.running('bad.service'), false);
  await units.stop('good.service');
  await units.start('good.service');
  await t.rejects(units.stop('bad.service'), { code: 'io', message: /bad\.service: systemctl stop: .*not loaded/ });
  const expected = ['is-active --quiet -- good.service', 'is-active --quiet -- bad.service', 'stop -- good.service'];
  t.strictSame(readFileSync(`${dir}/asked`, 'utf8').trim().split('\n'), [
    ...expected,
    'start -- good.service',
    'stop -- bad.service',
  ]);
});
