import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { createConnection } from 'node:net';
import { errnoOf, failureOf } from '../values/errno.ts';
import { Failure } from '../values/errors.ts';
import { messageOf } from '../values/thrown.ts';

/** What was asked, as a server of ours needs it. */
export interface WebRequest {
  readonly method: string;
  readonly url: string;
  readonly host: string | null;
  readonly site: string | null;
}

/** What is answered. */
export interface WebAnswer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where a server listens. */
export type WebPlace =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'socket'; readonly path: string };

/** A server that answers until it is closed. */
export interface WebServer {
  /** `http://127.0.0.1:8631/`, or `unix:PATH`. */
  readonly address: string;
  close(): void;
}

/** How long somebody may take to ask, and how many may ask at once: this is for one person and one scraper. */
const ASK_MS = 10_000;
const CONNECTIONS_MAX = 16;

function header(request: IncomingMessage, name: string): string | null {
  const value = request.headers[name];
  return typeof value === 'string' ? value : null;
}

/** Whether somebody listens on a socket. */
function isListenedOn(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(path, () => {
      socket.destroy();
      resolve(true);
    });
    // Who may not connect leaves it alone, too.
    socket.once('error', (error) => resolve(errnoOf(error) !== 'ECONNREFUSED'));
  });
}

/** Makes room for a socket: takes away one that is left of a server that is gone, and nothing else. Throws Failure. */
async function makeRoom(path: string): Promise<void> {
  const taken = (why: string) => new Failure('io', 'page.listen', path, `${path}: ${why}`, { retry: false });
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return;
    if (!stat.isSocket()) throw taken('is there already, and no socket');
    if (await isListenedOn(path)) throw taken('another server listens there');
    rmSync(path, { force: true });
  } catch (error) {
    throw failureOf('page.listen', path, error);
  }
}

/** Serves small texts to this machine. Throws Failure if it cannot listen. */
export async function serveWeb(
  place: WebPlace,
  answer: (request: WebRequest) => Promise<WebAnswer>,
): Promise<WebServer> {
  const server = createServer(
    { requestTimeout: ASK_MS, headersTimeout: ASK_MS, maxHeaderSize: 16 * 1024 },
    (request, response) => {
      const asked = {
        method: request.method ?? '',
        url: request.url ?? '/',
        host: header(request, 'host'),
        site: header(request, 'sec-fetch-site'),
      };
      // Nobody sends us anything to read.
      request.resume();
      answer(asked)
        .catch((error: unknown): WebAnswer => {
          const why = messageOf(error);
          return { status: 500, type: 'text/plain; charset=utf-8', text: `${why}\n` };
        })
        .then(({ status, type, text, headers = {} }) => {
          const bytes = Buffer.from(text);
          response.writeHead(status, { ...headers, 'content-type': type, 'content-length': bytes.length });
          response.end(asked.method === 'HEAD' ? undefined : bytes);
        });
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  const name = place.kind === 'tcp' ? `${place.host}:${place.port}` : place.path;
  if (place.kind === 'socket') await makeRoom(place.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(failureOf('page.listen', name, error)));
    if (place.kind === 'tcp') server.listen(place.port, place.host, resolve);
    else server.listen(place.path, resolve);
  });
  if (place.kind === 'socket') chmodSync(place.path, 0o660);
  const bound = server.address();
  const address =
    bound === null || typeof bound === 'string'
      ? `unix:${name}`
      : `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}/`;
  return {
    address,
    close() {
      // Takes its socket away, too.
      server.close();
      server.closeAllConnections();
    },
  };
}
