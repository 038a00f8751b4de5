// What every bench program needs before it runs: its parts bundled into a directory of its own, and the flags of the unit.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

/** Bundles files of bench/ into `out`, each as NAME.mjs; packages that are `external` stay outside. */
export async function bundle(files, out, external = []) {
  await build({
    entryPoints: files.map((file) => join(here, file)),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    external,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    banner: { js: "import { createRequire as __cr } from 'node:module'; const require = __cr(import.meta.url);" },
  });
}

/** As on a device: the flags that the unit gives to Node. */
export function unitFlags() {
  const unit = readFileSync(join(here, '..', 'systemd/locksmith-agent.service'), 'utf8');
  return /^ExecStart=\S+((?: --\S+)*)/m.exec(unit)?.[1]?.trim().split(' ') ?? [];
}
