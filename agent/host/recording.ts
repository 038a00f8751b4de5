import { type FileHandle, open } from 'node:fs/promises';
import type { Recording } from '../ports/vehicle.ts';
import { failureOf } from '../values/errno.ts';

/** Opens a recorded file for reading from its start. Rejects with Failure if it cannot be read. */
export async function openRecording(path: string): Promise<Recording> {
  const failing = <T>(promise: Promise<T>): Promise<T> =>
    promise.catch((error: unknown) => {
      throw failureOf('recording', path, error);
    });
  const file: FileHandle = await failing(open(path, 'r'));
  return {
    async read(max) {
      const { bytesRead, buffer } = await failing(file.read(new Uint8Array(max), 0, max));
      return buffer.subarray(0, bytesRead);
    },
    close: () => failing(file.close()),
  };
}
