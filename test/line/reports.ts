import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256Hex } from '../fixtures/device.ts';
import { nowS, signedDocument } from '../fixtures/documents.ts';
import { changeSettings, lineDevice, lineWorld } from '../fixtures/line.ts';
import { mosquittoPub, mosquittoSub, type Seen } from '../fixtures/mosquitto-clients.ts';
import { opensslKey, opensslKeys } from '../fixtures/openssl.ts';
import { until } from '../fixtures/until.ts';

const CONF = 'aim.conf';
const digestOf = (content: string) => `sha256:${sha256Hex(content)}`;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const UUID = /^[0-9a-f-]{36}$/;

t.test('an update through the built program and a real broker', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);

  await t.test('an agent that is killed is offline for whoever looks later too: the will is retained', async (t) => {
    const device = lineDevice(t, world, { root: 'killed' });
    const topics = ['killed/v1/dev/+/status'];
    const there = await mosquittoSub(t, world.broker, topics);
    const agent = await device.start();
    await there.next(({ payload }) => payload.includes('"online"'));
    await agent.stop('SIGKILL');
    await there.next(({ payload }) => payload.includes('"offline"'));
    const late = await mosquittoSub(t, world.broker, topics);
    const { payload, retain } = await late.next(() => true);
    t.ok(retain);
    t.match(JSON.parse(payload.toString()), { state: 'offline', boot: UUID, at: ISO, reason: String });
    await Promise.all([there.stop(), late.stop()]);
  });

  await t.test('applied: file, event and report as documented, numbered without a gap', async (t) => {
    const device = lineDevice(t, world, { root: 'plain' });
    const agent = await device.start();
    const before = await device.reported(() => true);
    t.strictSame(
      { ...before, seq: 0, boot: '', at: '' },
      {
        ...{ seq: 0, boot: '', at: '', clock: 'ok' },
        running: { version: 0, layer: null, address: null, digest: digestOf('hold = 500\n'), since: null },
        ...{ last_attempt: null, pending: null, drift: null, pinned: null, confirmed_by: null },
      },
    );
    t.match(before, { boot: UUID, at: ISO });

    const { id } = await device.push({ version: 7, files: { [CONF]: 'hold = 800\n' } });
    const evt = await device.evt({ update: id });
    const { seq, boot, at, ...said } = evt;
    t.match({ boot, at }, { boot: UUID, at: ISO });
    const place = { version: 7, layer: 'base', address: 'grp/canary', digest: digestOf('hold = 800\n') };
    t.strictSame(said, {
      ...{ clock: 'ok', event: 'applied', config: 'aim', update: id },
      ...{ ...place, changed: true, final: true },
    });
    const after = await device.reported(({ running }) => running.version === 7);
    t.strictSame(
      { ...after, seq: 0, boot: '', at: '' },
      {
        ...{ seq: 0, boot: '', at: '', clock: 'ok' },
        running: { ...place, since: after.running.since },
        last_attempt: { id, ...place, result: 'applied', code: null, reason: null, at: after.running.since },
        ...{ pending: null, drift: null, pinned: null, confirmed_by: 'none' },
      },
    );
    t.equal(after.seq, seq + 1);
    t.same(device.contents(), { [CONF]: 'hold = 800\n' });

    const lock = await device.lock(({ token }) => token > 0);
    t.match(lock, { state: 'COLD', verdict: null, holder: null, refusals: 0, file: CONF });
    t.equal((await agent.stop()).code, 0);
    await device.evt({ event: 'stopped', reason: 'SIGTERM' });
    const numbers = device.numbers();
    t.strictSame(
      numbers,
      [...numbers.keys()].map((n) => n + 1),
      'from 1, each once, none left out',
    );
  });

  await t.test('a set of several files is one update: digest, removal of the last one, and schema', async (t) => {
    const dir = t.testdir({});
    const schema = (name: string) => join(dir, name);
    const device = lineDevice(t, world, {
      root: 'several',
      configs: { aim: { 'a.json': '{}', 'b.yaml': 'x: 1\n', 'c.toml': 'x = 1\n', 'd.ini': null } },
      formats: {
        'a.json': { format: 'json', schema: schema('schema.json') },
        'b.yaml': { format: 'yaml', schema: schema('schema.json') },
        'c.toml': { format: 'toml', schema: schema('schema.json') },
        'd.ini': { format: 'ini', schema: schema('sections.json') },
      },
    });
    const whole = { type: 'object', properties: { x: { type: 'integer', maximum: 9 } }, additionalProperties: false };
    writeFileSync(schema('schema.json'), JSON.stringify(whole));
    writeFileSync(schema('sections.json'), JSON.stringify({ type: 'object', additionalProperties: whole }));
    await device.start();
    const files = { 'a.json': '{"x":2}', 'b.yaml': 'x: 2\n', 'c.toml': 'x = 2\n', 'd.ini': '[gimbal]\nx = 2\n' };
    const { id } = await device.push({ version: 1, files });
    const printed = Object.entries(files).map(([name, content]) => `${sha256Hex(content)}  ${name}\n`);
    t.match(await device.evt({ update: id }), { event: 'applied', digest: digestOf(printed.join('')) });
    t.same(device.contents(), files);

    const bad: Readonly<Record<string, readonly [Readonly<Record<string, string>>, string]>> = {
      json: [{ 'a.json': '{"x":10}' }, 'a.json: /x must be <= 9'],
      yaml: [{ 'b.yaml': 'x: [\n' }, 'b.yaml: cannot be read as yaml'],
      toml: [{ 'c.toml': 'y = 1\n' }, "c.toml: / must NOT have additional properties ('y')"],
      ini: [{ 'd.ini': '[gimbal]\nx = fast\n' }, 'd.ini: /gimbal/x must be integer'],
    };
    for (const [index, [format, [change, reason]]] of Object.entries(bad).entries()) {
      const wrong = await device.push({ version: 2 + index, files: { ...files, ...change } });
      const refused = await device.evt({ update: wrong.id });
      t.match(refused, { event: 'refused', code: 'schema', final: true }, format);
      t.ok(refused.reason?.startsWith(reason), `${format}: ${refused.reason}`);
      const { running, last_attempt, pending } = await device.reported((r) => r.last_attempt?.id === wrong.id);
      t.match(
        { running, last_attempt, pending },
        { running: { version: 1 }, last_attempt: { result: 'refused' }, pending: null },
      );
      t.same(device.contents(), files, 'nothing on disk has changed');
    }
    const back = await device.push({ version: 9, files: null });
    await device.evt({ event: 'withdrawn', update: back.id, final: true });
    await device.reported(({ running, seq }) => running.version === 0 && seq > 3);
    t.same(device.contents(), { 'a.json': '{}', 'b.yaml': 'x: 1\n', 'c.toml': 'x = 1\n', 'd.ini': null }, 'as it was');
  });

  await t.test('no file before the first update: made, and removed again by the withdrawal', async (t) => {
    const device = lineDevice(t, world, { root: 'absent', configs: { aim: { [CONF]: null } } });
    await device.start();
    await device.push({ version: 1, files: { [CONF]: 'new\n' } });
    await device.reported(({ running }) => running.version === 1);
    t.same(device.contents(), { [CONF]: 'new\n' });
    t.equal(statSync(join(device.etc, CONF)).mode & 0o777, 0o644);
    await device.push({ version: 2, files: null });
    await until('the file goes', () => device.contents()[CONF] === null);
    await device.evt({ event: 'applied', version: 0, reason: 'as it was before Locksmith' });
  });

  await t.test('equal bytes are promoted without a touch', async (t) => {
    const device = lineDevice(t, world, { root: 'promote' });
    await device.start();
    const files = { [CONF]: 'hold = 900\n' };
    const shadow = await device.push({ version: 1, layer: 'shadow', files, payload: { until: nowS() + 3600 } });
    await device.evt({ update: shadow.id, event: 'applied', changed: true });
    const { ino, mtimeNs } = statSync(join(device.etc, CONF), { bigint: true });
    const base = await device.push({ version: 1, aud: 'all', files });
    await device.evt({ update: base.id, event: 'covered' });
    const gone = await device.push({ version: 2, layer: 'shadow', files: null });
    await device.evt({ update: gone.id, event: 'withdrawn', final: true });
    const applied = await device.evt({ update: base.id, event: 'applied' });
    t.match(applied, { changed: false, final: true, digest: digestOf(files[CONF]) });
    const now = statSync(join(device.etc, CONF), { bigint: true });
    t.same([now.ino, now.mtimeNs], [ino, mtimeNs], 'neither inode nor time of change');
    t.match(await device.reported(({ running }) => running.address === 'all'), {
      running: { layer: 'base', version: 1 },
    });
  });

  await t.test('an empty message means nothing; the same bytes again are only counted', async (t) => {
    const device = lineDevice(t, world, { root: 'again' });
    const agent = await device.start();
    const document = await device.push({ version: 1, files: { [CONF]: 'hold = 800\n' } });
    await device.evt({ update: document.id, event: 'applied' });
    await mosquittoPub(world.broker, `again/${document.topic}`, '', { retain: true });
    await device.publish(document);
    await device.publish(document);
    await agent.stop();
    const second = await device.start();
    await world.broker.kill9();
    await world.broker.start();
    await second.line(': connected');
    await world.watcher.granted(2);
    const last = await device.push({ version: 2, files: { [CONF]: 'hold = 801\n' } });
    await device.evt({ update: last.id, event: 'applied' });
    t.equal(device.evts({ update: document.id }).length, 1, 'one answer in all');
    t.same(device.contents(), { [CONF]: 'hold = 801\n' });
  });

  await t.test('renewal, replay, and a version used twice', async (t) => {
    const device = lineDevice(t, world, { root: 'versions' });
    await device.start();
    const files = { [CONF]: 'hold = 800\n' };
    const first = await device.push({ version: 5, files, payload: { exp: nowS() + 600 } });
    await device.evt({ update: first.id, event: 'applied' });
    const again = await device.push({ version: 5, files, payload: { exp: nowS() + 900 } });
    t.match(await device.evt({ update: again.id }), { event: 'duplicate', reason: `renews ${first.id}` });
    const other = await device.push({ version: 5, files: { [CONF]: 'hold = 1\n' } });
    t.match(await device.evt({ update: other.id, event: 'refused' }), { code: 'version-reused', final: true });
    t.match(await device.evt({ update: other.id, event: 'alarm' }), { code: 'version-reused' });
    const old = await device.push({ version: 4, files: { [CONF]: 'hold = 2\n' } });
    t.match(await device.evt({ update: old.id }), { event: 'refused', code: 'replayed', final: true });
    t.same(device.contents(), files);
  });

  await t.test('a key that was added later: what it had signed is taken after a restart', async (t) => {
    const device = lineDevice(t, world, { root: 'keys' });
    const agent = await device.start();
    const stranger = opensslKey(t.testdir({}), 'stranger');
    const theirs = signedDocument(stranger, { version: 1, files: { [CONF]: 'hold = 4\n' } });
    await device.publish(theirs);
    const refused = await device.evt({ event: 'refused' });
    t.match(refused, { code: 'unknown-key', config: 'aim', layer: 'base', address: 'grp/canary', final: true });
    t.notOk('update' in refused, 'what nobody we trust has signed is not believed, not even its name');
    await agent.stop();
    writeFileSync(join(device.dir, 'keys.json'), opensslKeys(world.key, stranger));
    await device.start();
    await device.evt({ event: 'applied', update: theirs.id });
    t.same(device.contents(), { [CONF]: 'hold = 4\n' });
  });

  await t.test('what a server of a cluster has lost of what it was to keep, it gets again', async (t) => {
    const device = lineDevice(t, world, {
      root: 'cluster',
      settings: (text) =>
        Object.assign(text.broker, { urls: [world.broker.url, world.broker.url], backoff: { stable_s: 0.2 } }),
    });
    await device.start();
    const before = await device.reported(() => true);
    const topic = 'cluster/v1/dev/drone-7/reported/aim';
    await mosquittoPub(world.broker, topic, '', { retain: true });
    const { length } = world.watcher.seen;
    const isAgain = ({ topic: where, payload }: Seen) => where === topic && payload.length > 0;
    await until('it to be said again', () => world.watcher.seen.slice(length).some(isAgain));
    const late = await mosquittoSub(t, world.broker, [topic]);
    const again = await late.next(({ retain }) => retain);
    await late.stop();
    t.strictSame(JSON.parse(again.payload.toString()), before, 'the same, with its old number');
  });

  await t.test('the most specific address wins, and groups in the order of the settings', async (t) => {
    const device = lineDevice(t, world, { root: 'addresses', groups: ['ring-1', 'ring-2'] });
    await device.start();
    const steps = ['all', 'grp/ring-2', 'grp/ring-1', 'dev/drone-7'];
    for (const [index, aud] of steps.entries()) {
      const { id } = await device.push({ version: 1, aud, files: { [CONF]: `${aud}\n` } });
      await device.evt({ update: id, event: 'applied' });
      if (index === 0) continue;
      const below = await device.push({ version: 2, aud: steps[index - 1] ?? '', files: { [CONF]: 'below\n' } });
      t.match(await device.evt({ update: below.id }), { event: 'covered' });
      t.same(device.contents(), { [CONF]: `${aud}\n` });
    }
    const other = await device.push({ version: 1, aud: 'grp/ring-3', files: { [CONF]: 'not ours\n' } });
    changeSettings(device, (settings) => {
      settings.device.groups = ['ring-2'];
    });
    const gone = await device.push({ version: 2, aud: 'dev/drone-7', files: null });
    await device.evt({ update: gone.id, event: 'withdrawn' });
    await device.reported(({ running }) => running.address === 'grp/ring-1' && running.version === 2);
    t.same(device.evts({ update: other.id }), [], 'a group that is not ours is none of our business');
  });
});
