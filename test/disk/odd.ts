import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { leftBehind } from '../fixtures/device.ts';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { until } from '../fixtures/until.ts';

const FILES = { 'aim.conf': 'old aim\n', 'map.bin': 'old map\n' };
const NOBODY = 65_534;
const root = process.geteuid?.() === 0;

/** Files of any bytes, as a payload carries them. */
function filesOf(contents: Readonly<Record<string, Uint8Array>>) {
  const files = Object.entries(contents).map(([name, bytes]) => ({
    ...{ name, encoding: 'base64', content: Buffer.from(bytes).toString('base64') },
    digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`,
  }));
  return { files: {}, payload: { files } };
}

t.test('contents of every kind arrive byte by byte', { timeout: 120_000 }, async (t) => {
  const world = await lineWorld(t);
  const device = lineDevice(t, world, { root: 'kinds', configs: { aim: FILES } });
  await device.start();
  const noise = Buffer.alloc(
    66_000,
    Uint8Array.from({ length: 251 }, (_, index) => 255 - index),
  );
  const kinds: Readonly<Record<string, Uint8Array>> = {
    'all bytes there are': Uint8Array.from({ length: 256 }, (_, index) => index),
    nothing: new Uint8Array(),
    'line ends of two worlds': Buffer.from('a\r\nb\nc\r'),
    'not UTF-8': Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28]),
    'as much as a message carries': noise,
  };
  let version = 0;
  for (const [kind, bytes] of Object.entries(kinds)) {
    version += 1;
    const { id } = await device.push({ version, ...filesOf({ 'aim.conf': Buffer.from(kind), 'map.bin': bytes }) });
    t.match(await device.evt({ update: id, event: 'applied' }), { final: true }, kind);
    t.ok(readFileSync(join(device.etc, 'map.bin')).equals(bytes), kind);
  }
  const { id } = await device.push({ version: 99, files: { 'aim.conf': 'x'.repeat(97_000), 'map.bin': '' } });
  await device.evt({ update: id, event: 'applied' });
  t.equal(device.contents()['aim.conf']?.length, 97_000, 'of text more fits');
});

t.test('files that cannot be replaced: the whole set stays as it is', { timeout: 120_000 }, async (t) => {
  if (!root) return t.comment('not root: nothing can be mounted, and nobody else be');
  const world = await lineWorld(t);
  const wanted = { 'aim.conf': 'new aim\n', 'map.bin': 'new map\n' };

  await t.test('an immutable one, until it is no more', async (t) => {
    const device = lineDevice(t, world, { root: 'immutable', configs: { aim: FILES } });
    const map = join(device.etc, 'map.bin');
    execFileSync('chattr', ['+i', map]);
    t.teardown(() => execFileSync('chattr', ['-i', map]));
    await device.start();
    const { id } = await device.push({ version: 1, files: wanted });
    const waits = await device.evt({ update: id, event: 'waiting' });
    t.match(waits, { code: 'no-permission', reason: /map\.bin: is immutable or append-only/ });
    t.same(device.contents(), FILES, 'the first file too');
    await until('nothing left behind', () => leftBehind(device).length === 0);
    execFileSync('chattr', ['-i', map]);
    await device.evt({ update: id, event: 'applied' });
    t.same(device.contents(), wanted);
    execFileSync('chattr', ['+i', map]);
    const gone = await device.push({ version: 2, files: { 'aim.conf': 'newer\n', 'map.bin': null } });
    await device.evt({ update: gone.id, code: 'no-permission' });
    t.same(device.contents(), wanted, 'nor is it removed');
  });

  await t.test('one that something is mounted on', async (t) => {
    const device = lineDevice(t, world, { root: 'bound', configs: { aim: FILES } });
    const map = join(device.etc, 'map.bin');
    const other = join(device.dir, 'other');
    writeFileSync(other, FILES['map.bin']);
    execFileSync('mount', ['--bind', other, map]);
    t.teardown(() => execFileSync('umount', ['-l', map]));
    await device.start();
    const { id } = await device.push({ version: 1, files: wanted });
    const refused = await device.evt({ update: id, event: 'refused' });
    t.match(refused, { code: 'unsafe-path', reason: /map\.bin: is a mount point/, final: true });
    t.same(device.contents(), FILES);
    await until('nothing left behind', () => leftBehind(device).length === 0);
  });
});

t.test('owner, access list and attributes stay; a link of root is followed and stays a link', async (t) => {
  if (!root) return t.comment('not root: nothing can be mounted, and nobody else be');
  const world = await lineWorld(t);
  const settings = (text: { configs: Record<string, { files: { path: string; follow?: boolean }[] }> }) => {
    for (const { files } of Object.values(text.configs)) for (const file of files) file.follow = true;
  };
  const device = lineDevice(t, world, { root: 'kept', settings });
  const link = join(device.etc, 'aim.conf');
  const real = join(device.dir, 'real', 'aim.conf');
  mkdirSync(join(device.dir, 'real'));
  renameSync(link, real);
  symlinkSync(real, link);
  chownSync(real, NOBODY, NOBODY);
  const attribute = 'import os,sys; os.setxattr(sys.argv[1], "user.note", b"keep me")';
  execFileSync('python3', ['-c', attribute, real]);
  await device.start();
  const { id } = await device.push({ version: 1, files: { 'aim.conf': 'new\n' } });
  await device.evt({ update: id, event: 'applied' });
  t.ok(lstatSync(link).isSymbolicLink());
  t.equal(readFileSync(real, 'utf8'), 'new\n');
  t.match(statSync(real), { uid: NOBODY, gid: NOBODY });
  const read = 'import os,sys; print(os.getxattr(sys.argv[1], "user.note").decode(), end="")';
  t.equal(execFileSync('python3', ['-c', read, real], { encoding: 'utf8' }), 'keep me');
});

t.test('a hostile local user gets nothing replaced that is not his, whatever he does', async (t) => {
  if (!root) return t.comment('not root: nothing can be mounted, and nobody else be');
  const world = await lineWorld(t);
  const device = lineDevice(t, world, { root: 'hostile' });
  // The config is his: he may write it, and do what he likes in its directory.
  for (const path of [device.etc, join(device.etc, 'aim.conf')]) chownSync(path, NOBODY, NOBODY);
  await device.start();
  const secret = join(device.dir, 'shadow');
  writeFileSync(secret, 'root only\n', { mode: 0o600 });
  const as = (command: string) =>
    execFileSync('setpriv', ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups', 'sh', '-c', command], {
      cwd: device.etc,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  const tricks: readonly (readonly [string, string, RegExp])[] = [
    ['a link to what is not his', `ln -sf ${secret} aim.conf`, /is a symlink/],
    ['a FIFO that nobody writes to', 'rm -f aim.conf; mkfifo aim.conf', /not a regular file/],
    ['a second name for the file', 'rm -f aim.conf; echo x >aim.conf; ln aim.conf second', /more than one hard link/],
    ['a directory', 'rm -f aim.conf second; mkdir aim.conf', /not a regular file/],
  ];
  let version = 0;
  for (const [trick, command, why] of tricks) {
    version += 1;
    as(command);
    const { id } = await device.push({ version, files: { 'aim.conf': `new ${version}\n` } });
    t.match(
      await device.evt({ update: id, event: 'refused' }),
      { code: 'unsafe-path', reason: why, final: true },
      trick,
    );
  }
  as('rmdir aim.conf; echo his >aim.conf');
  // He swaps file and link as fast as he can, while ten updates come in.
  const race = `for i in $(seq 3000); do ln -sf ${secret} aim.conf; rm -f aim.conf; echo his >aim.conf; done`;
  const racer = spawn('setpriv', ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups', 'sh', '-c', race], {
    ...{ cwd: device.etc, stdio: 'ignore' },
  });
  const racing = once(racer, 'close');
  for (let round = 0; round < 10; round += 1) {
    version += 1;
    const { id } = await device.push({ version, files: { 'aim.conf': `new ${version}\n` } });
    await device.evt({ update: id, final: true });
  }
  await racing;
  t.equal(readFileSync(secret, 'utf8'), 'root only\n');
  t.match({ mode: statSync(secret).mode & 0o777, uid: statSync(secret).uid }, { mode: 0o600, uid: 0 });
});
