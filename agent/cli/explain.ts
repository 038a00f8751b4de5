import { LINK_TEXTS } from '../link/states.ts';
import { CODES, EXIT, SaidError } from '../values/errors.ts';
import { fold, labelled } from '../values/layout.ts';
import { nearest } from '../values/nearest.ts';
import { harmless } from '../values/printable.ts';
import { EVENT_TEXTS, GATE_TEXTS, LOCK_TEXTS, VERDICT_TEXTS } from '../values/words.ts';
import { type Command, readArgs, readingWidth } from './command.ts';

/** What one word means in one of its uses. */
interface Meaning {
  readonly word: string;
  readonly kind: string;
  readonly meaning: string;
  /** Null where the meaning says it. */
  readonly cause: string | null;
  readonly remedy: string;
}

const LINKS = Object.entries(LINK_TEXTS).map(([word, { words, remedy }]) => {
  const meaning = words.replace('%', 'it names which');
  return [word, { meaning: `${meaning.charAt(0).toUpperCase()}${meaning.slice(1)}.`, cause: null, remedy }] as const;
});

/** Every word that Locksmith uses of a device, by its kind. */
const KINDS: Readonly<
  Record<string, Readonly<Record<string, { meaning: string; cause: string | null; remedy: string | null }>>>
> = {
  'a code of a refusal or a failure': CODES,
  'a state of a lock': LOCK_TEXTS,
  'a verdict: why a lock is HOT': VERDICT_TEXTS,
  'a gate: what an update waits for': GATE_TEXTS,
  'an event of the log and the history': EVENT_TEXTS,
  'a state of the link to the broker': Object.fromEntries(LINKS),
};

function meaningsOf(word: string): readonly Meaning[] {
  return Object.entries(KINDS).flatMap(([kind, texts]) =>
    Object.entries(texts)
      .filter(([each]) => each.toLowerCase() === word)
      .map(([each, { meaning, cause, remedy }]) => ({
        word: each,
        kind,
        meaning,
        cause,
        remedy: remedy ?? 'Nothing to do.',
      })),
  );
}

/** `locksmith explain`. */
export const command: Command = {
  help: `Usage: locksmith explain [WORD] [--json]

What a word of status, log, history or locks means, why it comes, and what to do: every code, verdict, gate, event and state of
the link. Without a word: all of them. Needs no settings and no root.
Exit code: 0, or 4 if there is no such word.

Example: locksmith explain lock-mismatch`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs(
      'explain',
      argv,
      { json: { type: 'boolean', default: false } },
      { min: 0, max: 8, names: 'one WORD' },
    );
    const width = readingWidth(terminal);
    const say = (text: string, hang = '') => terminal.out(`${fold(text, width, hang)}\n`);
    if (positionals.length === 0) {
      if (values.json) terminal.out(`${JSON.stringify(KINDS)}\n`);
      else for (const [kind, texts] of Object.entries(KINDS)) say(`${kind}\n${Object.keys(texts).join(' ')}`, '  ');
      return EXIT.done;
    }
    // As it stands in a log: `lock mismatch:`, `HOT`, `(not-managed)`.
    const asked = positionals.join('-').toLowerCase();
    const bare = asked.replace(/^[^a-z]+|[^a-z0-9]+$/g, '').replaceAll(/[ _]+/g, '-');
    const meanings = meaningsOf(bare);
    if (meanings.length === 0) {
      const known = Object.values(KINDS).flatMap((texts) => Object.keys(texts));
      const meant = nearest(bare, known);
      throw new SaidError(
        EXIT.nothing,
        `explain: there is no word '${harmless(positionals.join(' '), 64)}'`,
        meant === null ? 'locksmith explain, which lists all' : `locksmith explain ${meant}`,
      );
    }
    if (values.json) terminal.out(`${JSON.stringify(meanings)}\n`);
    else {
      const blocks = meanings.map(({ word, kind, meaning, cause, remedy }) => [
        `${word}: ${kind}`,
        labelled('means', meaning, width),
        ...(cause === null ? [] : [labelled('why', cause, width)]),
        labelled('do', remedy, width),
      ]);
      terminal.out(`${blocks.map((lines) => lines.join('\n')).join('\n\n')}\n`);
    }
    return EXIT.done;
  },
};
