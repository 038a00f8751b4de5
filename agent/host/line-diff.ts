import { structuredPatch } from 'diff';
import type { LineHunks } from '../values/hunks.ts';

/** Unchanged lines shown around a change. */
const CONTEXT = 3;
/** Most lines that may be taken away and added. Reason: the work grows with its square; this many take about a second. */
const CHANGES_MAX = 4_000;

/** Unified diffs by jsdiff. */
export const lineHunks: LineHunks = (before, after) =>
  structuredPatch('', '', before, after, undefined, undefined, { context: CONTEXT, maxEditLength: CHANGES_MAX })
    ?.hunks ?? null;
