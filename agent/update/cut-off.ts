import type { Targets } from '../ports/targets.ts';
import type { ConfigSettings } from '../settings-schema.ts';
import { baseName } from '../values/units.ts';
import type { HeldUpdate, Ledger } from './ledger.ts';
import { sayDocument } from './sides.ts';
import { type OpenFile, withFiles } from './stage.ts';

/**
 * What became of a commit that a crash cut off: taken back, gone forward to its end, or it waits, mixed, for a lock. Or of a content that
 * was in place and never proved: `rolled-back` where what was there before is back, `unproved` where that is left to the agent.
 */
export interface CutOff {
  readonly config: string;
  /** Its document, in words. */
  readonly document: string;
  readonly end: 'back' | 'forward' | 'waits' | 'rolled-back' | 'unproved';
}

/** What is under way, in words; null is a document too. Pure. */
export function sayUnderWay(held: HeldUpdate | null): string {
  return held === null ? 'the return to what was there before Locksmith' : sayDocument(held);
}

/** A config whose files are open. */
interface Scene {
  readonly config: string;
  readonly file: string;
  readonly settings: ConfigSettings;
  readonly open: readonly OpenFile[];
}

/** Ends a commit that a crash cut off by `finish` (null: it went back), and does nothing else; null if there is none. Rejects with Failure. */
export async function endCutOff(
  place: { readonly ledger: Ledger; readonly targets: Targets } & Pick<Scene, 'config' | 'settings'>,
  finish: (scene: Scene) => Promise<string | null>,
): Promise<CutOff | null> {
  const { ledger, targets, config, settings } = place;
  if (ledger.intent(config) === null) return null;
  const held = ledger.underWay(config);
  const document = sayUnderWay(held);
  const file = baseName(settings.files[0]?.path ?? config);
  const ended = await withFiles(targets, settings, (open) => finish({ config, settings, file, open }));
  const end = ledger.intent(config) !== null ? 'waits' : ended === null ? 'back' : 'forward';
  return { config, document, end };
}
