// Push → applied, side by side with what a device would otherwise do. `node bench/beside.mjs`, after `npm run build`: no part of
// `npm run bench`, for it installs two packages that are none of ours into a directory of its own.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const out = mkdtempSync(join(tmpdir(), 'locksmith-bench-beside-'));

/** Installs a package into a directory of its own; `-` if the registry does not serve it. */
function install(name) {
  const dir = join(out, name);
  const argv = ['install', '--prefix', dir, '--no-save', '--no-fund', '--no-audit', '--ignore-scripts', name];
  const { status, stderr } = spawnSync('npm', argv, { encoding: 'utf8', timeout: 600_000 });
  if (status === 0 && existsSync(join(dir, 'node_modules', name))) return dir;
  console.log(`${name}: the package registry does not serve it, so it is left out: ${stderr.trim().split('\n').at(-1)}`);
  return '-';
}

await bundle(['beside.ts', 'beside-aws.ts', 'floor.ts'], out);
const argv = [out, here, join(here, '..', 'dist', 'locksmith.js'), install('aws-iot-device-sdk-v2'), install('node-red')];
const { status } = spawnSync(process.execPath, [join(out, 'beside.mjs'), ...argv], { stdio: 'inherit' });
rmSync(out, { recursive: true, force: true });
process.exitCode = status ?? 1;
