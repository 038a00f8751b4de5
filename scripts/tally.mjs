// Runs one part of the tests, lets its output through, and writes down how many passed, failed and were skipped.
//   node scripts/tally.mjs FILE NAME -- CMD…       a part that speaks TAP
//   node scripts/tally.mjs FILE NAME --plain -- CMD…   a part that only has an exit code: one test
//   node scripts/tally.mjs FILE --sum              the last line: `N passed, N failed, N skipped`; exit 1 if any failed
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** A part that hangs is ended and counts as failed. Seconds; a long proof sets its own. */
const LIMIT_S = Number(process.env.TALLY_LIMIT_S ?? 900);

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

function runPart() {
  const plain = rest[0] === '--plain';
  const [command, ...args] = rest.slice(rest.indexOf('--') + 1);
  console.log(`\n== ${name}`);
  const startedMs = Date.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  const output = [];
  const state = { ended: false };
  const end = (code, why) => {
    if (state.ended) return;
    state.ended = true;
    clearTimeout(timer);
    const counts = (plain ? null : countsOf(Buffer.concat(output).toString('utf8'))) ?? { pass: 0, fail: 0, skip: 0 };
    if (plain && code === 0) counts.pass = 1;
    // Whatever did not end well, or said nothing of what it ran, is at least one failure.
    if (counts.fail === 0 && (code !== 0 || counts.pass === 0)) counts.fail = 1;
    if (why !== '') console.log(`${name}: ${why}`);
    appendFileSync(
      file,
      `${JSON.stringify({ part: name, ...counts, seconds: Math.round((Date.now() - startedMs) / 1000) })}\n`,
    );
    process.exitCode = counts.fail === 0 ? 0 : 1;
  };
  const timer = setTimeout(() => {
    process.kill(-child.pid, 'SIGKILL');
    end(null, `did not end in ${LIMIT_S} s`);
    process.exit();
  }, LIMIT_S * 1000);
  process.on('SIGINT', () => process.kill(-child.pid, 'SIGTERM'));
  process.on('SIGTERM', () => process.kill(-child.pid, 'SIGTERM'));
  child.stdout.on('data', (chunk) => {
    output.push(chunk);
    process.stdout.write(chunk);
  });
  child.on('error', (error) => end(null, `could not be started: ${error.message}`));
  child.on('close', (code, signal) => end(code, signal === null ? '' : `ended by ${signal}`));
}

if (name === '--sum') sum();
else runPart();
