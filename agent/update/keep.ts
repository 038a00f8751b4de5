import type { Files } from '../ports/files.ts';
import type { Sha256 } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import type { Op } from '../values/ops.ts';
import type { RemoteFile, UpdateFile } from '../values/update.ts';
import { bytesOf, digestOf, type FileContent, filesOf, remoteOf } from './content.ts';
import { type Fetched, openFetched } from './fetched.ts';
import type { Generation, GenerationFile } from './generations.ts';

/** Contents of configs put by under the state directory, each file once under its digest. */
export interface Keeper {
  readonly fetched: Fetched;
  /** Writes the contents durably and returns what refers to them. */
  keep(op: Op, contents: readonly FileContent[]): Promise<readonly GenerationFile[]>;
  /** The contents a signed update asks for; what is still to be fetched is `missing`, and stands in them as if it were absent. */
  wanted(jws: string): { readonly contents: readonly FileContent[]; readonly missing: readonly RemoteFile[] };
  /** The contents a signed update asks for. Throws Failure io if one is not fetched. */
  signed(jws: string): readonly FileContent[];
  /** The contents of a generation. Throws Failure io if one is gone or no longer what it was. */
  read(generation: Generation): readonly FileContent[];
  /** Removes every content that no generation has any more; what was kept just now may not have its generation yet, and stays. */
  sweep(inUse: readonly Generation[]): void;
}

const CONTENT_NAME = /^[0-9a-f]{64}$/;

function contentOf(file: UpdateFile, fetched: Fetched): FileContent {
  const { name } = file;
  if ('absent' in file) return { name, bytes: null };
  return { name, bytes: 'url' in file ? fetched.read(file) : bytesOf(file) };
}

/** Opens the store in `dir`; what updates give by address is in `fetched` beside it. */
export function openKeeper(files: Files, sha256: Sha256, dir: string): Keeper {
  const fetched = openFetched(files, sha256, `${dir.slice(0, dir.lastIndexOf('/'))}/fetched`);
  const pathOf = (digest: string) => `${dir}/${digest.slice('sha256:'.length)}`;
  /** Digests that were kept and that no sweep has seen in use yet. */
  const fresh = new Set<string>();
  const wanted: Keeper['wanted'] = (jws) => {
    const asked = filesOf(jws);
    const contents = asked.map((file) => contentOf(file, fetched));
    const missing = remoteOf(asked).filter(({ name }) => contents.find((one) => one.name === name)?.bytes === null);
    return { contents, missing };
  };
  const signed: Keeper['signed'] = (jws) => {
    const { contents, missing } = wanted(jws);
    const [first] = missing;
    if (first === undefined) return contents;
    const why = `${first.url}: the content of ${first.name} is not here`;
    throw new Failure('io', 'fetch.write', first.url, why, { retry: true });
  };
  return {
    fetched,
    wanted,
    signed,
    async keep(op, contents) {
      if (files.stat(op, dir) === null) {
        files.makeDir(op, dir, 0o700);
        // A content in a directory that a power cut takes away is not kept.
        await files.syncDir(op, dir.slice(0, dir.lastIndexOf('/')));
      }
      const kept: GenerationFile[] = [];
      for (const { name, bytes } of contents) {
        const own = bytes === null ? null : digestOf(bytes, sha256);
        kept.push({ name, digest: own });
        if (bytes === null || own === null) continue;
        fresh.add(own);
        // One that is there already may be damaged by now, or not be durable yet: a crash can come between rename and sync.
        await files.writeDurably(op, pathOf(own), bytes, 0o600);
      }
      return kept;
    },
    read({ content }) {
      if (content.kind === 'signed') return signed(content.jws);
      return content.files.map(({ name, digest }) => {
        const bytes = digest === null ? null : files.read('commit.keep', pathOf(digest));
        if (digest === null) return { name, bytes };
        if (bytes !== null && digestOf(bytes, sha256) === digest) return { name, bytes };
        const path = pathOf(digest);
        const why = bytes === null ? 'is gone' : 'is damaged';
        throw new Failure('io', 'commit.keep', path, `${path}: the kept content of ${name} ${why}`, { retry: true });
      });
    },
    sweep(inUse) {
      const digests = inUse.flatMap(({ content }) =>
        content.kind === 'stored' ? content.files.flatMap(({ digest }) => digest ?? []) : [],
      );
      const wanted = new Set(digests);
      for (const digest of wanted) fresh.delete(digest);
      for (const name of files.list('keep.sweep', dir)) {
        const digest = `sha256:${name}`;
        const isOver = CONTENT_NAME.test(name) && !wanted.has(digest) && !fresh.has(digest);
        if (isOver) files.remove('keep.sweep', `${dir}/${name}`);
      }
    },
  };
}
