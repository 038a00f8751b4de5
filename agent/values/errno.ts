import { type Code, Failure } from './errors.ts';

const CODE_OF_ERRNO: Readonly<Record<string, Code>> = {
  ENOSPC: 'disk-full',
  EDQUOT: 'disk-full',
  EROFS: 'read-only',
  EACCES: 'no-permission',
  EPERM: 'no-permission',
  ENOENT: 'missing-directory',
  ENOTDIR: 'missing-directory',
  ELOOP: 'unsafe-path',
};

/** Errors of Linux that Node has no name for, by number: it calls them unknown, in more than one way. */
const UNNAMED: ReadonlyMap<number, string> = new Map([[-122, 'EDQUOT']]);

/** The errno name of an error of Node (`ENOENT`), or null. */
export function errnoOf(error: unknown): string | null {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return null;
  const number = 'errno' in error && typeof error.errno === 'number' ? error.errno : 0;
  return UNNAMED.get(number) ?? error.code;
}

/** Turns an error of a system call into a coded {@link Failure} that says what was tried and where. */
export function failureOf(op: string, path: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  const errno = errnoOf(error);
  const code = (errno === null ? undefined : CODE_OF_ERRNO[errno]) ?? 'io';
  return new Failure(code, op, path, `${path}: ${op}: ${errno ?? String(error)}`, {
    retry: code !== 'unsafe-path',
    cause: error,
  });
}
