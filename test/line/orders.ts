import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { workDir } from '../fixtures/device.ts';
import { nowS, payloadOf, signedDocument } from '../fixtures/documents.ts';
import { type LineDevice, lineDevice, lineWorld } from '../fixtures/line.ts';
import { run } from '../fixtures/locksmith.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';
import { opensslKey, opensslSign } from '../fixtures/openssl.ts';
import { entry, trustDocument } from '../fixtures/trust.ts';
import { until } from '../fixtures/until.ts';

// Which keys count, and what has to wait: through the built program, a real broker, and signatures by openssl.

t.test('trust and halt documents', { timeout: 180_000 }, async (t) => {
  const world = await lineWorld(t);
  const dir = workDir(t);
  const root = opensslKey(dir, 'safe');
  const thief = opensslKey(dir, 'thief');
  const ring = [entry(root, 'root'), entry(world.key), entry(thief)];
  const without = [entry(root, 'root'), entry(world.key)];
  const device = (name: string, heartbeatS = 86_400) => {
    const made = lineDevice(t, world, { id: name, root: name, heartbeatS });
    writeFileSync(join(made.dir, 'keys.json'), JSON.stringify({ keys: ring }));
    return made;
  };
  const publish = (of: LineDevice, topic: string, text: string, retain = true) =>
    mosquittoPub(world.broker, `${of.root}/v1/${topic}`, text, { retain });
  const trust = (of: LineDevice, version: number, keys: readonly object[], signers = [root]) =>
    publish(of, 'all/trust', trustDocument({ v: 1, version, keys }, signers));
  const haltOf = (version: number, more: object = {}, key = world.key) =>
    opensslSign(
      key,
      { v: 1, id: `h-${version}`, aud: 'all', version, iat: nowS(), ...more },
      { typ: 'locksmith-halt+jwt' },
    );
  const file = (content: string) => ({ files: { 'aim.conf': content } });

  await t.test(
    'a revoked key: what it had applied is gone, what it sends is refused, also after a restart',
    async (t) => {
      const ours = device('revoke');
      const agent = await ours.start();
      const good = await ours.push({ version: 1, ...file('good\n') });
      await ours.evt({ update: good.id, event: 'applied' });
      const stolen = signedDocument(thief, { version: 50, ...file('stolen\n') });
      await ours.publish(stolen);
      await ours.evt({ update: stolen.id, event: 'applied' });
      await trust(ours, 1, without);
      t.match(await ours.evt({ event: 'trust' }), {
        ...{ version: 1, address: 'all', who: 'safe' },
        reason: 'trust document version 1: revoked thief; 1 documents dropped',
      });
      await until('the last good content is back', () => ours.contents()['aim.conf'] === 'good\n');
      await agent.stop('SIGKILL');
      await ours.start();
      const again = signedDocument(thief, { version: 51, ...file('stolen again\n') });
      await ours.publish(again);
      await ours.evt({ event: 'refused', code: 'unknown-key', config: 'aim' });
      const next = await ours.push({ version: 2, ...file('next\n') });
      t.match(await ours.evt({ update: next.id, event: 'applied' }), { version: 2 }, 'the mark that it raised is gone');
      t.equal(ours.evts({ event: 'trust' }).length, 1);
    },
  );

  await t.test('an older set of keys does not come back, and nobody but a root changes them', async (t) => {
    const ours = device('replay');
    await ours.start();
    await trust(ours, 2, without);
    await ours.evt({ event: 'trust', version: 2 });
    await trust(ours, 1, ring);
    t.match(await ours.evt({ event: 'refused', code: 'replayed' }), { version: 1, address: 'all' });
    await trust(ours, 3, ring, [world.key]);
    t.match(await ours.evt({ event: 'refused', code: 'key-not-allowed' }), { reason: /is a push key/ });
    await trust(ours, 3, [entry(world.key)]);
    await ours.evt({ event: 'refused', code: 'no-root' });
    const second = opensslKey(dir, 'second');
    await trust(ours, 4, [entry(second, 'root')]);
    await until('the new root is asked for', () =>
      ours
        .evts({ code: 'key-not-allowed' })
        .some(({ reason = '' }) => reason.includes('second is new and has not signed')),
    );
    await trust(ours, 5, [entry(second, 'root'), entry(world.key)], [root, second]);
    t.match(await ours.evt({ event: 'trust', version: 5 }), { reason: /new second \(root\); revoked safe \(root\)$/ });
    await trust(ours, 6, ring, [root]);
    t.match(await ours.evt({ event: 'refused', code: 'unknown-key' }), { reason: /its root keys are second/ });
    const pushed = await ours.push({ version: 1, ...file('still ours\n') });
    await ours.evt({ update: pushed.id, event: 'applied' });
  });

  await t.test('a halt holds what it names, lets the rest pass, and is lifted', async (t) => {
    const ours = device('halt');
    await ours.start();
    await publish(ours, 'all/halt', haltOf(1, { rollout: 'spring', note: 'gimbals turn' }));
    await ours.evt({ event: 'halted', version: 1, lift: false });
    const free = await ours.push({ version: 1, ...file('free\n') });
    await ours.evt({ update: free.id, event: 'applied' });
    const held = await ours.push({ version: 2, ...file('held\n'), payload: { rollout: 'spring' } });
    const said = { code: 'halted', reason: 'halt version 1 for all holds roll-out spring (gimbals turn)' };
    t.match(await ours.evt({ update: held.id, event: 'waiting' }), said);
    t.match(await ours.reported(({ pending }) => pending?.id === held.id), { pending: { waiting_for: ['halt'] } });
    const stick = join(ours.dir, 'stick.jws');
    writeFileSync(stick, held.jws);
    const apply = ['apply', stick, '--settings', ours.settings];
    t.match(await run(apply), { code: 3, stdout: /^waiting: halt version 1 .*\(halted\)\n$/ });
    t.same(ours.contents(), { 'aim.conf': 'free\n' });
    await publish(ours, 'all/halt', haltOf(2, { lift: true }));
    t.match(await ours.evt({ update: held.id, event: 'applied' }), { version: 2 });
    await publish(ours, 'all/halt', haltOf(3));
    const late = await ours.push({ version: 3, ...file('late\n') });
    await ours.evt({ update: late.id, event: 'waiting' });
    writeFileSync(stick, late.jws);
    t.match(await run([...apply, '--despite-halt', '--reason', 'I see it']), { code: 0, stdout: 'applied\n' });
    t.match(await ours.evt({ event: 'halted', update: late.id }), { reason: /^goes ahead: I see it; halt version 3/ });
    t.same(ours.contents(), { 'aim.conf': 'late\n' });
    await publish(ours, 'all/halt', haltOf(1));
    await ours.evt({ event: 'refused', code: 'replayed', version: 1 });
    await publish(ours, 'all/halt', haltOf(4, { lift: true }, opensslKey(dir, 'stranger')));
    t.match(await ours.evt({ event: 'refused', code: 'unknown-key', address: 'all' }), { reason: /^halt: / });
    const back = await ours.push({ version: 4, files: null });
    t.match(await ours.evt({ update: back.id, event: 'withdrawn' }), { final: true }, 'a halt stops no withdrawal');
    await until('as it was', () => ours.contents()['aim.conf'] === 'hold = 500\n');
  });

  await t.test('a document of one kind is none of another, on whatever topic', async (t) => {
    const ours = device('kinds', 1);
    await ours.start();
    const iat = nowS();
    const command = { v: 1, id: 'c-1', aud: `dev/${ours.id}`, cmd: 'refresh', iat, exp: iat + 60 };
    const payloads: Readonly<Record<string, object>> = {
      update: payloadOf({ version: 9, ...file('x\n'), aud: 'all' }),
      command,
      halt: { v: 1, id: 'h-9', aud: 'all', version: 9, iat },
      trust: { v: 1, version: 9, keys: without },
    };
    const topics: Readonly<Record<string, string>> = {
      update: 'all/desired/aim/base',
      command: `dev/${ours.id}/cmd/refresh`,
      halt: 'all/halt',
      trust: 'all/trust',
    };
    let sent = 0;
    for (const [kind, topic] of Object.entries(topics)) {
      for (const [payloadKind, payload] of Object.entries(payloads)) {
        for (const typ of Object.keys(topics)) {
          if (typ === kind) continue;
          const header = { typ: `locksmith-${typ}+jwt` };
          const signer = payloadKind === 'trust' ? root : world.key;
          const text =
            kind === 'trust' ? trustDocument(payload, [signer], header) : opensslSign(signer, payload, header);
          await publish(ours, topic, text, false);
          sent += 1;
        }
      }
    }
    t.equal(sent, 48);
    const beats = () => world.watcher.seen.filter(({ topic }) => topic === `kinds/v1/dev/${ours.id}/hb`);
    const refused = () => JSON.parse(beats().at(-1)?.payload.toString() ?? '{}').counters?.refused ?? {};
    await until(
      () => `each is refused, so far ${JSON.stringify(refused())}`,
      () => refused()['bad-type'] === sent,
    );
    t.same(refused(), { 'bad-type': sent });
    t.same(ours.contents(), { 'aim.conf': 'hold = 500\n' });
    t.same(
      ours.evts().filter(({ event }) => ['refreshed', 'halted', 'trust', 'applied'].includes(event)),
      [],
    );
  });
});
