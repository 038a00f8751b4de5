import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostUnits } from '../../agent/host/units.ts';

t.test('services are asked for, stopped and started by systemctl', async (t) => {
  const dir = t.testdir({});
  const cases = [
    '*between*) echo activating; exit 3;;',
    '*dead*) echo inactive; exit 3;;',
    "*bad*) echo 'Unit bad.service not loaded.' >&2; exit 5;;",
  ];
  const script = `#!/bin/sh\necho "$*" >> ${dir}/asked\ncase "$*" in ${cases.join(' ')} esac\n`;
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
  t.equal(await units.running('between.service'), true, 'about to be started by systemd');
  t.equal(await units.running('dead.service'), false);
  writeFileSync(`${dir}/asked`, '');
  await units.stop('good.service');
  await units.start('good.service');
  await t.rejects(units.stop('bad.service'), { code: 'io', message: /bad\.service: systemctl stop: .*not loaded/ });
  t.strictSame(readFileSync(`${dir}/asked`, 'utf8').trim().split('\n'), [
    'stop -- good.service',
    'start -- good.service',
    'stop -- bad.service',
  ]);
  process.env.PATH = `${dir}/nothing`;
  await t.rejects(units.running('good.service'), {
    code: 'io',
    message: /good\.service: systemctl is-active: .*ENOENT/,
  });
});
