import type { Sha256 } from '../ports/world.ts';
import type { Hunk, LineHunks } from '../values/hunks.ts';
import { digestOf, type FileContent } from './content.ts';

/** What may be told of any content. */
export interface FileFacts {
  readonly digest: string;
  readonly bytes: number;
}

/** How one file differs; null facts: it is absent there. */
export interface FileDifference {
  readonly name: string;
  readonly before: FileFacts | null;
  readonly after: FileFacts | null;
  /** `hidden`: not everybody may read it; `large`: so many lines differ that nobody would read them. */
  readonly shown:
    | { readonly kind: 'lines'; readonly hunks: readonly Hunk[] }
    | { readonly kind: 'binary' }
    | { readonly kind: 'hidden' }
    | { readonly kind: 'large' };
}

/** What comparing needs. */
export interface CompareTools {
  readonly sha256: Sha256;
  readonly hunks: LineHunks;
  /** May the content of this file be shown to who asks? */
  mayShow(name: string): boolean;
}

/** The text in a file; null if it is none: not UTF-8, or with a NUL in it. */
function textOf(bytes: Uint8Array | null): string | null {
  if (bytes === null) return '';
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** The files in which two contents of a config differ, by name. */
export function differences(
  before: readonly FileContent[],
  after: readonly FileContent[],
  tools: CompareTools,
): readonly FileDifference[] {
  const names = [...new Set([...before, ...after].map(({ name }) => name))].sort();
  const bytesIn = (side: readonly FileContent[], name: string) =>
    side.find((file) => file.name === name)?.bytes ?? null;
  const facts = (bytes: Uint8Array | null): FileFacts | null =>
    bytes === null ? null : { digest: digestOf(bytes, tools.sha256), bytes: bytes.length };
  return names.flatMap((name) => {
    const [old, fresh] = [bytesIn(before, name), bytesIn(after, name)];
    const sides = { name, before: facts(old), after: facts(fresh) };
    if (sides.before?.digest === sides.after?.digest) return [];
    return [{ ...sides, shown: show(name, textOf(old), textOf(fresh), tools) }];
  });
}

function show(name: string, before: string | null, after: string | null, tools: CompareTools): FileDifference['shown'] {
  if (!tools.mayShow(name)) return { kind: 'hidden' };
  if (before === null || after === null) return { kind: 'binary' };
  const hunks = tools.hunks(before, after);
  return hunks === null ? { kind: 'large' } : { kind: 'lines', hunks };
}
