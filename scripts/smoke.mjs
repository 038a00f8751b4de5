// Does what a stranger does first: starts `scripts/start`, waits for `ready`, runs the commands it prints, presses Ctrl-C. Speaks TAP.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const PATIENCE_MS = 90_000;

const result = { points: 0, failed: 0 };
function point(ok, what, more = '') {
  result.points += 1;
  if (!ok) result.failed += 1;
  console.log(`${ok ? 'ok' : 'not ok'} ${result.points} - ${what}`);
  if (!ok && more !== '') console.log(more.replace(/^/gm, '# '));
}

async function until(condition) {
  const endMs = Date.now() + PATIENCE_MS;
  while (!condition() && Date.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 100));
  return condition();
}

/** Whether any process of the group is left; a signal of 0 only asks. */
function groupLives(pid) {
  try {
    process.kill(-pid, 0);
    return true;
  } catch {
    return false;
  }
}

console.log('TAP version 13');
const child = spawn(join(ROOT, 'scripts/start'), { cwd: '/', detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
const said = { text: '', ended: null };
for (const stream of [child.stdout, child.stderr]) {
  stream.on('data', (chunk) => {
    said.text += chunk;
  });
}
child.on('close', (code, signal) => {
  said.ended = code ?? signal;
});

await until(() => /\bready\b/.test(said.text) || said.ended !== null);
point(/\bready\b/.test(said.text), 'start says that it is ready', said.text);
await until(() => /Ctrl-C/.test(said.text) || said.ended !== null);

const commands = said.text.split('\n').filter((line) => /^\/\S+\/locksmith /.test(line));
point(commands.length === 3, 'start prints three commands to try', said.text);
for (const command of commands) {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', command], { encoding: 'utf8', timeout: PATIENCE_MS });
  point(
    status === 0,
    `this works as printed: ${command.replace(/\S+\/locksmith\b/, 'locksmith').slice(0, 60)}`,
    `${stdout}${stderr}`,
  );
}
const dir = commands[0]?.split('/locksmith ')[0] ?? '';
point(dir !== '' && existsSync(dir), 'everything lies in one directory');

process.kill(-child.pid, 'SIGINT');
point(await until(() => said.ended !== null), 'Ctrl-C ends it', said.text);
point(await until(() => !groupLives(child.pid)), 'no process is left');
point(dir !== '' && !existsSync(dir), 'no file is left', dir);
if (groupLives(child.pid)) process.kill(-child.pid, 'SIGKILL');
console.log(`1..${result.points}`);
process.exitCode = result.failed === 0 ? 0 : 1;
