// Runs one part of the tests, lets its output through, and writes down how many passed, failed and were skipped.
//   node scripts/tally.mjs FILE NAME -- CMD…       a part that speaks TAP
//   node scripts/tally.mjs FILE NAME --plain -- CMD…   a part that only has an exit code: one test
//   node scripts/tally.mjs FILE --sum              what failed, then the last line: `N passed, N failed, N skipped`; exit 1 if any failed
// A test file that failed runs once more, alone; the sum names every file that needed it (docs/decisions/0019).
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** A part that hangs is ended and counts as failed. Seconds; a long proof sets its own. */
const LIMIT_S = Number(process.env.TALLY_LIMIT_S ?? 900);

/** Lines of a failed point that the sum repeats: what a log cut off at its head would lose. */
const FAILURE_LINES = 25;
/** More files than this are no accident of the moment: they do not get a second run. A proof never does. */
const AGAIN_MAX = process.env.TALLY_AGAIN === 'never' ? 0 : 3;

const [file, name, ...rest] = process.argv.slice(2);

function sum() {
  const parts = existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line))
    : [];
  const total = { pass: 0, fail: 0, skip: 0 };
  for (const part of parts) for (const key of Object.keys(total)) total[key] += part[key];
  if (parts.length === 0) total.fail = 1;
  for (const { part, failures } of parts) for (const failure of failures) console.log(`${part}: ${failure}\n`);
  for (const { part, again } of parts) {
    for (const path of again)
      console.log(`AGAIN  ${part}: ${path} failed at first, and passed in a second run on its own`);
  }
  for (const { part, pass, fail, skip, seconds } of parts) {
    console.log(
      `${fail === 0 ? 'ok    ' : 'FAILED'} ${part}: ${pass} passed, ${fail} failed, ${skip} skipped (${seconds} s)`,
    );
  }
  console.log(`${total.pass} passed, ${total.fail} failed, ${total.skip} skipped`);
  process.exitCode = total.fail === 0 ? 0 : 1;
}

/**
 * Counts the assertions of a TAP stream; null if there are none. tap's own last line does not count a file that ends badly
 * before its first assertion, so the points are counted here: a point with points below it stands for those, unless it
 * failed although none of them did.
 */
function countsOf(output) {
  const counts = { pass: 0, fail: 0, skip: 0 };
  /** By depth: how many points, and failed ones, since the last point one level up. */
  const below = [];
  let inDiagnostics = false;
  for (const line of output.split('\n')) {
    if (/^\s*(---|\.\.\.)$/.test(line)) inDiagnostics = line.endsWith('---');
    const point = inDiagnostics ? null : /^( *)(not )?ok \d+\b(.*)$/.exec(line);
    if (point === null) continue;
    const depth = Math.floor(point[1].length / 4);
    const children = below[depth + 1] ?? { points: 0, failed: 0 };
    const skipped = /# (skip|todo)/i.test(point[3]);
    const failed = point[2] !== undefined && !skipped;
    if (children.points === 0) counts[skipped ? 'skip' : failed ? 'fail' : 'pass'] += 1;
    else if (failed && children.failed === 0) counts.fail += 1;
    below.length = depth + 1;
    const level = below[depth] ?? { points: 0, failed: 0 };
    below[depth] = level;
    level.points += 1;
    if (failed) level.failed += 1;
  }
  return counts.pass + counts.fail + counts.skip === 0 ? null : counts;
}

/** The failed points of a TAP stream that stand for no others, each with the head of its diagnostics. */
function failuresOf(output) {
  const lines = output.split('\n');
  const failures = [];
  let inDiagnostics = false;
  for (const [at, line] of lines.entries()) {
    if (/^\s*(---|\.\.\.)$/.test(line)) inDiagnostics = line.endsWith('---');
    if (inDiagnostics || !/^ *not ok \d+\b/.test(line) || /# (skip|todo)/i.test(line)) continue;
    failures.push(lines.slice(at, at + FAILURE_LINES).join('\n'));
  }
  return failures;
}

/** The test files that failed as a whole. */
function filesOf(output) {
  return [...output.matchAll(/^not ok \d+ - (test\/\S+\.ts)/gm)].map(([, path]) => path);
}

const EMPTY = { pass: 0, fail: 0, skip: 0 };

/** Runs a command, lets its output through; resolves to `{code, output, why}`. One that takes longer than the limit is ended. */
function runOnce(command, args) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const said = [];
    const end = (code, why) => {
      clearTimeout(timer);
      resolve({ code, output: Buffer.concat(said).toString('utf8'), why });
    };
    const timer = setTimeout(() => {
      process.kill(-child.pid, 'SIGKILL');
      end(null, `did not end in ${LIMIT_S} s`);
    }, LIMIT_S * 1000);
    process.on('SIGINT', () => process.kill(-child.pid, 'SIGTERM'));
    process.on('SIGTERM', () => process.kill(-child.pid, 'SIGTERM'));
    child.stdout.on('data', (chunk) => {
      said.push(chunk);
      process.stdout.write(chunk);
    });
    child.on('error', (error) => end(null, `could not be started: ${error.message}`));
    child.on('close', (code, signal) => end(code, signal === null ? '' : `ended by ${signal}`));
  });
}

/** Whatever did not end well, or said nothing of what it ran, is at least one failure. */
function judge({ code, output }, plain) {
  const counts = plain ? { ...EMPTY, pass: code === 0 ? 1 : 0 } : (countsOf(output) ?? { ...EMPTY });
  if (counts.fail === 0 && (code !== 0 || counts.pass === 0)) counts.fail = 1;
  return counts;
}

async function runPart() {
  const plain = rest[0] === '--plain';
  const [command, ...args] = rest.slice(rest.indexOf('--') + 1);
  console.log(`\n== ${name}`);
  const startedMs = Date.now();
  const first = await runOnce(command, args);
  const counts = judge(first, plain);
  const paths = plain || first.why !== '' ? [] : filesOf(first.output);
  const again = [];
  if (counts.fail > 0 && paths.length > 0 && paths.length <= AGAIN_MAX) {
    console.log(`\n== ${name}, once more on its own: ${paths.join(' ')}`);
    const others = args.filter((arg) => !/^test\/\S+\.ts$/.test(arg));
    const second = await runOnce(command, [...others, '--jobs=1', ...paths]);
    if (judge(second, plain).fail === 0) {
      again.push(...paths);
      // The points that failed at first have passed now; the others were counted already.
      counts.pass += counts.fail;
      counts.fail = 0;
    }
  }
  if (first.why !== '') console.log(`${name}: ${first.why}`);
  const seconds = Math.round((Date.now() - startedMs) / 1000);
  const failures = counts.fail === 0 && again.length === 0 ? [] : failuresOf(first.output);
  appendFileSync(file, `${JSON.stringify({ part: name, ...counts, seconds, failures, again })}\n`);
  process.exitCode = counts.fail === 0 ? 0 : 1;
  // A process that would not be ended with its group must not keep this one.
  process.exit();
}

if (name === '--sum') sum();
else await runPart();
