import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { makeDevice, workDir } from '../fixtures/device.ts';
import { signedDocument } from '../fixtures/documents.ts';
import { openFleetEar } from '../fixtures/fleet-ear.ts';
import { start } from '../fixtures/locksmith.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoPub } from '../fixtures/mosquitto-clients.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { type Call, readTrace } from '../fixtures/strace.ts';

// What the kernel was asked for, and in which order, by the built program: nothing is believed before it is on disk.

const CALLS = 'trace=openat,fsync,fdatasync,rename,renameat,renameat2,write,writev,pwrite64,sendto,sendmsg,close,dup';

const SETS = [
  { name: 'one file', before: { 'aim.conf': 'a\n' }, after: { 'aim.conf': 'b\n' } },
  {
    name: 'three files',
    before: { 'aim.conf': 'a\n', 'gimbal.conf': 'a\n', 'limits.conf': 'a\n' },
    after: { 'aim.conf': 'b\n', 'gimbal.conf': 'c\n', 'limits.conf': 'd\n' },
  },
] as const;

for (const { name, before, after } of SETS) {
  t.test(`${name}: durable in the right order, and acknowledged only then`, { timeout: 180_000 }, async (t) => {
    const dir = workDir(t);
    const broker = await startMosquitto(t);
    const ear = await openFleetEar(t, broker);
    const key = opensslKey(join(dir, 'key'));
    const device = makeDevice(join(dir, 'device'), { url: broker.url, keys: [key], configs: { aim: before } });
    const output = join(dir, 'strace');
    const agent = start(['run', '--settings', device.settings], {
      under: ['strace', '-f', '-y', '-xx', '-s', '96', '-e', CALLS, '-o', output],
    });
    t.teardown(() => agent.stop('SIGKILL'));
    await agent.line('connected and subscribed', 60_000);
    const document = signedDocument(key, { version: 1, files: after });
    await mosquittoPub(broker, `fleet/${document.topic}`, document.jws);
    await ear.hears('fleet', ({ body }) => body.event === 'applied' && body.update === document.id);
    await broker.logged(`Received PUBACK from ${device.id}`);
    // A signal to strace would let the agent live on alone.
    const { pid } = JSON.parse(readFileSync(join(device.run, 'status.json'), 'utf8'));
    process.kill(pid, 'SIGTERM');
    await agent.ended;
    t.same(device.contents(), after);

    const calls = readTrace(readFileSync(output, 'latin1'));
    const from = (call: Call | undefined) => (call === undefined ? -1 : calls.indexOf(call));
    const find = (what: string, after_: number, fits: (call: Call) => boolean): Call | undefined => {
      const found = calls.find((call, index) => index > after_ && fits(call));
      t.ok(found, what);
      return found;
    };

    const receipt = find(
      'the PUBACK leaves on the socket',
      -1,
      (call) =>
        /^(write|writev|sendto|sendmsg)$/.test(call.name) &&
        call.path.startsWith('socket:') &&
        call.strings.join('').startsWith('@\x02'),
    );
    const journal = join(device.state, 'journal');
    const held = (call: Call) =>
      call.name === 'write' && call.path === journal && call.strings.join('').includes('"t":"held"');
    const written = find('the document is written into the journal', -1, held);
    const kept = find('and synced', from(written), (call) => call.name === 'fdatasync' && call.path === journal);
    t.ok((kept?.ended ?? Infinity) < (receipt?.began ?? 0), 'the sync was over before the PUBACK left');

    const renames = Object.keys(after).map((file) => {
      const path = join(device.etc, file);
      const rename = find(
        `${file} is put in place by a rename`,
        -1,
        (call) => call.name.startsWith('rename') && call.strings.at(-1) === path,
      );
      const temp = basename(rename?.strings[0] ?? '');
      t.match(temp, new RegExp(`^\\.${file}\\.[a-z0-9]+\\.locksmith$`), 'from a temp file beside it');
      const synced = calls.findLast((call) => call.name === 'fsync' && basename(call.path) === temp);
      t.ok(synced !== undefined && synced.ended < (rename?.began ?? 0), 'which was synced before the rename');
      return rename;
    });
    const last = Math.max(...renames.map(from));
    const synced = calls.filter((call, index) => index > last && call.name === 'fsync' && call.path === device.etc);
    t.ok(synced.length > 0, 'the directory is synced after the last rename');
    const outcome = calls.findLast(
      (call) =>
        call.name === 'fdatasync' &&
        call.path === join(device.state, 'journal') &&
        call.began > (synced[0]?.ended ?? Infinity),
    );
    t.ok(outcome, 'then the outcome is journalled');
    if (Object.keys(after).length > 1) {
      const intent = calls.findLast(
        (call, index) =>
          call.name === 'fdatasync' &&
          call.path === join(device.state, 'journal') &&
          index < Math.min(...renames.map(from)),
      );
      t.ok(
        (intent?.ended ?? Infinity) < Math.min(...renames.map((call) => call?.began ?? 0)),
        'the intent is on disk before the first rename',
      );
      t.ok(
        (intent?.began ?? 0) >
          Math.max(
            ...calls
              .filter(({ name: call, path }) => call === 'fsync' && path.endsWith('.locksmith'))
              .map(({ ended }) => ended),
          ),
        'and after every temp file',
      );
    }
  });
}
