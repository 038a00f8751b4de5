// Bundles the bench and runs it against dist/locksmith.js: `npm run bench`. Prints ratios within this one run; nothing is judged in a test.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'locksmith-bench-build-'));
await build({
  entryPoints: ['floor.ts', 'bare.ts', 'bare-client.ts', 'main.ts'].map((file) => join(here, file)),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  logLevel: 'warning',
  banner: { js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);" },
});
/** As on a device: the flags of the unit. */
const unit = readFileSync(join(here, '..', 'systemd/locksmith-agent.service'), 'utf8');
const flags = /^ExecStart=\S+((?: --\S+)*)/m.exec(unit)?.[1]?.trim().split(' ') ?? [];
const argv = [join(out, 'main.mjs'), out, join(here, '..', 'dist', 'locksmith.js'), ...flags];
const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
rmSync(out, { recursive: true, force: true });
process.exitCode = status ?? 1;
