import type { RemoteFile } from '../values/update.ts';
import { type FileContent, filesOf, remoteOf } from './content.ts';
import { pinnedInstead } from './going-back.ts';
import type { Keeper } from './keep.ts';
import type { HeldUpdate, Ledger } from './ledger.ts';
import { sameDocument } from './ref.ts';
import type { Intent } from './under-way.ts';

/** What should be on disk: by a document, or (null) as it was before Locksmith. */
export interface Goal {
  readonly held: HeldUpdate | null;
  readonly digest: string;
  readonly contents: readonly FileContent[];
  /** Files whose content is not here yet; they stand in `contents` as if they were absent. */
  readonly missing: readonly RemoteFile[];
}

/** All documents held for a config: the newest of each place, and the last applied one behind it. */
export function allHeld(ledger: Ledger, config: string): readonly HeldUpdate[] {
  return ledger.places(config).flatMap(({ latest, applied }) => (applied === null ? [latest] : [latest, applied]));
}

/** True while a document is the newest of its place and has no outcome: one that arrived meanwhile may have ended it. */
export function isOpen(ledger: Ledger, held: HeldUpdate): boolean {
  const latest = ledger.place(held.config, held.address, held.layer)?.latest;
  return latest !== undefined && latest.version === held.version && latest.ended === null;
}

/** The document of this id, if it is what runs. */
export function runningUpdate(ledger: Ledger, config: string, update: string): HeldUpdate | null {
  const running = ledger.running(config);
  const held = allHeld(ledger, config).find(({ id, ended }) => id === update && ended === 'applied');
  if (held === undefined || running === null) return null;
  const { version, layer, address } = running;
  return held.version === version && held.layer === layer && held.address === address ? held : null;
}

/** What a document asks for; for null what was there before Locksmith, which is known only after a first move. */
export function goalOf(ledger: Ledger, keeper: Keeper, config: string, held: HeldUpdate | null): Goal | null {
  if (held !== null && held.jws !== '') return { held, digest: held.digest ?? '', ...keeper.wanted(held.jws) };
  const kept = held === null ? ledger.original(config) : ledger.generationWith(config, held.digest ?? '');
  return kept === null ? null : { held, digest: kept.digest, contents: keeper.read(kept), missing: [] };
}

/** What a commit that was cut off was going for; null if its document is no longer held. */
export function goalOfIntent(ledger: Ledger, keeper: Keeper, intent: Intent): Goal | null {
  if (intent.of === null) return goalOf(ledger, keeper, intent.config, null);
  const pinned = pinnedInstead(ledger, intent.config, null) ?? null;
  const held =
    [...allHeld(ledger, intent.config), ...(pinned === null ? [] : [pinned])].find((one) =>
      sameDocument(one, intent.of),
    ) ?? ledger.underWay(intent.config);
  return held === null ? null : goalOf(ledger, keeper, intent.config, held);
}

/** Digests of all fetched files that documents of these configs, or generations that are not put by yet, ask for. */
export function fetchedInUse(ledger: Ledger, configs: readonly string[]): ReadonlySet<string> {
  const held = configs.flatMap((config) => [...allHeld(ledger, config), ledger.underWay(config) ?? []].flat());
  const forms = [
    ...held.flatMap(({ digest, jws }) => (digest === null ? [] : [jws])),
    ...ledger.allGenerations().flatMap(({ content }) => (content.kind === 'signed' ? [content.jws] : [])),
  ];
  return new Set(forms.flatMap((jws) => remoteOf(filesOf(jws)).map(({ digest }) => digest)));
}
