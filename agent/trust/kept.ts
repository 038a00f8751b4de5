import type { Files } from '../ports/files.ts';
import type { Sha256 } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import { parseTrust, type TrustDocument } from './document.ts';
import { readGeneral } from './general.ts';
import { base64url, readPayload } from './jws.ts';

/** A trust document that was taken and is kept in the state directory. */
export interface KeptTrust {
  /** As it was signed. */
  readonly text: string;
  readonly document: TrustDocument;
  /** Digest of `trust.keys` when it was taken: whether somebody has changed that file since. */
  readonly seed: string;
}

/** A copy that could not be read, and where it was put. */
export interface BadCopy {
  readonly path: string;
  readonly why: string;
  /** Null: it could not be moved away. */
  readonly putAside: string | null;
}

/** The file in the state directory, and a second copy of it: what one bad sector takes, the other has. */
const NAMES = ['trust.json', 'trust.copy.json'] as const;
/** Largest file that is read: a document, and what stands around it. */
const FILE_MAX_BYTES = 512 * 1024;
const MODE = 0o600;

/** The text of a state file. Pure. */
function encode({ text, seed }: Pick<KeptTrust, 'text' | 'seed'>, sha256: Sha256): string {
  const body = JSON.stringify({ seed, document: text });
  return `${sha256(body)} ${body}\n`;
}

/** Reads the text of a state file back; the reason if it is not what was written. Pure. */
function decode(content: string, sha256: Sha256): KeptTrust | string {
  const body = content.slice(65).trimEnd();
  if (content[64] !== ' ' || sha256(body) !== content.slice(0, 64)) return 'is not what was written';
  const value: unknown = JSON.parse(body);
  if (typeof value !== 'object' || value === null || !('document' in value) || !('seed' in value))
    return 'is of no use';
  const { document: text, seed } = value;
  if (typeof text !== 'string' || typeof seed !== 'string') return 'is of no use';
  const jws = readGeneral(text, 'trust');
  if (jws.kind === 'refusal') return jws.reason;
  const payload = readPayload(base64url(jws.payload));
  const document = payload.kind === 'refusal' ? payload : parseTrust(payload.value);
  return 'kind' in document ? document.reason : { text, document, seed };
}

/** Looks for the kept document without changing anything: the newest that can be read, and what is wrong with the other. */
export function lookForTrust(
  files: Files,
  sha256: Sha256,
  state: string,
): { readonly kept: KeptTrust | null; readonly bad: readonly Omit<BadCopy, 'putAside'>[]; readonly whole: boolean } {
  const bad: Omit<BadCopy, 'putAside'>[] = [];
  const found: KeptTrust[] = [];
  for (const name of NAMES) {
    const path = `${state}/${name}`;
    try {
      const bytes = files.read('trust.read', path, FILE_MAX_BYTES);
      const read = bytes === null ? null : decode(new TextDecoder().decode(bytes), sha256);
      if (typeof read === 'string') bad.push({ path, why: read });
      else if (read !== null) found.push(read);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      bad.push({ path, why: error.message });
    }
  }
  const [first, second] = found;
  const kept = first && second && second.document.version > first.document.version ? second : (first ?? null);
  return { kept, bad, whole: kept === null || (second !== undefined && first?.text === second.text) };
}

/** Opens the kept document: a copy that cannot be read is put aside, and made anew from the other one. */
export async function openKeptTrust(
  files: Files,
  sha256: Sha256,
  state: string,
): Promise<{ readonly kept: KeptTrust | null; readonly bad: readonly BadCopy[] }> {
  const { kept, bad, whole } = lookForTrust(files, sha256, state);
  const aside = bad.map(({ path, why }): BadCopy => {
    try {
      const taken = new Set(files.list('trust.quarantine', state));
      const base = path.slice(state.length + 1);
      let n = 1;
      while (taken.has(`${base}.damaged-${n}`)) n += 1;
      const putAside = `${path}.damaged-${n}`;
      files.rename('trust.quarantine', path, putAside);
      return { path, why, putAside };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { path, why: `${why}; ${error.message}`, putAside: null };
    }
  });
  if (kept === null || whole) return { kept, bad: aside };
  try {
    await keepTrust(files, sha256, state, kept);
    return { kept, bad: aside };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { kept, bad: [...aside, { path: error.path, why: error.message, putAside: null }] };
  }
}

/** Keeps a document: durable in both copies when it resolves, in one at least from the first rename on. Throws Failure. */
export async function keepTrust(
  files: Files,
  sha256: Sha256,
  state: string,
  kept: Pick<KeptTrust, 'text' | 'seed'>,
): Promise<void> {
  for (const name of NAMES) await files.writeDurably('trust.write', `${state}/${name}`, encode(kept, sha256), MODE);
}
