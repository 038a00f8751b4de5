// Bundles agent/ into dist/: one entry, and a chunk for whatever a command loads only when it is asked for.
// The same sources give the same bytes. Usage: node scripts/build.mjs [--fresh] [--out DIR]
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const out = process.argv.indexOf('--out');
const DIST = out === -1 ? join(ROOT, 'dist') : resolve(process.argv[out + 1] ?? '');
/** A chunk of an older build may still be wanted by a running agent that has not loaded it yet. */
const STALE_AFTER_MS = 60 * 60 * 1000;

/** Time of the sources in milliseconds: given, or that of the last commit, or (without git) that of package.json. */
function sourceTimeMs() {
  const given = process.env.SOURCE_DATE_EPOCH;
  if (given !== undefined && /^\d+$/.test(given)) return Number(given) * 1000;
  try {
    const out = execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: ROOT, stdio: ['ignore', 'pipe', 'ignore'] });
    return Number(out.toString().trim()) * 1000;
  } catch {
    return Math.floor(statSync(join(ROOT, 'package.json')).mtimeMs / 1000) * 1000;
  }
}

/** The licences of every package that ends up inside the bundle, as their terms ask for. */
function licences(inputs) {
  const folders = new Set();
  for (const input of inputs) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) folders.add(match[1]);
  }
  const parts = [...folders].sort().map((folder) => {
    const dir = join(ROOT, folder);
    const { name, version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
    const file = readdirSync(dir)
      .filter((entry) => /^licen[cs]e/i.test(entry))
      .sort()[0];
    const text = file === undefined ? '' : `\n${readFileSync(join(dir, file), 'utf8').trim()}\n`;
    return `${name} ${version} (${license ?? 'see its page'})\n${text}`;
  });
  return `Packages inside locksmith.js and its chunks.\n\n${parts.join(`\n${'-'.repeat(72)}\n`)}`;
}

/** Never lets a reader see half a file, and leaves an equal one untouched. */
function put(path, bytes, mode) {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path) && Buffer.compare(readFileSync(path), bytes) === 0) return;
  const temp = `${path}.${process.pid}.tmp`;
  writeFileSync(temp, bytes);
  chmodSync(temp, mode);
  renameSync(temp, path);
}

if (process.argv.includes('--fresh')) rmSync(DIST, { recursive: true, force: true });

const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
const result = await build({
  absWorkingDir: ROOT,
  entryPoints: { locksmith: 'agent/locksmith.ts' },
  outdir: 'dist',
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // koffi loads a machine-code addon that has to lie beside its own package.
  external: ['koffi'],
  // What MQTT.js brings for browsers and for its own developers: about 1 MB of a connected agent.
  alias: {
    'readable-stream': 'node:stream',
    'worker-timers': './scripts/stubs/worker-timers.mjs',
    debug: './scripts/stubs/debug.cjs',
  },
  define: { LOCKSMITH_VERSION: JSON.stringify(version), LOCKSMITH_BUILT_AT_MS: String(sourceTimeMs()) },
  // Names stay readable in a stack trace; everything else that only costs memory goes.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  // Some bundled packages are CommonJS and ask for Node's own modules by `require`.
  banner: {
    js: "import { createRequire as createRequireOfNode } from 'node:module'; const require = createRequireOfNode(import.meta.url);",
  },
  metafile: true,
  write: false,
  logLevel: 'warning',
});

const entry = join(DIST, 'locksmith.js');
const wanted = new Set();
// The entry goes last: until then the old one still finds all of its chunks.
const isEntry = ({ path }) => path.endsWith('dist/locksmith.js');
const files = [...result.outputFiles].sort((a, b) => Number(isEntry(a)) - Number(isEntry(b)));
for (const { path: made, contents } of files) {
  const path = join(DIST, relative(join(ROOT, 'dist'), made));
  wanted.add(path);
  put(path, Buffer.from(contents), path === entry ? 0o755 : 0o644);
}
put(join(DIST, 'LICENCES.txt'), Buffer.from(licences(Object.keys(result.metafile.inputs))), 0o644);

const chunks = join(DIST, 'chunks');
for (const name of existsSync(chunks) ? readdirSync(chunks) : []) {
  const path = join(chunks, name);
  if (!wanted.has(path) && Date.now() - statSync(path).mtimeMs > STALE_AFTER_MS) rmSync(path, { force: true });
}

const bytes = result.outputFiles.reduce((sum, { contents }) => sum + contents.length, 0);
console.error(
  `built ${relative(ROOT, entry)} ${version}: ${result.outputFiles.length} files, ${Math.round(bytes / 1024)} KiB`,
);
