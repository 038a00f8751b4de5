import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';

const ROOT = join(import.meta.dirname, '..', '..');
const work = mkdtempSync(join(tmpdir(), 'locksmith-package-'));
t.teardown(() => rmSync(work, { recursive: true, force: true }));

const { NODE_OPTIONS: _, ...env } = process.env;

/** Builds a package into a folder of its own; the path of the package. */
function build(name: string, ...argv: readonly string[]): string {
  const script = [join(ROOT, 'scripts/build-deb.mjs'), ...argv, '--out', join(work, name)];
  const said = execFileSync(process.execPath, script, { env, stdio: ['ignore', 'pipe', 'pipe'] }).toString();
  return said.trim().split('\n').at(-1) ?? '';
}

function digest(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** A tool's output, whatever its exit code, and that code. */
function tool(command: string, ...argv: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(command, argv, { env, encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

/** Settings that make `locksmith check --unit` write every line it knows. */
const EVERYTHING = `device: { id: drone-7 }
broker: { urls: ["mqtt://127.0.0.1:1883"] }
trust: { keys: /run/user/0/keys.json }
vehicle: { mavlink: { serial: /dev/ttyAMA0, system: 1 } }
configs:
  aim:
    files: [{ path: "/etc/with space/aim.conf" }, { path: /tmp/aim/two.conf }]
    writers: [aim.service]
    reload: { unit: radio.service }
`;

const deb = build('first', 'amd64');
const tree = join(work, 'tree');
execFileSync('dpkg-deb', ['-x', deb, tree]);

t.test('the same sources give the same bytes', async (t) => {
  t.equal(digest(build('second', 'amd64')), digest(deb));
});

t.test('lintian finds no error', async (t) => {
  const { code, out } = tool('lintian', '--fail-on=error', '--allow-root', deb);
  t.equal(code, 0, out);
});

t.test('it has what an image needs, and machine code of one architecture alone', async (t) => {
  const files = readdirSync(tree, { recursive: true, encoding: 'utf8' });
  for (const path of [
    ...['usr/bin/locksmith', 'usr/lib/locksmith-agent/locksmith.js', 'etc/locksmith/agent.yaml.example'],
    ...['usr/lib/systemd/system/locksmith-agent.service', 'usr/lib/systemd/system/locksmith-agent.path'],
    ...['usr/lib/sysusers.d/locksmith-agent.conf', 'usr/lib/tmpfiles.d/locksmith-agent.conf'],
    ...['usr/share/man/man1/locksmith.1.gz', 'usr/share/bash-completion/completions/locksmith'],
    ...['usr/share/doc/locksmith-agent/settings.md', 'usr/share/locksmith-agent/without-capabilities.conf'],
  ])
    t.ok(files.includes(path), path);
  t.strictSame(
    files.filter((path) => path.endsWith('.node')).map((path) => path.split('/').at(-2)),
    ['linux_x64'],
  );
  t.equal(tool('dpkg-deb', '-f', deb, 'Depends').out.trim().split(',')[0], 'nodejs (>= 20)');
  t.equal(tool('dpkg-deb', '-I', deb, 'conffiles').out, '/etc/locksmith/agent.yaml.example\n');
});

t.test('the others are built too, each with its own machine code', async (t) => {
  for (const [arch, folder] of [
    ['arm64', 'linux_arm64'],
    ['armhf', 'linux_armhf'],
  ] as const) {
    const other = build(arch, arch);
    t.match(other, new RegExp(`locksmith-agent_[0-9.]+_${arch}\\.deb$`));
    const natives = tool('dpkg-deb', '-c', other).out.match(/\S+\.node$/gm) ?? [];
    t.equal(natives.length, 1);
    t.match(natives[0], new RegExp(`/${folder}/koffi\\.node$`));
    t.equal(tool('dpkg-deb', '-f', other, 'Architecture').out.trim(), arch);
  }
});

t.test('an architecture it does not know is refused', async (t) => {
  const { code, err } = tool(process.execPath, join(ROOT, 'scripts/build-deb.mjs'), 'mips');
  t.equal(code, 2);
  t.match(err, /^build-deb: 'mips' is not an architecture it knows\nTry: /);
});

t.test('what is inside runs, and the man page and the completion know every command', async (t) => {
  const lib = join(tree, 'usr/lib/locksmith-agent');
  const locksmith = (...argv: readonly string[]) => tool(process.execPath, join(lib, 'locksmith.js'), ...argv);
  t.match(locksmith('--version').out, /^locksmith \d/);
  const names = [...locksmith('--help').out.matchAll(/^ {2}(\S+) {2,}\S/gm)].map(([, name = '']) => name);
  t.ok(names.length > 10);
  writeFileSync(join(work, 'agent.yaml'), 'configs: 1\n');
  // Takes locks, and so the machine code.
  t.match(locksmith('locks', '--settings', join(work, 'agent.yaml')), { code: 2, err: /agent\.yaml:1:/ });
  const page = tool('man', '-l', join(tree, 'usr/share/man/man1/locksmith.1.gz'));
  for (const name of names) t.match(page.out, new RegExp(`^ +${name}\\b`, 'm'), `man page: ${name}`);
  t.equal(page.err, '', 'man has no complaint');
  const complete = (...words: readonly string[]) =>
    tool(
      ...(['bash', '-c'] as const),
      `. ${join(tree, 'usr/share/bash-completion/completions/locksmith')}
      COMP_WORDS=(locksmith ${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length}; _locksmith; echo "\${COMPREPLY[@]}"`,
    ).out.trim();
  t.equal(complete('stat'), 'status');
  t.match(complete('hold', '--re'), '--reason');
});

t.test('units: systemd has no complaint, and their exposure is as promised', async (t) => {
  const units = join(work, 'units');
  cpSync(join(tree, 'usr/lib/systemd/system'), units, { recursive: true });
  // What the units start need not be on this machine.
  mkdirSync(join(work, 'bin'));
  symlinkSync('/bin/true', join(work, 'bin/locksmith'));
  for (const name of readdirSync(units)) {
    const text = readFileSync(join(units, name), 'utf8');
    writeFileSync(
      join(units, name),
      text
        .replaceAll(/\/usr\/(bin\/locksmith|lib\/locksmith-agent\/node)/g, join(work, 'bin/locksmith'))
        .replace(/^Documentation=.*$/m, ''),
    );
  }
  const paths = readdirSync(units).map((name) => join(units, name));
  const verified = tool('systemd-analyze', 'verify', ...paths);
  t.strictSame([verified.code, verified.err], [0, ''], 'it answers 0 also for keys that it does not know');
  const exposure = (unit: string, ...argv: readonly string[]) => {
    const service = join(units, unit);
    const { code, out } = tool('systemd-analyze', 'security', '--offline=true', '--no-pager', ...argv, service);
    return { code, exposure: Number(/exposure level for \S+: ([0-9.]+)/.exec(out)?.[1]) };
  };
  const whole = exposure('locksmith-agent.service', '--threshold=20');
  t.equal(whole.code, 0);
  t.ok(whole.exposure <= 2, `${whole.exposure}`);
  for (const unit of ['locksmith-recover.service', 'locksmith-page.service'])
    t.equal(exposure(unit, '--threshold=20').code, 0, unit);

  // Each drop-in that comes with it, and what `check --unit` writes; the figures stand in docs/operations.md.
  const shared = join(tree, 'usr/share/locksmith-agent');
  const dropIns = readdirSync(shared).filter((name) => name.endsWith('.conf'));
  t.strictSame(dropIns.sort(), ['end-holder.conf', 'without-capabilities.conf']);
  const settings = join(work, 'agent.yaml');
  writeFileSync(settings, EVERYTHING);
  const program = join(tree, 'usr/lib/locksmith-agent/locksmith.js');
  const fitted = tool(process.execPath, program, 'check', '--unit', '--root', work, '--settings', settings);
  t.equal(fitted.code, 0, fitted.err);
  const AGENT = 'locksmith-agent.service';
  const RECOVER = 'locksmith-recover.service';
  const written = (unit: string) => join(work, `etc/systemd/system/${unit}.d/50-settings.conf`);
  for (const [unit, dropIn, most] of [
    [AGENT, join(shared, 'without-capabilities.conf'), 1.2],
    [RECOVER, join(shared, 'without-capabilities.conf'), 1.2],
    [AGENT, join(shared, 'end-holder.conf'), 2.1],
    [AGENT, written(AGENT), 2.6],
    [RECOVER, written(RECOVER), 2],
  ] as const) {
    const dir = join(units, `${unit}.d`);
    mkdirSync(dir);
    cpSync(dropIn, join(dir, 'a.conf'));
    const said = tool('systemd-analyze', 'verify', join(units, unit));
    t.strictSame([said.code, said.err], [0, ''], `${unit} with ${dropIn}`);
    const level = exposure(unit, `--threshold=${most * 10}`);
    t.equal(level.code, 0, `${unit} with ${dropIn}: ${level.exposure}`);
    rmSync(dir, { recursive: true });
  }
});

t.test('recovery lives in the very sandbox of the agent', async (t) => {
  const lines = (unit: string) => {
    const text = readFileSync(join(ROOT, 'systemd', unit), 'utf8');
    return text.slice(text.indexOf('[Service]'), text.indexOf('[Install]')).split('\n');
  };
  // How it is started, watched, ended and limited differs: the rest is what it may see and touch.
  const OWN = /^(#|$|\[|Type|ExecSt|Timeout|Watchdog|Restart|Kill|OOM|Memory|Tasks)/;
  const sandbox = lines('locksmith-agent.service').filter((line) => !OWN.test(line));
  t.ok(sandbox.length > 30);
  t.strictSame(
    sandbox.filter((line) => !lines('locksmith-recover.service').includes(line)),
    [],
  );
});
