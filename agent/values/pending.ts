import type { Reported } from './report.ts';

/**
 * Which update waits, in words: `shadow version 42 for grp/canary`; the layer and for whom are known while it is the one tried last. null: none.
 */
export function sayPending({ pending, last_attempt: last }: Pick<Reported, 'pending' | 'last_attempt'>): string | null {
  if (pending === null) return null;
  if (pending.id === null) return 'the return to what was before';
  return last?.id === pending.id
    ? `${last.layer} version ${pending.version} for ${last.address}`
    : `version ${pending.version}`;
}
