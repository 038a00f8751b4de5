// Bundles bench/locks.ts and runs it: part of `npm run bench`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
// Beside the packages, for the machine-code addon is not bundled.
const out = mkdtempSync(join(here, '..', 'node_modules', '.locksmith-bench-'));
await bundle(['locks.ts'], out, ['koffi']);
const { status } = spawnSync(process.execPath, [join(out, 'locks.mjs')], { stdio: 'inherit' });
rmSync(out, { recursive: true, force: true });
process.exitCode = status ?? 1;
