// Bundles the bench and runs it against dist/locksmith.js: `npm run bench`. Prints ratios within this one run; nothing is judged in a test.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, unitFlags } from './bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'locksmith-bench-build-'));
await bundle(['floor.ts', 'bare.ts', 'bare-client.ts', 'main.ts', 'memory.ts'], out);
const root = join(here, '..');
const locksmith = join(root, 'dist', 'locksmith.js');
const flight = join(root, 'node_modules', 'node-mavlink', 'examples', 'vtol.tlog');
const run = (name, ...args) =>
  spawnSync(process.execPath, [join(out, name), out, locksmith, ...args], { stdio: 'inherit' }).status ?? 1;
const failed = [run('main.mjs'), run('memory.mjs', flight, ...unitFlags())].some((status) => status !== 0);
rmSync(out, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
