import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { BY_URL, type FileToSend } from '../fleet/compose.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { whyNoFetchUrl } from '../values/fetch-url.ts';
import { DOCUMENT_MAX_BYTES, FETCHED_MAX_BYTES } from '../values/update.ts';
import { misuse } from './fleet-options.ts';

/** Options that say more of the files of an update. */
export const FILE_OPTIONS = {
  absent: { type: 'string', multiple: true },
  url: { type: 'string', multiple: true },
} as const;

/** The help text of {@link FILE_OPTIONS}. */
export const FILE_HELP = `  --absent NAME         a file of the config that is to be removed; again for each
  --url NAME=URL        devices fetch the content of this file from there (https); PATH is still needed, for its digest; again for each`;

type FileValues = { readonly [option in keyof typeof FILE_OPTIONS]?: readonly string[] | undefined };

/**
 * Reads `PATH` or `NAME=PATH` arguments and {@link FILE_OPTIONS} into the files of an update. Throws {@link SaidError}
 * (exit 2; 1 for a file that is too large).
 */
export function readFilesToSend(command: string, args: readonly string[], options: FileValues): readonly FileToSend[] {
  const urls = new Map((options.url ?? []).map((text) => readUrl(command, text)));
  const absent = (options.absent ?? []).map((name) => ({ name, bytes: null }));
  if (args.length + absent.length === 0) throw misuse(command, 'which files? name every file of the config');
  const present = args.map((arg) => {
    const renamed = /^([^=/]+)=(.+)$/.exec(arg);
    const path = renamed?.[2] ?? arg;
    const name = renamed?.[1] ?? basename(path);
    return { name, bytes: readContent(command, path, urls.has(name)), url: urls.get(name) };
  });
  const unused = [...urls.keys()].find((name) => !present.some((file) => file.name === name));
  if (unused !== undefined) {
    throw misuse(command, `--url: ${unused} is none of the files; give it as PATH too, for its size and digest`);
  }
  return [...present, ...absent];
}

function readUrl(command: string, text: string): readonly [string, string] {
  const [, name, url] = /^([^=/]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || url === undefined) throw misuse(command, `--url: expected NAME=URL, found '${text}'`);
  const wrong = whyNoFetchUrl(url);
  if (wrong !== null) throw misuse(command, `--url: ${name}: ${wrong}, found '${url}'`);
  return [name, url];
}

function readContent(command: string, path: string, byUrl: boolean): Uint8Array {
  const max = byUrl ? FETCHED_MAX_BYTES : DOCUMENT_MAX_BYTES;
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= max) return bytes;
    const what = byUrl ? 'what devices fetch, 8 MiB' : 'an update of 128 KiB';
    throw new SaidError(
      EXIT.failed,
      `${path}: ${bytes.length} bytes do not fit into ${what}`,
      byUrl ? 'make the file smaller, or split it' : BY_URL,
    );
  } catch (error) {
    if (error instanceof SaidError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new SaidError(EXIT.usage, `${command}: ${path}: cannot be read: ${code}`, `locksmith ${command} --help`);
  }
}
