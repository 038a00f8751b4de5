// Bundles bench/wear.ts and runs it against dist/locksmith.js: what the agent writes on the disk.
// Usage: node bench/wear.mjs [SECONDS]   (600 unless said; `npm run build` first)
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [seconds = '600', ...more] = process.argv.slice(2);
if (more.length > 0 || !/^[1-9]\d{0,5}$/.test(seconds)) {
  console.error('wear: expected how many seconds\nTry: node bench/wear.mjs 600');
  process.exit(2);
}
const out = mkdtempSync(join(tmpdir(), 'locksmith-bench-wear-'));
await bundle(['wear.ts'], out);
const argv = [join(out, 'wear.mjs'), join(root, 'dist', 'locksmith.js'), seconds];
const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
rmSync(out, { recursive: true, force: true });
process.exitCode = status ?? 1;
