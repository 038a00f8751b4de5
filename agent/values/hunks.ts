/** A stretch of a unified diff: line numbers count from 1, a line starts with ` `, `-`, `+`, or `\` for a last line without its end. */
export interface Hunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly lines: readonly string[];
}

/** The stretches in which two texts differ; null if they differ too much to be worth working out. */
export type LineHunks = (before: string, after: string) => readonly Hunk[] | null;

/** The line that starts a stretch, as `diff -u` writes it. */
export function hunkHead({ oldStart, oldLines, newStart, newLines }: Hunk): string {
  const range = (start: number, lines: number) =>
    lines === 1 ? `${start}` : `${lines === 0 ? start - 1 : start},${lines}`;
  return `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`;
}
