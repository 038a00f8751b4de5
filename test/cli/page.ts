import { chmodSync, existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import { createLaneMemory, keptRecord } from '../../agent/link/lane-memory.ts';
import { createTrackMemory } from '../../agent/telemetry/track-memory.ts';
import { plainTrack, sampleAt, WAYS } from '../fixtures/flights.ts';
import { testJournal } from '../fixtures/journal.ts';
import { start } from '../fixtures/locksmith.ts';
import { type LoneDevice, loneDevice } from '../fixtures/lone-device.ts';

/** What an agent leaves that has flown. */
async function fly(device: LoneDevice) {
  const { journal } = testJournal(join(device.state, 'telemetry'));
  await journal.open([createLaneMemory('b'), createTrackMemory()]);
  const track = plainTrack();
  track.fly(true);
  for (const at of [1_000, 2_000]) {
    const sample = sampleAt(WAYS.hover(0), at);
    track.sample({ ...sample, latDeg: 47, lonDeg: 8 }, null);
  }
  const feature = track.fly(false)?.feature;
  await journal.append([keptRecord(1, 'track', 0, feature ?? {})]);
  await journal.close();
}

t.test('page, metrics, status and differences of a device whose daemon is dead', async (t) => {
  const device = loneDevice(t);
  const apply = (version: number, text: string) =>
    device.locksmith(['apply', '-'], device.sign({ version, files: { 'aim.conf': text } }).jws);
  await apply(1, 'one\n');
  await apply(2, 'two\n');
  const page = start(['page', '--listen', '127.0.0.1:0', '--settings', device.settings]);
  t.teardown(() => page.stop('SIGKILL'));
  const url = await page.line('http://');
  const get = async (path: string) => {
    const answer = await fetch(`${url}${path}`);
    return { status: answer.status, type: answer.headers.get('content-type'), text: await answer.text(), answer };
  };
  const whole = await get('');
  t.match(whole, { status: 200, type: 'text/html; charset=utf-8', text: /<h1>drone-7<\/h1>/ });
  const policy = whole.answer.headers.get('content-security-policy') ?? '';
  t.match(policy, /^default-src 'none'; style-src 'sha256-\S{44}'; script-src 'sha256-\S{44}'; connect-src 'self'/);
  t.notMatch(policy, /unsafe|\*|https?:/);
  t.match(await get('part'), { status: 200, text: /^<div class="sum">/ });
  t.match(JSON.parse((await get('status.json')).text), { device: 'drone-7', agent: { state: 'stopped' } });
  t.match(await get('metrics'), { type: /^application\/openmetrics-text; version=1\.0\.0/, text: /\n# EOF\n$/ });
  const hidden = await get('diff?config=aim&version=2');
  t.match(hidden, { status: 200, text: /not everybody may read/ }, 'the directory is for its owner alone');
  t.notMatch(hidden.text, '+two');
  for (const dir of [device.dir, device.etc]) chmodSync(dir, 0o755);
  t.match(await get('diff?config=aim&version=2'), { status: 200, text: /-one[\s\S]*\+two/ });
  t.match(await get('diff?config=nope&version=2'), { status: 200, text: /no config (&#39;)nope\1/ });
  t.match(await get('x'), { status: 404 });
  t.match(await get('flight.gpx'), { status: 404, text: 'no flight is known' });
  await fly(device);
  const gpx = await get('flight.gpx');
  t.match(gpx, { status: 200, type: 'application/gpx+xml', text: /<trkpt lat="47" lon="8">/ });
  t.equal(gpx.text, (await device.locksmith(['track', '--gpx'])).stdout, 'as the command has it');

  const rebound = await new Promise<number>((resolve) => {
    request(url, { headers: { host: 'evil.example' } }, (answer) => resolve(answer.statusCode ?? 0)).end();
  });
  t.equal(rebound, 421);
  t.equal((await fetch(url, { method: 'POST', body: 'x' })).status, 405);
  t.match(await page.stop(), { code: 0, signal: null });
});

t.test('on a socket, and nowhere else than on this machine', async (t) => {
  const device = loneDevice(t);
  const socket = join(device.run, 'page.sock');
  const page = start(['page', '--listen', `unix:${socket}`, '--settings', device.settings]);
  t.teardown(() => page.stop('SIGKILL'));
  await page.line(`unix:${socket}`);
  const get = (path: string) =>
    new Promise<{ readonly status: number | undefined; readonly text: string; readonly policy: unknown }>((resolve) => {
      // Who speaks over a socket may call the device what he likes.
      request({ socketPath: socket, path, headers: { host: 'x' } }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        const { statusCode: status, headers } = answer;
        answer.on('end', () => resolve({ status, text, policy: headers['content-security-policy'] }));
      }).end();
    });
  t.match(await get('/'), { status: 200, text: /<h1>drone-7<\/h1>/, policy: /^default-src 'none'/ });
  t.match(JSON.parse((await get('/status.json')).text), { device: 'drone-7' });
  t.match(await get('/x'), { status: 404 });
  await page.stop();
  t.notOk(existsSync(socket));
  for (const listen of ['0.0.0.0:80', '10.0.0.1:80', '127.0.0.1', '127.0.0.1:99999', 'x'])
    t.match(
      await device.locksmith(['page', '--listen', listen]),
      { code: 2, stderr: /only this machine may look/ },
      listen,
    );
});
