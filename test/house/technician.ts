import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { flockBy } from '../fixtures/lock-holders.ts';
import { type Options, type Ran, start } from '../fixtures/locksmith.ts';
import { type LoneDevice, loneDevice } from '../fixtures/lone-device.ts';
import type { Owner } from '../fixtures/mosquitto.ts';

// Every command in every situation a technician meets at 03:12. None has a broker. What each must end with stands in the tables.

/** Longest time one may take: a technician would think that it hangs. */
const PATIENCE_MS = 45_000;
const WIDTH = 80;
/** Where the text behind a label begins, or that of the next lines. */
const LABEL = 10;
const SITUATIONS = ['running', 'dead', 'frozen', 'hot', 'clock', 'nobody', 'nobody-dead', 'damaged'] as const;
type Situation = (typeof SITUATIONS)[number];

/** Exit codes by command: in most situations, and where another one is right. */
interface Row {
  readonly argv: readonly string[];
  readonly exit: number;
  readonly but?: Readonly<Partial<Record<Situation, number>>>;
  /** False: it has no `--json`, or prints none where it is refused. */
  readonly json?: false;
  /** True: what it says depends on no situation; looked at once. */
  readonly once?: true;
}
const TABLE: readonly Row[] = [
  { argv: ['status'], exit: 0 },
  { argv: ['locks'], exit: 0 },
  { argv: ['locks', 'aim'], exit: 0 },
  { argv: ['log'], exit: 0, but: { nobody: 1, 'nobody-dead': 1 } },
  { argv: ['log', 'aim', '--since', '1d'], exit: 0, once: true },
  { argv: ['explain', 'lock-mismatch'], exit: 0, once: true },
  { argv: ['doctor'], exit: 0, but: { dead: 1, frozen: 1, hot: 1, clock: 1, 'nobody-dead': 1, damaged: 1 } },
  // Of those, the one that is wrong because of the clock.
  { argv: ['doctor', 'clock'], exit: 0, but: { clock: 1 } },
  { argv: ['history'], exit: 0, but: { nobody: 1, 'nobody-dead': 1 } },
  { argv: ['history', 'aim'], exit: 0, once: true },
  { argv: ['diff', 'aim', '2'], exit: 0, but: { nobody: 1, 'nobody-dead': 1 } },
  { argv: ['check'], exit: 0 },
  { argv: ['release', 'aim'], exit: 4, but: { hot: 0 }, json: false },
  { argv: ['locks', 'nope'], exit: 4, json: false, once: true },
  { argv: ['explain', 'nope'], exit: 4, json: false, once: true },
];

/** What changes something, in this order: after all that only reads. */
const CHANGES: readonly Row[] = [
  { argv: ['release', 'aim', '--yes', '--reason', 'left over'], exit: 4, but: { hot: 3 } },
  { argv: ['apply', 'STICK'], exit: 0, but: { hot: 3, frozen: 1, nobody: 1, 'nobody-dead': 1 } },
  {
    argv: ['rollback', 'aim', '--yes', '--reason', 'aims too low'],
    exit: 0,
    but: { hot: 3, frozen: 1, nobody: 1, 'nobody-dead': 1 },
  },
];

