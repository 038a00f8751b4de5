import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { failureOf } from '../values/errno.ts';
import { Failure } from '../values/errors.ts';
import { messageOf } from '../values/thrown.ts';

/** Longest request or answer: a signed document in JSON, with room. */
const LINE_MAX_BYTES = 512 * 1024;

/** Longest path of a socket, in bytes. Source: unix(7), `sun_path` without its end mark. */
const PATH_MAX_BYTES = 107;

/** Answers requests on the control socket until closed. */
export interface ControlServer {
  close(): void;
}

/**
 * Serves one JSON line for one JSON line on a unix socket (0660): whoever may write to the socket may ask. The answer of a request
 * that fails is `{error}`. Throws Failure if it cannot listen.
 */
export async function serveControl(
  path: string,
  answer: (request: unknown) => Promise<object>,
): Promise<ControlServer> {
  if (Buffer.byteLength(path) > PATH_MAX_BYTES) {
    const why = `longer than the ${PATH_MAX_BYTES} bytes the path of a socket can have: choose a shorter paths.run`;
    throw new Failure('io', 'control', path, `${path}: ${why}`, { retry: false });
  }
  try {
    rmSync(path, { force: true });
  } catch (error) {
    throw failureOf('control', path, error);
  }
  const server = createServer((socket) => {
    let text = '';
    let answered = false;
    const chunks = socket.setEncoding('utf8');
    chunks.on('data', (chunk: string) => {
      // What comes behind the request is read and dropped: unread, it would take the answer down with it.
      if (answered) return;
      text += chunk;
      if (text.length > LINE_MAX_BYTES) {
        answered = true;
        text = '';
        socket.end(`${JSON.stringify({ error: 'the request is too long' })}\n`);
        return;
      }
      const end = text.indexOf('\n');
      if (end === -1) return;
      const line = text.slice(0, end);
      answered = true;
      text = '';
      new Promise<object>((resolve) => resolve(answer(JSON.parse(line))))
        .catch((error: unknown) => ({ error: messageOf(error) }))
        .then((value) => socket.end(`${JSON.stringify(value)}\n`));
    });
    // Who hangs up before the answer does not want it.
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(failureOf('control', path, error)));
    server.listen(path, resolve);
  });
  chmodSync(path, 0o660);
  return { close: () => server.close() };
}

/** Asks the daemon; null if none listens. Throws Failure io if it does not answer within `timeoutMs`. */
export function askControl(path: string, request: object, timeoutMs: number): Promise<unknown | null> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const timer = setTimeout(() => {
      socket.destroy();
      reject(
        new Failure('io', 'control', path, `${path}: the agent runs but did not answer within ${timeoutMs / 1000} s`, {
          retry: true,
        }),
      );
    }, timeoutMs);
    let text = '';
    const done = (fn: () => void) => {
      clearTimeout(timer);
      socket.destroy();
      fn();
    };
    socket.setEncoding('utf8');
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('end', () =>
      done(() => {
        try {
          resolve(JSON.parse(text));
        } catch (cause) {
          const why = 'the agent hung up before its answer was whole';
          reject(new Failure('io', 'control', path, `${path}: ${why}`, { retry: true, cause }));
        }
      }),
    );
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') done(() => resolve(null));
      else done(() => reject(failureOf('control', path, error)));
    });
  });
}
