// Bundles bench/locks.ts and runs it: part of `npm run bench`.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
// Beside the packages, for the machine-code addon is not bundled.
const out = mkdtempSync(join(here, '..', 'node_modules', '.locksmith-bench-'));
await build({
  entryPoints: [join(here, 'locks.ts')],
  outfile: join(out, 'locks.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['koffi'],
  logLevel: 'warning',
  banner: { js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);" },
});
const { status } = spawnSync(process.execPath, [join(out, 'locks.mjs')], { stdio: 'inherit' });
rmSync(out, { recursive: true, force: true });
process.exitCode = status ?? 1;
