import type { Answer } from '../fleet/answers.ts';
import type { SignedUpdate } from '../fleet/compose.ts';
import { ledgerDir, openVersionLedger, type VersionPlace } from '../fleet/ledger.ts';
import { connectFleet } from '../fleet/link.ts';
import { type PushEnd, pushUpdate } from '../fleet/push.ts';
import { highestVersion } from '../fleet/versions.ts';
import { EXIT } from '../values/errors.ts';
import type { Update } from '../values/update.ts';
import type { Terminal } from './command.ts';
import { BROKER_OPTIONS, readBroker, readCount, readDuration, withLinkWords } from './fleet-options.ts';

/** Options of every command that publishes an update and may wait for answers. */
export const DELIVER_OPTIONS = {
  ...BROKER_OPTIONS,
  wait: { type: 'string' },
  within: { type: 'string', default: '5m' },
  json: { type: 'boolean', default: false },
} as const;

/** The help text of what {@link DELIVER_OPTIONS} adds. */
export const DELIVER_HELP = `  --wait N              wait for the answers of N devices and show each
  --within D            how long to wait (default: 5m)
  --json                print one JSON object at the end

Exit codes: 0 done (with --wait: all applied), 1 time out or no broker, 2 wrong usage, 3 a device refused it.`;

type Values = { readonly [option in keyof typeof DELIVER_OPTIONS]?: string | boolean | undefined };

/** An update on its way: where it goes, and how it is made once its version is known. */
export interface Delivery {
  readonly command: string;
  readonly place: Omit<VersionPlace, 'root'>;
  /** A version that is given; null: the next one. */
  readonly version: number | null;
  make(version: number): Promise<SignedUpdate>;
}

/** Finds the version, signs, publishes, waits, and tells; the exit code. Throws SaidError. */
export async function deliver(delivery: Delivery, values: Values, terminal: Terminal): Promise<number> {
  const { command } = delivery;
  const { root, ...broker } = readBroker(command, strings(values), terminal.env);
  const wait = typeof values.wait === 'string' ? readCount(command, 'wait', values.wait) : 0;
  const withinMs = readDuration(command, 'within', String(values.within));
  const json = values.json === true;
  const place = { ...delivery.place, root };
  const ledger = openVersionLedger(ledgerDir(terminal.env));
  return withLinkWords(broker, async () => {
    const link = await connectFleet(broker);
    try {
      const version = delivery.version ?? ledger.take(place, await highestVersion(link, place));
      const signed = await delivery.make(version);
      if (delivery.version !== null) ledger.note(place, version);
      const show = openShow(signed.update, wait, json, terminal);
      const end = await pushUpdate(broker, link, {
        root,
        signed,
        wait,
        withinMs,
        onPublished: show.published,
        onAnswer: show.answer,
        onNote: (note) => terminal.err(`locksmith: ${note}\n`),
      });
      show.end(end);
      return exitCode(end);
    } finally {
      link.close();
    }
  });
}

function strings(values: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
  );
}

function exitCode({ done, answers }: PushEnd): number {
  if (!done) return EXIT.failed;
  return answers.some(({ good }) => !good) ? EXIT.refused : EXIT.done;
}

/** One answer as a person reads it. */
export function sayAnswer({ device, state, code, reason }: Answer): string {
  const why = reason === null ? '' : `: ${reason}`;
  const named = code === null || reason?.startsWith(code.replace('-', ' ')) === true ? '' : ` (${code})`;
  return `${device.padEnd(16)} ${state}${why}${named}`;
}

interface Show {
  published(): void;
  answer(answer: Answer, all: readonly Answer[]): void;
  end(end: PushEnd): void;
}

/** Shows a push: a line an answer, a progress line where the terminal can redraw one, or one JSON object at the end. */
function openShow(update: Update, wait: number, json: boolean, terminal: Terminal): Show {
  const { id, config, aud: address, layer, version, withdraw } = update;
  const clear = terminal.live ? '\r\u001b[2K' : '';
  const progress = (all: readonly Answer[]) => {
    if (!terminal.live || json) return;
    const closed = all.filter((each) => each.closed).length;
    const open = all.length - closed;
    terminal.err(`${clear}${closed} of ${wait} answered${open === 0 ? '' : `, ${open} waiting`} …`);
  };
  // A quick device answers before the broker has shown us our own document.
  const early: Answer[] = [];
  const state = { published: false };
  return {
    published() {
      if (json) return;
      const what = withdraw ? 'withdrawn' : 'pushed';
      terminal.out(`${what} ${config} version ${version} (${layer}) for ${address}, id ${id}\n`);
      for (const answer of early) terminal.out(`${sayAnswer(answer)}\n`);
      state.published = true;
      if (wait > 0) progress(early);
    },
    answer(answer, all) {
      if (json) return;
      if (!state.published) {
        early.push(answer);
        return;
      }
      if (terminal.live) terminal.err(clear);
      terminal.out(`${sayAnswer(answer)}\n`);
      progress(all);
    },
    end({ topic, done, answers }) {
      const count = (fits: (answer: Answer) => boolean) => answers.filter(fits).length;
      const covered = count(({ state }) => state === 'covered');
      const applied = count(({ closed, good }) => closed && good) - covered;
      const refused = count(({ good }) => !good);
      const waiting = count(({ closed }) => !closed);
      const silent = Math.max(0, wait - answers.length);
      if (json) {
        const told = { id, config, address, layer, version, withdraw, topic };
        const counts = { applied, covered, refused, waiting, silent };
        terminal.out(`${JSON.stringify({ update: told, answers, ...counts, asked: wait, done })}\n`);
        return;
      }
      if (wait === 0) return;
      if (terminal.live) terminal.err(clear);
      const counts = [
        `${applied} ${withdraw ? 'withdrawn' : 'applied'}`,
        ...(covered > 0 ? [`${covered} covered`] : []),
      ];
      terminal.out(`${[...counts, `${refused} refused`, `${waiting} waiting`, `${silent} silent`].join(', ')}\n`);
      if (done) return;
      const closed = count((answer) => answer.closed);
      terminal.err(
        `locksmith: ${closed} of ${wait} devices were done in time; it stays on the broker, and whoever waits takes it up later\n`,
      );
    },
  };
}
