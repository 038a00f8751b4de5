import { Failure } from '../values/errors.ts';
import type { LockState } from '../values/lock.ts';
import { type CommitFile, type CommitPorts, keepFound, putAll, readContents } from './commit.ts';
import { digestOf, type FileContent } from './content.ts';
import { intentOverRecord } from './ledger.ts';
import type { OpenFile } from './stage.ts';
import type { Intent } from './under-way.ts';

/** What became of a commit that a crash cut off. */
export type Recovered =
  /** Not one rename had happened: staged files removed, the document is tried afresh. */
  | { readonly kind: 'back' }
  /** The set is whole and new; its outcome is not journalled yet. */
  | { readonly kind: 'forward' }
  /** It is mixed and somebody has the lock. */
  | { readonly kind: 'hot'; readonly lock: LockState };

/**
 * Ends a commit that a crash cut off: back if nothing was renamed, forward otherwise. Staged files that are gone or damaged are
 * staged again from `contents`.
 */
export async function recover(
  ports: CommitPorts,
  intent: Intent,
  open: readonly OpenFile[],
  contents: readonly FileContent[],
): Promise<Recovered> {
  const { journal, locks, sha256 } = ports;
  const disk = readContents(open, sha256);
  const state = intent.files.map((file) => {
    const index = open.findIndex(({ name }) => name === file.name);
    const now = disk.digests[index] ?? null;
    const [opened, done, touched] = [open[index], now === file.digest, now !== file.before];
    const isThere = () =>
      file.staged === null || opened?.target.leftovers('recover.look').includes(file.staged) !== false;
    // An edit by hand is no rename of ours: what was staged would be gone.
    return { file, opened, done, touched, moved: touched && (done || !isThere()) };
  });
  const discard = ({ file, opened }: (typeof state)[number]) => {
    if (file.staged !== null) opened?.target.discard('stage.discard', file.staged);
  };
  if (state.every(({ moved }) => !moved)) {
    for (const one of state) discard(one);
    journal.note([intentOverRecord(intent.config, true)]);
    return { kind: 'back' };
  }
  // What is on disk already need not have been renamed there: a file that is the same in both sets is done from the beginning.
  for (const one of state) if (one.done) discard(one);
  if (state.every(({ done }) => done)) return { kind: 'forward' };

  const held = await locks.hold<Recovered>(intent.config, async (grant) => {
    if (state.some(({ done, touched }) => touched && !done)) {
      // Somebody edited a file of the half-done set: that text is kept before it is overwritten.
      await journal.append([await keepFound(ports, intent.config, 'drift', disk)]);
    }
    const rest: CommitFile[] = [];
    for (const one of state) {
      const { file, opened, done } = one;
      if (done || opened === undefined) continue;
      const { target, name } = opened;
      const whole = file.staged === null ? null : target.readStaged('recover.look', file.staged);
      const bytes = contents.find((content) => content.name === name)?.bytes ?? null;
      const intact = whole !== null && digestOf(whole, sha256) === file.digest;
      const again = async () => {
        // Of a fetched file that a damaged disk has lost: it is being fetched again.
        const why = `${name}: its content is gone, and not here again yet`;
        if (bytes === null) throw new Failure('io', 'recover.look', name, why, { retry: true });
        return target.stage('stage.write', bytes, ports.looks.of(intent.config, name));
      };
      const staged = file.digest === null ? null : intact ? file.staged : await again();
      if (!intact) discard(one);
      rest.push({ name, target, staged, digest: file.digest });
    }
    // A half-renamed set is completed whatever the vehicle does: mixed it is worse.
    const put = await putAll(rest, grant, () => true);
    return put === 'done' ? { kind: 'forward' } : { kind: 'hot', lock: locks.look(intent.config) };
  });
  return held.kind === 'hot' ? held : held.value;
}
