import type { Cancel } from './world.ts';

/** A file on a web server, and what is to become of its bytes. */
export interface FetchAsk {
  /** `https://…`, or `http://…` on this very machine. */
  readonly url: string;
  /** The first byte that is not here yet; 0 for the whole file. */
  readonly from: number;
  /** Called for each piece with its place in the file; the first is at 0 where the server does not resume. What it throws ends the fetch. */
  readonly take: (bytes: Uint8Array, at: number) => void;
}

/** A fetch under way. */
export interface FetchRun {
  /** Resolves when the server has sent all; rejects with Failure download-failed, or with what `take` has thrown. */
  readonly done: Promise<void>;
  readonly cancel: Cancel;
}

/** Fetches a file from a web server. Never throws. */
export type Fetch = (ask: FetchAsk) => FetchRun;
