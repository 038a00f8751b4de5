import type { Fetch } from '../ports/fetch.ts';
import type { Cancel, Clock } from '../ports/world.ts';
import { Failure } from '../values/errors.ts';
import type { RemoteFile } from '../values/update.ts';
import type { Fetched } from './fetched.ts';

/** Pause before a fetch that failed is tried again; doubled each time. */
const RETRY_FIRST_MS = 5_000;
/** Longest pause. Reason: a server that was away for a day is noticed in time, and is not stormed by a fleet when it is back. */
const RETRY_CAP_MS = 600_000;

/** What the fetches work with. */
export interface FetchesPorts {
  readonly fetch: Fetch;
  readonly fetched: Fetched;
  readonly clock: Clock;
  /** Uniform in [0, 1): spreads a fleet that lost a server at one instant. */
  unit(): number;
  /** Digests of all fetched files that a held document asks for. */
  inUse(): ReadonlySet<string>;
  /** Something changed for a config that waits. */
  wake(config: string): void;
  /** Our own bug: the process must not go on. */
  onBug(error: unknown): void;
}

/** A content that is not here yet: on its way (no failure), or why it is not. */
export interface Late {
  readonly file: RemoteFile;
  readonly failure: Failure | null;
}

/** Fetches what configs want, in the background: the lock is not taken for it. */
export interface Fetches {
  /** From now on the config wants these, and no others. */
  want(config: string, files: readonly RemoteFile[]): void;
  /** Why not all is here that the config wants; null if it is, or if it wants nothing. */
  late(config: string): Late | null;
  /** The link is up: whatever failed is tried again at once. */
  retry(): void;
  /** Ends all; what has come so far is kept. */
  stop(): Promise<void>;
}

interface Task {
  readonly file: RemoteFile;
  readonly configs: Set<string>;
  running: Promise<void> | null;
  cancel: Cancel;
  failure: Failure | null;
  tries: number;
  /** True once what was here in part has proved wrong: the next attempt is no surprise. */
  startedOver: boolean;
}

/** Makes them; nothing runs yet. */
export function createFetches(ports: FetchesPorts): Fetches {
  const { fetch, fetched, clock } = ports;
  const tasks = new Map<string, Task>();
  const state = { stopped: false };

  const wakeAll = (task: Task) => {
    for (const config of task.configs) ports.wake(config);
  };

  const attempt = async (task: Task): Promise<void> => {
    const part = await fetched.open(task.file);
    const from = part.bytes();
    try {
      if (from < task.file.size) {
        const { done, cancel } = fetch({ url: task.file.url, from, take: part.take });
        task.cancel = cancel;
        if (state.stopped || task.configs.size === 0) cancel();
        await done;
      }
      return await part.finish();
    } catch (error) {
      // A part that a power cut has spoilt is none of the server's doing: it gets a second chance at once.
      const spoilt = from > 0 && part.bytes() === 0 && !task.startedOver;
      if (!(spoilt && error instanceof Failure)) throw error;
      task.startedOver = true;
    } finally {
      part.close();
    }
    return attempt(task);
  };

  const start = (task: Task) => {
    if (task.running !== null || state.stopped) return;
    task.cancel();
    task.cancel = () => {};
    task.running = attempt(task)
      .then(
        () => {
          tasks.delete(task.file.digest);
          wakeAll(task);
        },
        (error: unknown) => {
          if (!(error instanceof Failure)) throw error;
          // Nobody wants it any more.
          if (task.configs.size === 0) return void tasks.delete(task.file.digest);
          const told = task.failure?.message === error.message;
          task.failure = error;
          const pauseMs = Math.min(RETRY_CAP_MS, RETRY_FIRST_MS * 2 ** task.tries) * (0.5 + ports.unit() / 2);
          task.tries += 1;
          task.cancel = clock.after(pauseMs, () => start(task));
          if (!told) wakeAll(task);
        },
      )
      .catch(ports.onBug)
      .finally(() => {
        task.running = null;
      });
  };

  const taskOf = (file: RemoteFile): Task => {
    const found = tasks.get(file.digest);
    if (found !== undefined) return found;
    const fresh = { running: null, cancel: () => {}, failure: null, tries: 0, startedOver: false };
    const task: Task = { file, configs: new Set(), ...fresh };
    tasks.set(file.digest, task);
    return task;
  };

  return {
    want(config, files) {
      const digests = files.map(({ digest }) => digest);
      for (const [digest, task] of tasks) {
        if (digests.includes(digest)) continue;
        task.configs.delete(config);
        if (task.configs.size > 0) continue;
        task.cancel();
        if (task.running === null) tasks.delete(digest);
      }
      if (files.some(({ digest }) => !tasks.has(digest))) fetched.sweep(ports.inUse);
      const wanted = files.map(taskOf);
      for (const task of wanted) {
        task.configs.add(config);
        if (task.failure === null) start(task);
      }
    },
    late(config) {
      const waited = [...tasks.values()].filter(({ configs }) => configs.has(config));
      const first = waited.find(({ failure }) => failure !== null) ?? waited[0];
      return first === undefined ? null : { file: first.file, failure: first.failure };
    },
    retry() {
      for (const task of tasks.values()) {
        if (task.failure === null || task.running !== null) continue;
        task.tries = 0;
        start(task);
      }
    },
    async stop() {
      state.stopped = true;
      const all = [...tasks.values()];
      for (const task of all) task.cancel();
      await Promise.all(all.map(({ running }) => running));
    },
  };
}
