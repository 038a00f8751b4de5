import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Fetch, FetchAsk } from '../ports/fetch.ts';
import { errnoOf } from '../values/errno.ts';
import { Failure } from '../values/errors.ts';
import { whyNoFetchUrl } from '../values/fetch-url.ts';
import { harmless } from '../values/printable.ts';

/** A server that sends nothing for so long is given up; what has come so far is kept. */
const SILENCE_MS = 30_000;
/** Longest time for one attempt: one that trickles must not hold up the next for ever. */
const ATTEMPT_MS = 30 * 60_000;
/** Most redirections that are followed: file stores use one. */
const REDIRECTS_MAX = 5;

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'the server broke the connection off',
  ENOTFOUND: 'no such name',
  EAI_AGAIN: 'the name cannot be looked up: is there a network?',
  ENETUNREACH: 'there is no way to it from here',
  EHOSTUNREACH: 'there is no way to it from here',
  ETIMEDOUT: 'no answer',
};

function failed(url: string, why: string, cause?: unknown): Failure {
  return new Failure('download-failed', 'fetch', url, `${url}: ${why}`, { retry: true, cause });
}

function whyOf(error: unknown): string {
  const code = errnoOf(error);
  const words = code === null ? undefined : WORDS[code];
  const message = error instanceof Error ? harmless(error.message, 200) : String(error);
  return words === undefined ? message : `${words} (${code})`;
}

/** Where the body of an answer begins in the file. Throws Failure for an answer that has no body for us. */
function placeOf({ url, from }: FetchAsk, answer: IncomingMessage): number {
  const { statusCode = 0, statusMessage = '', headers } = answer;
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
    throw failed(url, `the server sent it as ${harmless(headers['content-encoding'], 40)}, which was not asked for`);
  }
  if (statusCode === 200) return 0;
  const range = statusCode === 206 ? /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers['content-range'] ?? '') : null;
  if (range !== null && Number(range[1]) === from) return from;
  if (statusCode === 206) throw failed(url, 'the server sent another part of the file than was asked for');
  throw failed(url, `the server answered ${statusCode} ${harmless(statusMessage, 80)}`.trim());
}

/** Fetches by Node's own HTTP client, loaded when first used. `ca`: authority of the servers (PEM) besides those Node knows. */
export function hostFetch(options: { readonly ca?: () => string; readonly silenceMs?: number } = {}): Fetch {
  const { silenceMs = SILENCE_MS } = options;

  return (ask) => {
    const run: { cancelled: boolean; request: ClientRequest | null } = { cancelled: false, request: null };

    const get = async (url: string, redirects: number): Promise<void> => {
      const wrong = whyNoFetchUrl(url);
      // A server must not point the agent at what only listens on this machine.
      const inwards = url.startsWith('http:') && ask.url.startsWith('https:');
      if (inwards) throw failed(ask.url, `leads to ${harmless(url, 200)}, which is not https`);
      if (wrong !== null) throw failed(ask.url, `leads to ${harmless(url, 200)}: ${wrong}`);
      const secure = url.startsWith('https:');
      const { request } = secure ? await import('node:https') : await import('node:http');
      const headers = {
        'accept-encoding': 'identity',
        'user-agent': 'locksmith',
        ...(ask.from > 0 ? { range: `bytes=${ask.from}-` } : {}),
      };
      const extra = options.ca?.();
      const ca = extra === undefined ? {} : { ca: [...(await import('node:tls')).rootCertificates, extra] };
      const next = await new Promise<string | null>((resolve, reject) => {
        const asked = request(url, { headers, agent: false, timeout: silenceMs, ...(secure ? ca : {}) });
        run.request = asked;
        const limit = setTimeout(() => asked.destroy(failed(ask.url, 'took too long')), ATTEMPT_MS);
        const end = (finish: () => void) => {
          clearTimeout(limit);
          finish();
        };
        asked.on('timeout', () => asked.destroy(failed(ask.url, `silent for ${silenceMs / 1000} s`)));
        asked.on('error', (error) =>
          end(() => reject(error instanceof Failure ? error : failed(ask.url, whyOf(error), error))),
        );
        asked.on('response', (answer) => {
          const { statusCode = 0, headers: found } = answer;
          if ([301, 302, 303, 307, 308].includes(statusCode) && found.location !== undefined) {
            answer.destroy();
            const target = URL.canParse(found.location, url) ? new URL(found.location, url).href : found.location;
            return end(() => resolve(target));
          }
          let at: number;
          try {
            // What is here is longer than what is there: begin anew.
            if (statusCode === 416) ask.take(new Uint8Array(), 0);
            at = placeOf(ask, answer);
          } catch (error) {
            answer.destroy();
            return end(() => reject(error));
          }
          answer.on('data', (piece: Uint8Array) => {
            try {
              ask.take(piece, at);
              at += piece.length;
            } catch (error) {
              answer.destroy();
              end(() => reject(error));
            }
          });
          // Node tells a body that was cut short by `error`, or only by the missing `complete`.
          answer.on('error', (error) =>
            end(() => reject(error instanceof Failure ? error : failed(ask.url, whyOf(error), error))),
          );
          answer.on('close', () =>
            end(() => (answer.complete ? resolve(null) : reject(failed(ask.url, 'broken off in the middle')))),
          );
        });
        asked.end();
        if (run.cancelled) asked.destroy();
      });
      if (next === null) return;
      if (redirects === 0) throw failed(ask.url, 'leads on and on to other addresses');
      await get(next, redirects - 1);
    };

    return {
      done: get(ask.url, REDIRECTS_MAX),
      cancel() {
        run.cancelled = true;
        run.request?.destroy();
      },
    };
  };
}
