// Bundles the soak and runs it against dist/locksmith.js: many updates, then many reconnects, and what the agent's memory makes of it.
// Usage: node bench/soak.mjs [UPDATES [RECONNECTS]]   (100000 and 10000 unless said; `npm run build` first)
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle, unitFlags } from './bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..');
const counts = process.argv.slice(2);
if (counts.length > 2 || !counts.every((text) => /^[1-9]\d{0,6}$/.test(text))) {
  console.error('soak: expected how many updates and how many reconnects\nTry: node bench/soak.mjs 10000 1000');
  process.exit(2);
}
const [updates = '100000', reconnects = '10000'] = counts;
const flags = unitFlags();
const out = mkdtempSync(join(tmpdir(), 'locksmith-soak-build-'));
await bundle(['soak.ts'], out);
const argv = [join(out, 'soak.mjs'), updates, reconnects, ...flags, join(root, 'dist', 'locksmith.js')];
const { status } = spawnSync(process.execPath, argv, { stdio: 'inherit' });
rmSync(out, { recursive: true, force: true });
process.exitCode = status ?? 1;
