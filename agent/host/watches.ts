import { watch } from 'node:fs';
import type { WatchDir } from '../ports/files.ts';

/** Watches directories by inotify. A watch that fails, or whose directory goes, is silent: who needs to be sure also looks by the clock. */
export const hostWatchDir: WatchDir = (dir, changed) => {
  try {
    const watcher = watch(dir, { persistent: false }, (_event, name) => {
      if (name !== null) changed(name);
    });
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => {};
  }
};
