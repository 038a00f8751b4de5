// Bundles bench/vehicle.ts and runs it against dist/locksmith.js: part of `npm run bench`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = mkdtempSync(join(tmpdir(), 'locksmith-bench-build-'));
await bundle(['vehicle.ts'], out);
const flight = join(root, 'node_modules/node-mavlink/examples/vtol.tlog');
const { status } = spawnSync(process.execPath, [join(out, 'vehicle.mjs'), join(root, 'dist/locksmith.js'), flight], {
  stdio: 'inherit',
});
rmSync(out, { recursive: true, force: true });
process.exitCode = status ?? 1;
