// Bundles the bench and runs it against dist/locksmith.js: `npm run bench`. Prints ratios within this one run; nothing is judged in a test.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, unitFlags } from './bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'locksmith-bench-build-'));
await bundle(['floor.ts', 'bare.ts', 'bare-client.ts', 'main.ts'], out);
const flags = unitFlags();
const argv = [join(out, 'main.mjs'), out, join(here, '..', 'dist', 'locksmith.js'), ...flags];
const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
rmSync(out, { recursive: true, force: true });
process.exitCode = status ?? 1;
