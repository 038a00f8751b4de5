import { chmodSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { digestOfSet, nowS } from '../fixtures/documents.ts';
import { type LineDevice, lineDevice, lineWorld } from '../fixtures/line.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { until } from '../fixtures/until.ts';

const CONF = 'aim.conf';
const file = (content: string) => ({ files: { [CONF]: content } });
const shadow = (content: string, forS: number) => ({
  ...{ version: 1, layer: 'shadow' as const, ...file(content), payload: { until: nowS() + forS } },
});
const applied = async (device: LineDevice, update: string) => device.evt({ update, event: 'applied', final: true });

t.test('two layers, and what ends them', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);

  await t.test('a shadow over a base falls off to the base by itself', async (t) => {
    const device = lineDevice(t, world, { root: 'fall' });
    await device.start();
    const base = await device.push({ version: 1, aud: 'all', ...file('base\n') });
    await applied(device, base.id);
    const over = await device.push(shadow('shadow\n', 2));
    await applied(device, over.id);
    t.match(await device.reported(({ running }) => running.layer === 'shadow'), { pending: null });
    t.same(device.contents(), { [CONF]: 'shadow\n' });
    const fell = await device.evt({ update: over.id, event: 'expired' });
    t.notOk('final' in fell, 'its outcome was applied, long ago');
    const again = await device.evt({ update: base.id, event: 'applied', reason: 'nothing stands above it any more' });
    t.match(again, { changed: true });
    t.notOk('final' in again, 'so was that of the base');
    t.match(await device.reported(({ running, seq }) => running.layer === 'base' && seq > again.seq), {
      running: { version: 1, address: 'all' },
      last_attempt: { id: base.id, result: 'applied' },
    });
    t.same(device.contents(), { [CONF]: 'base\n' });
  });

  await t.test('without a base it falls off to what was there before, also while the agent is away', async (t) => {
    const device = lineDevice(t, world, { root: 'away' });
    const agent = await device.start();
    const over = await device.push(shadow('shadow\n', 2));
    await applied(device, over.id);
    await agent.stop('SIGKILL');
    const end = nowS() + 2;
    await until('its time is over', () => nowS() > end);
    await device.start();
    await device.evt({ update: over.id, event: 'expired' });
    await device.reported(({ running }) => running.version === 0 && running.since !== null);
    t.same(device.contents(), { [CONF]: 'hold = 500\n' });
    t.equal(device.evts({ update: over.id, final: true }).length, 1);
  });

  await t.test('a covered base outlives its exp and is applied when it is uncovered', async (t) => {
    const device = lineDevice(t, world, { root: 'covered' });
    await device.start();
    const over = await device.push(shadow('shadow\n', 600));
    await applied(device, over.id);
    // Far enough for a machine that has other things to do: it must arrive before.
    const end = nowS() + 3;
    const base = await device.push({ version: 1, aud: 'all', ...file('base\n'), payload: { exp: end } });
    const covered = await device.evt({ update: base.id, event: 'covered' });
    t.equal(covered.reason, 'shadow version 1 for grp/canary stands above it');
    await until('exp has passed', () => nowS() > end);
    const back = await device.push({ version: 2, layer: 'shadow', files: null });
    await device.evt({ update: back.id, event: 'withdrawn', final: true });
    t.match(await applied(device, base.id), { changed: true });
    t.same(device.contents(), { [CONF]: 'base\n' });
    t.same(device.evts({ update: base.id, event: 'expired' }), []);
  });

  await t.test('exp ends what waits, and what was applied before stays', async (t) => {
    const device = lineDevice(t, world, { root: 'expires' });
    await device.start();
    const one = await device.push({ version: 1, ...file('one\n') });
    await applied(device, one.id);
    const holder = await flockBy(t, `${device.run}/locks/aim/lock`);
    const two = await device.push({ version: 2, ...file('two\n'), payload: { exp: nowS() + 2 } });
    await device.evt({ update: two.id, event: 'refused', final: false });
    t.match(await device.evt({ update: two.id, event: 'expired' }), { code: 'expired', final: true });
    const after = await device.reported((r) => r.last_attempt?.result === 'expired');
    t.match(after, { running: { version: 1 }, last_attempt: { id: two.id, code: 'expired' }, pending: null });
    await holder.end();
    const late = await device.push({ version: 3, ...file('late\n'), payload: { exp: nowS() - 1 } });
    t.match(await device.evt({ update: late.id }), { event: 'refused', code: 'expired', final: true });
    const again = await device.push({ version: 3, ...file('three\n') });
    await applied(device, again.id);
    t.same(device.evts({ update: two.id, final: true }).length, 1);
    t.same(device.contents(), { [CONF]: 'three\n' });
  });

  await t.test('withdrawn layers uncover what is below them, one by one', async (t) => {
    const device = lineDevice(t, world, { root: 'peel' });
    await device.start();
    const base = await device.push({ version: 1, ...file('base\n') });
    await applied(device, base.id);
    const over = await device.push(shadow('shadow\n', 600));
    await applied(device, over.id);
    await device.push({ version: 2, layer: 'shadow', files: null });
    await device.evt({ update: base.id, event: 'applied', reason: 'nothing stands above it any more' });
    t.same(device.contents(), { [CONF]: 'base\n' });
    await device.push({ version: 2, files: null });
    await device.evt({ event: 'applied', version: 0 });
    t.same(device.contents(), { [CONF]: 'hold = 500\n' });
    const next = await device.push({ version: 3, ...file('next\n') });
    await applied(device, next.id);
    t.equal(device.evts({ update: base.id, final: true }).length, 1);
  });

  await t.test('a file that is to be absent is gone, and comes back for those who could read it before', async (t) => {
    const files = { 'aim.conf': 'hold = 500\n', 'extra.conf': 'secret\n' };
    const device = lineDevice(t, world, { root: 'gone', configs: { aim: files } });
    const extra = join(device.etc, 'extra.conf');
    chmodSync(extra, 0o600);
    await device.start();
    const base = await device.push({ version: 1, files: { 'aim.conf': 'base\n', 'extra.conf': null } });
    await applied(device, base.id);
    t.same(device.contents(), { 'aim.conf': 'base\n', 'extra.conf': null });
    t.match(await device.reported(({ running }) => running.version === 1), {
      running: { digest: digestOfSet({ 'aim.conf': 'base\n' }) },
    });
    const over = await device.push({ ...shadow('', 600), files: { 'aim.conf': 'base\n', 'extra.conf': 'open\n' } });
    await applied(device, over.id);
    t.equal(statSync(extra).mode & 0o777, 0o600, 'a file with a new content too is as closed as it was');
    await device.push({ version: 2, layer: 'shadow', files: null });
    await device.evt({ update: base.id, event: 'applied', reason: 'nothing stands above it any more' });
    t.same(device.contents(), { 'aim.conf': 'base\n', 'extra.conf': null });
    await device.push({ version: 2, files: null });
    await device.evt({ event: 'applied', version: 0 });
    t.same(device.contents(), files);
    t.equal(statSync(extra).mode & 0o777, 0o600);
  });

  await t.test('a refused document leaves the last applied one of its place in force', async (t) => {
    const device = lineDevice(t, world, { root: 'stays' });
    const agent = await device.start();
    const one = await device.push({ version: 1, ...file('one\n') });
    await applied(device, one.id);
    const two = await device.push({ version: 2, ...file('two\n'), payload: { expect: { token: 99 } } });
    await device.evt({ update: two.id, event: 'refused', final: true });
    await agent.stop();
    await device.start();
    const over = await device.push(shadow('shadow\n', 600));
    await applied(device, over.id);
    await device.push({ version: 2, layer: 'shadow', files: null });
    await device.evt({ update: one.id, event: 'applied', reason: 'nothing stands above it any more' });
    t.same(device.contents(), { [CONF]: 'one\n' });
    t.equal(device.evts({ update: two.id }).length, 1);
  });

  await t.test('a covered one waits through a restart', async (t) => {
    const device = lineDevice(t, world, { root: 'restart' });
    const agent = await device.start();
    const over = await device.push(shadow('shadow\n', 600));
    await applied(device, over.id);
    const base = await device.push({ version: 1, ...file('base\n') });
    await device.evt({ update: base.id, event: 'covered' });
    await agent.stop('SIGKILL');
    await device.start();
    await device.push({ version: 2, layer: 'shadow', files: null });
    await applied(device, base.id);
    t.equal(device.evts({ update: base.id, event: 'covered' }).length, 1, 'said once');
  });
});
