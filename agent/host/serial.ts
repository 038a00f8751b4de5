import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { promisify } from 'node:util';
import type { Reply, Wire } from '../ports/vehicle.ts';
import { errnoOf } from '../values/errno.ts';
import { messageOf } from '../values/thrown.ts';

/** How long stty may take. */
const STTY_MS = 5_000;

/** A serial line, raw, 8N1, without flow control, at a baud rate. Opened first and set then: some drivers forget at the last close. */
export function serialWire(path: string, baud: number): Wire {
  return {
    name: `${path} ${baud} baud`,
    datagrams: false,
    open(events) {
      const state: { ended: boolean; fd: number | null; stream: ReadStream | null } = {
        ...{ ended: false, fd: null, stream: null },
      };
      const end = (why: string) => {
        if (state.ended) return;
        state.ended = true;
        state.stream?.destroy();
        if (state.fd !== null) closeSync(state.fd);
        events.ended(why);
      };
      const reply: Reply = (bytes) => {
        if (state.ended || state.fd === null) return;
        try {
          writeSync(state.fd, bytes);
        } catch (error) {
          // A line that takes no more now, as nobody reads: what was asked for is asked for again.
          if (errnoOf(error) !== 'EAGAIN') end(messageOf(error));
        }
      };
      const openLine = async () => {
        const { O_RDWR, O_NOCTTY, O_NONBLOCK } = constants;
        state.fd = openSync(path, O_RDWR | O_NOCTTY | O_NONBLOCK);
        const mode = ['raw', '-echo', 'cs8', '-parenb', '-cstopb', 'clocal', '-crtscts', `${baud}`];
        await promisify(execFile)('stty', ['-F', path, ...mode], { timeout: STTY_MS });
        if (state.ended) return;
        const stream = new ReadStream(openSync(path, O_RDWR | O_NOCTTY | O_NONBLOCK));
        state.stream = stream;
        stream.on('data', (bytes) => state.ended || events.bytes(bytes, reply));
        stream.on('error', (error) => end(error.message));
        stream.on('close', () => end('the line was closed'));
        events.opened();
      };
      Promise.resolve()
        .then(openLine)
        .catch((error: unknown) =>
          end(error instanceof Error ? error.message.trim().replace(/\n/g, ' ') : String(error)),
        );
      return () => end('closed');
    },
  };
}
