import type { LockState } from '../values/lock.ts';

/** What the broker took this long ago the fleet should have seen, in milliseconds. */
const SEEN_WITHIN_MS = 5_000;

/** What a refresh works with. */
export interface RefreshPorts {
  readonly configs: readonly string[];
  /** Says the last states of a config, or of all, once more. */
  republish(config: string | null): void;
  /** Whether the lock of a config was ever said: one that nobody ever took was not. */
  lockWasSaid(config: string): boolean;
  look(config: string): LockState;
  sayLocks(locks: readonly { readonly config: string; readonly body: LockState }[]): void;
  sayOnline(): void;
  /** The highest number the broker had so long ago. */
  acknowledged(agoMs: number): number;
  /** Whether the fleet sees what we report: what is missing, or null. */
  unconfirmed(missing: string | null): void;
}

/** Says again what is retained, and holds the last number the fleet has seen against what the broker took. May throw Failure. */
export function refresh(ports: RefreshPorts, config: string | null, seq: number | null): void {
  ports.republish(config);
  ports.sayOnline();
  const unsaid = (config === null ? ports.configs : [config]).filter((name) => !ports.lockWasSaid(name));
  if (unsaid.length > 0) ports.sayLocks(unsaid.map((name) => ({ config: name, body: ports.look(name) })));
  if (seq === null) return;
  const had = ports.acknowledged(SEEN_WITHIN_MS);
  ports.unconfirmed(seq < had ? `it has seen number ${seq}, the broker has taken ${had}` : null);
}
