import * as fs from 'node:fs';
import { promisify } from 'node:util';
import type { DiskSync } from '../ports/files.ts';

/** A disk that answers within this time is waited for in place: a trip through the thread pool costs as much again. */
const FAST_MS = 3;

const later = { all: promisify(fs.fsync), data: promisify(fs.fdatasync) } as const;
const now = { all: fs.fsyncSync, data: fs.fdatasyncSync } as const;

/**
 * Syncs in place while the disk is fast and off the main thread once it is not: a worn card can take seconds, and then the loop must
 * go on answering. One slow sync in place is the most that a stall costs. `time`: milliseconds that only grow.
 */
export function adaptiveSync(time: () => number = () => performance.now(), calls = { now, later }): DiskSync {
  const state = { fast: false };
  return async (fd, how) => {
    const beganMs = time();
    try {
      if (state.fast) calls.now[how](fd);
      else await calls.later[how](fd);
    } finally {
      state.fast = time() - beganMs < FAST_MS;
    }
  };
}
