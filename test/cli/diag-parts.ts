import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configParts, settingsPart, systemParts } from '../../agent/cli/diag-parts.ts';
import { readSettings } from '../../agent/settings.ts';
import { fakeSystemctl } from '../fixtures/fake-systemctl.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('contents only of what everybody may read, unless root asks', async (t) => {
  const device = loneDevice(t);
  const settings = readSettings(device.settings);
  const names = (all: boolean) => configParts(settings, all, []).map(({ name }) => name);
  chmodSync(device.dir, 0o755);
  const path = join(device.etc, 'aim.conf');
  chmodSync(path, 0o644);
  t.same(names(false), ['configs.json', 'contents/aim/aim.conf']);
  chmodSync(path, 0o640);
  t.same(names(false), ['configs.json']);
  chmodSync(path, 0o644);
  chmodSync(device.dir, 0o700);
  t.same(names(false), ['configs.json'], 'nobody else gets there');
  t.same(names(true), ['configs.json', 'contents/aim/aim.conf']);
  writeFileSync(path, 'x'.repeat(300_000));
  t.same(names(true), ['configs.json'], 'too large');
});

t.test('names that are too long for an archive', async (t) => {
  const long = (end: string) => `${'ä'.repeat(100)}${end}`;
  const device = loneDevice(t, { configs: { ['c'.repeat(64)]: { [long('1')]: '1', [long('2')]: '2', short: '3' } } });
  const parts = configParts(readSettings(device.settings), true, []).slice(1);
  t.same(parts.map(({ text }) => text).sort(), ['1', '2', '3']);
  t.equal(new Set(parts.map(({ name }) => name)).size, 3, 'each has a name of its own');
  for (const { name } of parts) {
    t.match(name, /^contents\/c{64}\/(short|ä+~[0-9a-f]{12})$/);
    t.ok(Buffer.byteLength(name.split('/')[2] ?? '') <= 99, name);
  }
});

t.test('facts of the machine, without environment or arguments', async (t) => {
  const troubles: string[] = [];
  const parts = await systemParts(null, troubles);
  const facts = JSON.parse(parts.find(({ name }) => name === 'system.json')?.text ?? '');
  t.match(facts, { node: process.version, kernel: String, disks: [{ path: '/', type: String }], uptime_s: Number });
  t.notMatch(parts.map(({ text }) => text).join('\n'), process.env.PATH ?? 'no path');
  t.same(troubles, []);
  t.match(settingsPart('x: 1', null), { name: 'settings.yaml', text: /^# These settings are wrong/ });
});

t.test('what systemd says of the agent, without the arguments of what runs in its unit', async (t) => {
  const before = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = before;
  });
  const systemctl = fakeSystemctl(t, []);
  const script = join(systemctl.path.split(':')[0] ?? '', 'systemctl');
  writeFileSync(script, '#!/bin/sh\necho "$@"\nif [ "$1" = status ]; then echo "aim-check --token planted"; fi\n');
  process.env.PATH = systemctl.path;
  const parts = await systemParts(null, []);
  const text = parts.find(({ name }) => name === 'systemd.txt')?.text;
  t.match(text, /^show .*ActiveState,.*StatusText.* locksmith-agent$/m);
  t.notMatch(text, /planted|Environment|ExecStart\b|ControlGroup/);
});
