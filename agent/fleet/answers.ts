import type { Frame } from '../ports/broker.ts';
import { type Fields, isFields } from '../values/fields.ts';
import { harmless } from '../values/printable.ts';
import { OUTCOMES } from '../values/report.ts';
import type { Address, Layer } from '../values/topics.ts';
import { NAME } from '../values/units.ts';

/** How a device has answered an update so far. */
export interface Answer {
  readonly device: string;
  /** An outcome, `waiting`, `applying`, `covered` (a more specific one outranks it) or `duplicate` (it renews an earlier one). */
  readonly state: string;
  /** True once nothing more is to be expected. */
  readonly closed: boolean;
  /** True unless the update did not get what it asked for. */
  readonly good: boolean;
  readonly code: string | null;
  readonly reason: string | null;
}

/** The update whose answers are wanted. */
export interface Asked {
  readonly root: string;
  readonly id: string;
  readonly config: string;
  readonly address: Address;
  readonly layer: Layer;
  readonly withdraw: boolean;
}

/** Collects answers from what devices say. */
export interface Answers {
  /** Takes a message in; the answer if it is a new one. Anything that is no answer, or no JSON, is passed over. */
  take(frame: Frame): Answer | null;
  /** From now on a refusal that names no update but our topic counts as the answer to ours. */
  published(): void;
  all(): readonly Answer[];
}

/** Starts collecting. */
export function openAnswers(asked: Asked): Answers {
  const answers = new Map<string, Answer>();
  const state = { published: false };
  /** Devices on which what is to be taken back still runs, and what their way back waits for. */
  const stillRuns = new Map<string, string>();
  return {
    take(frame) {
      const source = sourceOf(frame, asked);
      if (source === null) return null;
      const fields = readFields(frame.payload);
      if (fields === null) return null;
      const { device } = source;
      const before = answers.get(device);
      if (source.kind === 'reported' && asked.withdraw) noteRunning(stillRuns, device, fields, asked);
      const said =
        source.kind === 'evt'
          ? ofEvent(device, fields, asked, state.published && !frame.retain)
          : (ofReport(device, fields, asked) ?? (before?.state === TAKEN_BACK ? withdrawn(device) : null));
      const waitsFor = stillRuns.get(device);
      const answer =
        said?.state === 'withdrawn' && said.good && waitsFor !== undefined
          ? { ...said, state: TAKEN_BACK, closed: false, reason: waitsFor }
          : said;
      if (answer === null || before?.closed === true) return null;
      if (before !== undefined && before.state === answer.state && before.reason === answer.reason) return null;
      answers.set(device, answer);
      return answer;
    },
    published() {
      state.published = true;
    },
    all: () => [...answers.values()].sort((a, b) => (a.device < b.device ? -1 : 1)),
  };
}

/** The tombstone is held, but what it takes back is still in place. */
const TAKEN_BACK = 'waiting';

const withdrawn = (device: string): Answer => ({
  ...{ device, state: 'withdrawn', closed: true, good: true, code: null, reason: null },
});

/** Takes down whether what is to be taken back is what a device runs. */
function noteRunning(stillRuns: Map<string, string>, device: string, reported: Fields, asked: Asked): void {
  const { running, pending } = reported;
  const isOurs = isFields(running) && running.layer === asked.layer && running.address === asked.address;
  if (!isOurs) {
    stillRuns.delete(device);
    return;
  }
  const gates = isFields(pending) && Array.isArray(pending.waiting_for) ? pending.waiting_for.map(String) : [];
  const why = gates.length === 0 ? '' : `, the way back waits for: ${harmless(gates.join(', '), 100)}`;
  stillRuns.set(device, `taken back, but version ${harmless(String(running.version), 20)} still runs${why}`);
}

function sourceOf({ topic }: Frame, { root, config }: Asked): { device: string; kind: 'evt' | 'reported' } | null {
  const prefix = `${root}/v1/dev/`;
  if (!topic.startsWith(prefix)) return null;
  const [device = '', kind, name, more] = topic.slice(prefix.length).split('/');
  if (!NAME.test(device) || more !== undefined) return null;
  if (kind === 'evt' && name === undefined) return { device, kind };
  return kind === 'reported' && name === config ? { device, kind } : null;
}

function ofEvent(device: string, evt: Fields, asked: Asked, mayBeUnnamed: boolean): Answer | null {
  const { event, update, config, address, layer, final } = evt;
  const unnamed = update === undefined && event === 'refused' && mayBeUnnamed;
  const ours =
    update === asked.id || (unnamed && config === asked.config && address === asked.address && layer === asked.layer);
  if (!ours || typeof event !== 'string') return null;
  const make = (state: string, closed: boolean, good: boolean): Answer => ({
    device,
    state,
    closed,
    good,
    code: text(evt.code),
    reason: text(evt.reason),
  });
  if (event === 'refused') return final === false ? make('waiting', false, true) : make('refused', true, false);
  if (event === 'waiting' || event === 'applying') return make(event, false, true);
  if (event === 'covered' || event === 'duplicate') return make(event, true, true);
  if (event === 'withdrawn') return make(event, true, asked.withdraw);
  return isOutcome(event) ? make(event, true, event === 'applied') : null;
}

function ofReport(device: string, reported: Fields, asked: Asked): Answer | null {
  const attempt = reported.last_attempt;
  if (!isFields(attempt) || attempt.id !== asked.id) return null;
  const { result } = attempt;
  const pending = isFields(reported.pending) && reported.pending.id === asked.id;
  const waits = result === 'waiting' || (result === 'refused' && pending);
  if (!waits && !isOutcome(result)) return null;
  const state = waits ? 'waiting' : String(result);
  const good = waits || result === 'applied' || (result === 'withdrawn' && asked.withdraw);
  return { device, state, closed: !waits, good, code: text(attempt.code), reason: text(attempt.reason) };
}

/** The JSON object in a payload; null if there is none. */
export function readFields(payload: Uint8Array): Fields | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

function isOutcome(value: unknown): boolean {
  return OUTCOMES.some((outcome) => outcome === value);
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? harmless(value, 500) : null;
}
