// Bundles what telemetry costs, on the wire and in processor time, and runs it: part of `npm run bench`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, unitFlags } from './bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const out = mkdtempSync(join(tmpdir(), 'locksmith-bench-telemetry-'));
await bundle(['track.ts', 'idle.ts', 'bare-publisher.ts'], out);
const run = (name, ...args) => spawnSync(process.execPath, [join(out, name), ...args], { stdio: 'inherit' }).status ?? 1;
const flight = join(root, 'node_modules', 'node-mavlink', 'examples', 'vtol.tlog');
const failed =
  run('track.mjs', flight) !== 0 || run('idle.mjs', join(out, 'bare-publisher.mjs'), join(root, 'dist', 'locksmith.js'), ...unitFlags()) !== 0;
rmSync(out, { recursive: true, force: true });
process.exitCode = failed ? 1 : 0;
