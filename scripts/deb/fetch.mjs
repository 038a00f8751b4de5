// Packages of npm that are wanted as folders: for other architectures, or other versions of Node.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Packages fetched once are kept here, outside the project. */
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'locksmith');

const run = (command, args, options = {}) =>
  execFileSync(command, args, { stdio: ['ignore', 'pipe', 'inherit'], ...options });

/** A package of npm as a folder, checked against its digest; fetched once. */
export function npmPackage(spec, integrity) {
  const folder = join(CACHE, spec.replaceAll('/', '+'));
  if (existsSync(folder)) return folder;
  mkdirSync(CACHE, { recursive: true });
  const work = mkdtempSync(join(CACHE, 'fetch-'));
  try {
    const [{ filename }] = JSON.parse(run('npm', ['pack', spec, '--json', '--silent'], { cwd: work }));
    const tarball = join(work, filename.replaceAll('/', '-').replace(/^@/, ''));
    const digest = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`;
    if (digest !== integrity) throw new Error(`${spec}: what was fetched has the digest ${digest}, not ${integrity}`);
    run('tar', ['-xzf', tarball, '-C', work]);
    renameSync(join(work, 'package'), folder);
    return folder;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
