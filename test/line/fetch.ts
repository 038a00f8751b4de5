import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeAuthority } from '../fixtures/certs.ts';
import { type LineWorld, lineDevice, lineWorld, type SettingsText } from '../fixtures/line.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { startWeb } from '../fixtures/web-server.ts';

const MAP = Buffer.alloc(
  8 * 1024 * 1024,
  Uint8Array.from({ length: 65_521 }, (_, index) => index),
);
const FILES = { 'aim.conf': 'hold = 500\n', 'map.bin': 'old map\n' };
const authority = makeAuthority();
const certificate = authority.issue({ commonName: 'files', names: 'DNS:localhost' });

/** An update of both files, the second to be fetched. */
function both(version: number, origin: string, content: Uint8Array = MAP) {
  const hex = (bytes: string | Uint8Array) => `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  const aim = `hold = ${version}\n`;
  const files = [
    { name: 'aim.conf', digest: hex(aim), encoding: 'utf8', content: aim },
    { name: 'map.bin', digest: hex(content), url: `${origin}/map.bin`, size: content.length },
  ];
  return { version, files: {}, payload: { files } };
}

async function ready(t: Test, world: LineWorld, root: string) {
  const web = await startWeb(t, certificate);
  web.files.set('/map.bin', MAP);
  const trusting = ({ trust }: SettingsText) => {
    trust.https_ca = authority.ca;
  };
  const device = lineDevice(t, world, { root, configs: { aim: FILES }, settings: trusting });
  return { web, device, map: () => readFileSync(join(device.etc, 'map.bin')) };
}

t.test('a file by address', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);

  await t.test(
    '8 MiB come in over TLS while the server breaks off, the agent is killed, and the server is away',
    async (t) => {
      const { web, device, map } = await ready(t, world, 'eight');
      const port = Number(new URL(web.origin).port);
      web.answer = (_, response) => {
        const head = { 'content-length': MAP.length };
        response.writeHead(200, head).write(MAP.subarray(0, 3_000_000), () => response.destroy());
        return true;
      };
      const agent = await device.start();
      const { id } = await device.push(both(1, web.origin));
      t.match(await device.evt({ update: id, event: 'waiting' }), { reason: /^map\.bin is being fetched from https:/ });
      const broken = await device.evt({ update: id, code: 'download-failed' });
      t.match(broken, { event: 'waiting', reason: /broken off|broke the connection off|aborted/ });
      t.match(await device.reported(({ pending }) => pending !== null), { pending: { waiting_for: ['download'] } });
      t.same(device.contents(), FILES);
      await agent.stop('SIGKILL');
      await web.close();
      await device.start();
      t.match(await device.evt({ update: id, code: 'download-failed', event: 'waiting' }), {});
      const back = await startWeb(t, certificate, port);
      back.files.set('/map.bin', MAP);
      t.match(await device.evt({ update: id, event: 'applied' }), { changed: true, final: true });
      t.ok(map().equals(MAP));
      t.match(back.asked, [/^\/map\.bin bytes=\d{5,7}-$/]);
    },
  );

  await t.test('the lock is not taken before all is here, and a HOT one is waited for as well', async (t) => {
    const { web, device, map } = await ready(t, world, 'hot');
    web.files.delete('/map.bin');
    await device.start();
    const holder = await flockBy(t, `${device.run}/locks/aim/lock`);
    const { id } = await device.push(both(1, web.origin));
    await device.evt({ update: id, code: 'download-failed' });
    t.match(await device.reported(({ pending }) => pending?.waiting_for.length === 2), {
      pending: { waiting_for: ['download', 'lock'] },
    });
    web.files.set('/map.bin', MAP);
    await holder.end();
    await device.evt({ update: id, event: 'applied' });
    t.ok(map().equals(MAP));
  });

  await t.test('what was fetched stays for as long as it may be needed: uncovered, it needs no server', async (t) => {
    const { web, device, map } = await ready(t, world, 'under');
    await device.start();
    const base = await device.push(both(1, web.origin));
    await device.evt({ update: base.id, event: 'applied' });
    await web.close();
    const until = Math.floor(Date.now() / 1000) + 600;
    const over = await device.push({ version: 1, layer: 'shadow', files: FILES, payload: { until } });
    await device.evt({ update: over.id, event: 'applied' });
    await device.push({ version: 2, layer: 'shadow', files: null });
    await device.evt({ update: base.id, event: 'applied', reason: 'nothing stands above it any more' });
    t.ok(map().equals(MAP));
  });

  await t.test('another content than was signed is never put in place', async (t) => {
    const { web, device } = await ready(t, world, 'liar');
    web.files.set('/map.bin', Buffer.from(MAP).fill(7, 100, 101));
    await device.start();
    const { id } = await device.push(both(1, web.origin));
    t.match(await device.evt({ update: id, code: 'download-failed' }), { reason: /not the sha256:.* that was signed/ });
    t.same(device.contents(), FILES);
    const two = await device.push({ version: 2, files: { ...FILES, 'aim.conf': 'hold = 2\n' } });
    await device.evt({ update: two.id, event: 'applied' });
    await device.evt({ update: id, event: 'superseded', final: true });
  });
});
