import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readStatus } from '../../agent/cli/status-read.ts';
import { readSettings } from '../../agent/settings.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { until } from '../fixtures/until.ts';

t.test('everything from the disk of a device that runs nothing', async (t) => {
  const device = loneDevice(t);
  await device.locksmith(['apply', '-'], device.sign({ version: 1, files: { 'aim.conf': 'one\n' } }).jws);
  const settings = readSettings(device.settings);
  const calm = await readStatus(settings);
  t.match(calm, { agent: { state: 'stopped', pid: null }, link: null, advice: {}, hidden: [] });
  t.match(calm, { configs: { aim: { running: { version: 1 } } }, locks: { aim: { state: 'COLD' } } });
  t.ok(calm.backlog.count > 0, 'reports wait for a broker');
  t.match(calm, { backlog: { telemetry: null }, machine: null, counters: null }, 'no heartbeat yet');
  t.ok(Date.parse(calm.clock.floor) <= Date.parse(calm.clock.now));

  const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  const hot = await readStatus(settings);
  t.match(hot, { locks: { aim: { state: 'HOT' } }, advice: { aim: { explanation: String, remedy: /Wait for it/ } } });
  t.match(hot.advice.aim?.remedy, String(holder.pid));
});

t.test('what the last heartbeat on disk knows, also of a daemon that is dead', async (t) => {
  const device = loneDevice(t, { heartbeatS: 0.2 });
  const agent = await device.daemon();
  const path = join(device.run, 'status.json');
  const beaten = () => existsSync(path) && JSON.parse(readFileSync(path, 'utf8')).heartbeat?.machine !== undefined;
  await until('a heartbeat with the machine', beaten);
  const settings = readSettings(device.settings);
  const running = await readStatus(settings);
  t.match(running.machine, { at: String, cores: Number, load_1m: Number, agent_rss_bytes: Number });
  t.same(running.counters?.dropped, { track: 0, position: 0, hb: 0 });
  t.same(Object.keys(running.counters?.outcomes ?? {}).sort(), [
    ...['applied', 'duplicates', 'expired', 'failed', 'rolled_back', 'superseded', 'withdrawn'],
  ]);
  t.match(running.backlog.telemetry, { count: Number, bytes: Number });

  await agent.stop('SIGKILL');
  const file = JSON.parse(readFileSync(path, 'utf8'));
  const [telemetry, dropped] = [
    { count: 37_012, bytes: 8_000_000 },
    { track: 512, position: 99_000, hb: 2400 },
  ];
  Object.assign(file.heartbeat.backlog, { telemetry });
  Object.assign(file.heartbeat.counters, { dropped });
  writeFileSync(path, JSON.stringify(file));
  const dead = await readStatus(settings);
  t.match(dead, { backlog: { telemetry }, counters: { dropped } }, 'it still waits, and is still gone');
  t.equal(dead.machine, null, 'how the machine was is no news');
});

t.test('files that somebody spoiled are no reason to say nothing', async (t) => {
  const device = loneDevice(t);
  for (const name of ['status.json', 'beat']) writeFileSync(join(device.run, name), '{');
  t.match(await readStatus(readSettings(device.settings)), {
    agent: { state: 'stopped', version: null, last_beat: null },
    configs: {},
  });
});
