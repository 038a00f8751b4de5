import type { FileLook, Target, Targets } from '../ports/targets.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import type { Refusal } from '../values/errors.ts';
import { baseName } from '../values/units.ts';
import type { CommitFile } from './commit.ts';
import type { FileContent } from './content.ts';
import type { Validator } from './validate.ts';

/** A file of a config with its directory held open. */
export interface OpenFile {
  readonly name: string;
  readonly target: Target;
  readonly settings: ConfigSettings['files'][number];
}

/** Opens every file of a config for the time `use` runs. Throws Failure as {@link Targets.open}. */
export async function withFiles<T>(
  targets: Targets,
  config: ConfigSettings,
  use: (files: readonly OpenFile[]) => Promise<T>,
): Promise<T> {
  const files: OpenFile[] = [];
  try {
    for (const settings of config.files) {
      const target = targets.open('stage.open', settings.path, { follow: settings.follow });
      files.push({ name: baseName(settings.path), target, settings });
    }
    return await use(files);
  } finally {
    for (const { target } of files) target.close();
  }
}

/** Checks all new contents; the first that does not pass refuses the whole set. */
export async function validate(
  validator: Validator,
  open: readonly OpenFile[],
  contents: readonly FileContent[],
): Promise<Refusal | null> {
  for (const { name, settings } of open) {
    const bytes = contents.find((content) => content.name === name)?.bytes ?? null;
    const refusal = bytes === null ? null : await validator.check(settings, name, bytes);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** Stages all new contents beside their files, `look` for one that does not exist; on a failure nothing staged is left. */
export async function stage(
  open: readonly OpenFile[],
  contents: readonly (FileContent & { readonly digest: string | null; readonly look?: FileLook | null })[],
): Promise<readonly CommitFile[]> {
  const staged: CommitFile[] = [];
  try {
    for (const { name, target } of open) {
      const content = contents.find((candidate) => candidate.name === name);
      const bytes = content?.bytes ?? null;
      const own = bytes === null ? null : await target.stage('stage.write', bytes, content?.look ?? null);
      staged.push({ name, target, staged: own, digest: content?.digest ?? null });
    }
    return staged;
  } catch (error) {
    discard(staged);
    throw error;
  }
}

/** Removes what was staged and will not go in. */
export function discard(files: readonly CommitFile[]): void {
  for (const { target, staged } of files) if (staged !== null) target.discard('stage.discard', staged);
}
