// Runs the long proofs in full and writes their figures into docs/proof.md. Started by scripts/proof.
// A proof is a file of test/crash/ (its name is the proof's), one of test/image/ (`image-` and its name), `model`, `soak`, or one of bench/
// (`bench-` and its name); it says figures as `# FIGURE name value unit`. `bench` and `image` stand for all of theirs.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandOf, rowOf } from './proof-row.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PAGE = join(ROOT, 'docs/proof.md');
/** Longest time for one proof, in seconds. */
const LIMIT_S = 4 * 60 * 60;

/** Files of test/image/ of which a test run does a sample. */
const IMAGE_PROOFS = ['boot', 'power-cut'];
/** What `npm run bench` runs. */
const BENCHES = ['line', 'locks', 'vehicle', 'telemetry', 'wear'];

const seed = process.env.SEED ?? String(Math.floor(Math.random() * 2 ** 31));
const cpu = cpus()[0]?.model.trim() ?? 'unknown processor';
const machine = `${cpus().length} × ${cpu}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;

function proofs() {
  const crash = existsSync(join(ROOT, 'test/crash')) ? readdirSync(join(ROOT, 'test/crash')).sort() : [];
  return {
    ...Object.fromEntries(
      crash
        .filter((file) => file.endsWith('.ts'))
        .map((file) => [
          file.replace(/\.ts$/, ''),
          {
            plain: false,
            command: ['npx', 'tap', '--reporter=tap', '--jobs=1', `--timeout=${LIMIT_S}`, `test/crash/${file}`],
          },
        ]),
    ),
    ...Object.fromEntries(
      IMAGE_PROOFS.map((name) => [
        `image-${name}`,
        {
          plain: false,
          command: ['npx', 'tap', '--reporter=tap', '--jobs=1', `--timeout=${LIMIT_S}`, `test/image/${name}.ts`],
        },
      ]),
    ),
    model: { plain: true, command: [join(ROOT, 'scripts/model')] },
    soak: { plain: true, command: ['node', 'bench/soak.mjs'] },
    ...Object.fromEntries(
      BENCHES.map((name) => [`bench-${name}`, { plain: true, command: ['node', `bench/${name}.mjs`] }]),
    ),
  };
}

/** Runs a proof through the tally; resolves to the figures it said. */
function run(tally, name, { plain, command }) {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      ['scripts/tally.mjs', tally, name, ...(plain ? ['--plain'] : []), '--', ...command],
      {
        cwd: ROOT,
        env: { ...process.env, PROOF: 'full', SEED: seed, TALLY_LIMIT_S: String(LIMIT_S), TALLY_AGAIN: 'never' },
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const said = [];
    child.stdout.on('data', (chunk) => {
      said.push(chunk);
      process.stdout.write(chunk);
    });
    child.on('close', (code) => {
      const figures = [
        ...Buffer.concat(said)
          .toString('utf8')
          .matchAll(/^\s*# FIGURE (\S+) (\S+) (\S+)$/gm),
      ];
      resolve({ ok: code === 0, figures: figures.map(([, figure, value, unit]) => ({ figure, value, unit })) });
    });
  });
}

/** The rows that are in the page, by figure; what this run does not measure stays as it was. */
function oldRows() {
  const rows = new Map();
  const text = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : '';
  for (const row of text.split('\n')) {
    const match = /^\| `([^`]+)` \|/.exec(row);
    if (match !== null) rows.set(match[1], row);
  }
  return rows;
}

function page(rows) {
  return `<!-- Written by scripts/proof. Do not edit. -->
# Proofs

What the long proofs found, each in full. \`./scripts/proof\` runs them all, \`./scripts/proof NAME\` one, \`SEED=N\` repeats a run. Every test run
does a sample of each.

| figure | value | date | machine | command |
|---|---|---|---|---|
${[...rows]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([, row]) => row)
  .join('\n')}
`;
}

const all = proofs();
const [wanted] = process.argv.slice(2);
const isOne = wanted !== undefined && Object.hasOwn(all, wanted);
const isWanted = (name) => wanted === undefined || name === wanted || (!isOne && name.startsWith(`${wanted}-`));
if (!Object.keys(all).some(isWanted)) {
  console.error(`proof: there is no proof '${wanted}'\nTry: one of ${Object.keys(all).join(', ')}`);
  process.exit(2);
}
console.log(
  `seed ${seed} (SEED=${seed} ./scripts/proof${wanted === undefined ? '' : ` ${wanted}`} repeats it)\nmachine: ${machine}`,
);
const dir = mkdtempSync(join(tmpdir(), 'locksmith-proof-'));
const tally = join(dir, 'tally');
const date = new Date().toISOString().slice(0, 10);
const rows = oldRows();
for (const [name, proof] of Object.entries(all)) {
  if (!isWanted(name)) continue;
  const { ok, figures } = await run(tally, name, proof);
  // A proof that failed proves nothing: its old figures stay until it holds again.
  if (!ok) continue;
  for (const { figure: said, value, unit } of figures) {
    const figure = said.startsWith(`${name}-`) ? said : `${name}-${said}`;
    const amount = unit === '1' ? value : `${value} ${unit}`;
    rows.set(figure, rowOf({ figure, amount, date, machine, command: commandOf(name, process.env, seed) }));
  }
}
writeFileSync(PAGE, page(rows));
const sum = spawn(process.execPath, ['scripts/tally.mjs', tally, '--sum'], { cwd: ROOT, stdio: 'inherit' });
sum.on('close', (code) => {
  rmSync(dir, { recursive: true, force: true });
  process.exitCode = code ?? 1;
});
