import type { FileContent } from './content.ts';
import type { Generation } from './generations.ts';
import { allHeld } from './goal.ts';
import type { Keeper } from './keep.ts';
import { type HeldUpdate, type Ledger, refOf } from './ledger.ts';
import { sameDocument } from './ref.ts';

/** One side of a comparison: a content of a config, and how people are told of it. */
export interface Side {
  readonly title: string;
  /** When it came on disk; RFC 3339. Null for what is there now, and for what never was. */
  readonly at: string | null;
  readonly digest: string;
  /** Throws Failure where it cannot be read. */
  contents(): readonly FileContent[];
}

/** A document's content, and the one before it; null where none is known. */
export interface Change {
  readonly before: Side | null;
  readonly after: Side;
}

/** A document in words. */
export function sayDocument({ layer, version, address }: Pick<HeldUpdate, 'layer' | 'version' | 'address'>): string {
  return `${layer} version ${version} for ${address}`;
}

/** A generation in words. */
export function generationTitle({ why, document, outcome }: Generation): string {
  if (why === 'original') return 'as it was before Locksmith';
  if (document === null) return 'edited by hand';
  return outcome === 'applied' ? sayDocument(document) : `${sayDocument(document)} (${outcome})`;
}

/** A generation as a side. */
export function generationSide(keeper: Keeper, generation: Generation): Side {
  const { at, digest } = generation;
  return { title: generationTitle(generation), at, digest, contents: () => keeper.read(generation) };
}

/** What Locksmith put there last; null before its first move. */
export function runningSide(ledger: Ledger, keeper: Keeper, config: string): Side | null {
  const running = ledger.running(config);
  const generation = running === null ? null : ledger.generationWith(config, running.digest);
  return generation === null ? null : generationSide(keeper, generation);
}

/** What a generation changed. */
function changeOf(ledger: Ledger, keeper: Keeper, generation: Generation): Change {
  const before = ledger.generations(generation.config).findLast(({ n }) => n < generation.n);
  return {
    before: before === undefined ? null : generationSide(keeper, before),
    after: generationSide(keeper, generation),
  };
}

/** What the content that runs changed; null before Locksmith's first move. */
export function lastChange(ledger: Ledger, keeper: Keeper, config: string): Change | null {
  const running = ledger.running(config);
  const generation = running === null ? null : ledger.generationWith(config, running.digest);
  return generation === null ? null : changeOf(ledger, keeper, generation);
}

/** What every document of this version changed, or would change; 0 is what was there before Locksmith. */
export function changesBy(ledger: Ledger, keeper: Keeper, config: string, version: number): readonly Change[] {
  const generations = ledger.generations(config).filter(({ why, document }) => {
    return version === 0 ? why === 'original' : document?.version === version;
  });
  const open = allHeld(ledger, config).filter((held) => {
    const has = generations.some(
      ({ document }) => document !== null && sameDocument({ config, ...document }, refOf(held)),
    );
    return held.version === version && held.digest !== null && !has;
  });
  const before = runningSide(ledger, keeper, config) ?? null;
  return [
    ...generations.map((generation) => changeOf(ledger, keeper, generation)),
    ...open.map((held) => {
      const state = held.ended ?? (held.covered ? 'covered' : 'not applied yet');
      const title = `${sayDocument(held)} (${state})`;
      return { before, after: { title, at: null, digest: held.digest ?? '', contents: () => keeper.signed(held.jws) } };
    }),
  ];
}