/** What `status` must say there. */
const SAYS: Readonly<Record<Situation, RegExp>> = {
  running: /^agent {4}running .*\nlink {5}nobody listens at that host and port/ms,
  dead: /^agent {4}not running; last beat \d\d:\d\d:\d\d, \d+ (m?s|min) ago\n {2}try {4}locksmith log[^\n]*\n(outbox[^\n]*\n)?config/m,
  frozen:
    /^agent {4}frozen since 03:12:04, 31 min ago: pid \d+ is there and does not\s+move\n {2}try {4}systemctl restart locksmith-agent\n(outbox[^\n]*\n)?config/m,
  hot: /^ {2}lock {3}aim\.conf HOT \(held by pid \d+ flock[\s\S]*\n {2}try {4}Wait for it/m,
  clock: /^clock {4}WRONG: it is earlier than \d{4}-/m,
  nobody: /^agent {4}running [\s\S]*^link [\s\S]*^not seen without root: /m,
  'nobody-dead': /^agent {4}not running; last beat \d\d:((?!^link)[\s\S])*^not seen without root: /m,
  damaged: /^agent {4}not running/m,
};

const faketime = spawnSync('faketime', ['-f', '-9y', 'printenv', 'LD_PRELOAD'], { encoding: 'utf8' });

async function ended(argv: readonly string[], device: LoneDevice, options: Options): Promise<Ran> {
  const needsSettings = argv[0] !== 'explain';
  const program = start([...argv, ...(needsSettings ? ['--settings', device.settings] : [])], options);
  const timer = setTimeout(() => program.child.kill('SIGKILL'), PATIENCE_MS);
  const { code, signal } = await program.ended;
  clearTimeout(timer);
  return { code, signal, stdout: program.stdout(), stderr: program.stderr() };
}

/** A device on which two versions were applied and one was refused, in that situation; and how a command is run there. */
async function device(owner: Owner, situation: Situation): Promise<{ at: LoneDevice; options: Options }> {
  const at = loneDevice(owner);
  for (const [version, text] of [
    [1, 'hold = 450\n'],
    [2, 'hold = 350\n'],
  ] as const)
    await at.locksmith(['apply', '-'], at.sign({ version, files: { 'aim.conf': text } }).jws);
  await at.locksmith(['apply', '-'], at.sign({ version: 3, files: { 'other.conf': 'x' } }).jws);
  const env = { COLUMNS: String(WIDTH) };
  if (!['hot', 'clock', 'damaged'].includes(situation)) {
    const agent = await at.daemon();
    if (situation.endsWith('dead')) await agent.stop('SIGKILL');
    if (situation === 'frozen') {
      agent.child.kill('SIGSTOP');
      owner.teardown(() => agent.child.kill('SIGCONT'));
      // So that nobody has to wait for it: its last beat was half an hour ago, at 03:12:04.
      const path = join(at.run, 'beat');
      const beat = JSON.parse(readFileSync(path, 'utf8'));
      const old = { ...beat, at: '2026-01-01T03:12:04.500Z', boot_ms: beat.boot_ms - 31 * 60_000 };
      writeFileSync(path, JSON.stringify(old));
    }
  }
  if (situation === 'hot') await flockBy(owner, join(at.run, 'locks', 'aim', 'lock'));
  if (situation === 'damaged') writeFileSync(join(at.run, 'status.json'), '{');
  if (situation === 'clock')
    return { at, options: { env: { ...env, LD_PRELOAD: faketime.stdout.trim(), FAKETIME: '-9y' } } };
  if (!situation.startsWith('nobody')) return { at, options: { env } };
  for (const dir of [at.dir, at.etc, at.run]) chmodSync(dir, 0o755);
  for (const path of [at.settings, join(at.dir, 'keys.json')]) chmodSync(path, 0o644);
  chmodSync(at.state, 0o750);
  return { at, options: { env, under: ['setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups'] } };
}

/**
 * A line may only be wider than the terminal if it has no place to be broken: one word behind its label. Errors are a line each, whatever
 * they name.
 */
function tooWide(text: string): readonly string[] {
  const lines = text.split('\n').filter((line) => !/^(locksmith: |Try: )/.test(line));
  return lines.filter((line) => line.length > WIDTH && line.slice(LABEL).trim().includes(' '));
}

/** What holds for everything that is said to a person. */
function look(t: Test, words: string, ran: Ran): void {
  const story = `${words}: ${JSON.stringify(ran)}`;
  t.notMatch(ran.stdout + ran.stderr, /a bug of ours|undefined|\[object|NaN/, story);
  // The lines of a diff are those of the files.
  for (const said of words.startsWith('diff') ? [ran.stderr] : [ran.stdout, ran.stderr])
    t.same(tooWide(said), [], `${words} is readable at ${WIDTH} columns`);
  if (ran.stderr.startsWith('locksmith: ')) t.match(ran.stderr, /^locksmith: [^\n]+\nTry: [^\n]+\n$/, story);
}

for (const situation of SITUATIONS) {
  t.test(situation, { skip: situation.startsWith('nobody') && process.getuid?.() !== 0 && 'needs root' }, async (t) => {
    const { at, options } = await device(t, situation);
    for (const { argv, exit, but = {}, json, once } of TABLE) {
      if (once === true && situation !== 'dead') continue;
      const words = argv.join(' ');
      const [ran, machine] = await Promise.all([
        ended(argv, at, options),
        json === false ? null : ended([...argv, '--json'], at, options),
      ]);
      if (words === 'status') t.match(ran.stdout, SAYS[situation], 'it says what is so');
      const story = `${words}: ${JSON.stringify(ran)}`;
      t.equal(ran.code, but[situation] ?? exit, story);
      look(t, words, ran);
      if (machine === null) continue;
      t.equal(machine.code, ran.code, `${words} --json ends as ${words}: ${JSON.stringify(machine)}`);
      if (machine.stdout === '') continue;
      // The log is a line of JSON for each entry; everything else is one value.
      const values = machine.stdout
        .trimEnd()
        .split('\n')
        .map((line): unknown => JSON.parse(line));
      if (argv[0] !== 'log') t.equal(values.length, 1, `${words} --json is one value`);
    }
    const out = mkdtempSync(join(tmpdir(), 'locksmith-technician-'));
    t.teardown(() => rmSync(out, { recursive: true, force: true }));
    chmodSync(out, 0o777);
    const bundle = await ended(['diag', join(out, 'a.tar.gz')], at, options);
    t.equal(bundle.code, 0, `diag: ${bundle.stderr}`);
    const status = ['-xOzf', join(out, 'a.tar.gz'), '--wildcards', '*/status.txt'];
    t.match(execFileSync('tar', status, { encoding: 'utf8' }), SAYS[situation], 'what is so is in the bundle');

    const stick = join(out, 'stick.jws');
    writeFileSync(stick, at.sign({ version: 4, files: { 'aim.conf': 'hold = 300\n' } }).jws);
    for (const row of CHANGES) {
      const ran = await ended(
        row.argv.map((word) => (word === 'STICK' ? stick : word)),
        at,
        options,
      );
      look(t, row.argv.join(' '), ran);
      t.equal(ran.code, row.but?.[situation] ?? row.exit, JSON.stringify(ran));
    }
  });
}
