import * as fs from 'node:fs';
import { join } from 'node:path';
import { EXIT, SaidError } from '../values/errors.ts';
import { messageOf } from '../values/thrown.ts';
import type { Address, Layer } from '../values/topics.ts';

/** A place that versions are counted for. */
export interface VersionPlace {
  readonly root: string;
  readonly address: Address;
  readonly config: string;
  readonly layer: Layer;
}

/**
 * The versions an operator has used, so that a broker that has forgotten cannot make a version be used twice. One empty file per
 * version, created exclusively: two pushes at the same moment get two versions, without a lock.
 */
export interface VersionLedger {
  /** Takes the next version that is above `seen`; it is durable when this returns. Throws {@link SaidError}. */
  take(place: VersionPlace, seen: number): number;
  /** Remembers a version that was signed elsewhere. */
  note(place: VersionPlace, version: number): void;
}

/** How far back files are kept: more than any two pushes at the same moment can be apart. */
const KEPT = 100;

/** Opens the ledger in `dir`; nothing is created before the first use. */
export function openVersionLedger(dir: string): VersionLedger {
  const dirOf = ({ root, address, config, layer }: VersionPlace) =>
    join(dir, root, address.replace('/', '~'), config, layer);
  const used = (at: string) =>
    fs
      .readdirSync(at)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);

  const create = (at: string, version: number): boolean => {
    try {
      fs.closeSync(fs.openSync(join(at, String(version)), 'wx', 0o600));
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    }
    const fd = fs.openSync(at, 'r');
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    // Somebody may have gone past us between our look and our file, and may have tidied away the very one that would have stopped us.
    if (used(at).some((other) => other > version)) return false;
    for (const old of used(at)) if (old < version - KEPT) fs.rmSync(join(at, String(old)), { force: true });
    return true;
  };
  const attempt = <T>(at: string, fn: () => T): T => {
    try {
      fs.mkdirSync(at, { recursive: true, mode: 0o700 });
      return fn();
    } catch (error) {
      if (error instanceof SaidError) throw error;
      const why = messageOf(error);
      throw new SaidError(
        EXIT.failed,
        `the ledger of used versions cannot be kept: ${why}`,
        'set XDG_STATE_HOME to a directory you may write',
      );
    }
  };
  return {
    take(place, seen) {
      const at = dirOf(place);
      return attempt(at, () => {
        for (let version = Math.max(seen, 0, ...used(at)) + 1; Number.isSafeInteger(version); version++) {
          if (create(at, version)) return version;
        }
        const where = `${place.config} (${place.layer}) for ${place.address}`;
        throw new SaidError(
          EXIT.failed,
          `there is no version above ${seen} left for ${where}`,
          'push to another address, or give --version',
        );
      });
    },
    note(place, version) {
      const at = dirOf(place);
      attempt(at, () => {
        if (version > Math.max(0, ...used(at))) create(at, version);
      });
    },
  };
}

/** Where the ledger of this user is: `$XDG_STATE_HOME/locksmith/versions`, else under `~/.local/state`. */
export function ledgerDir(env: Readonly<Record<string, string | undefined>>): string {
  const given = env.XDG_STATE_HOME;
  const base = given?.startsWith('/') === true ? given : join(env.HOME ?? '/', '.local', 'state');
  return join(base, 'locksmith', 'versions');
}
