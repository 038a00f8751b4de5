import type { JournalMemory, JournalRecord } from '../ports/journal.ts';

/** A command that was taken, for as long as its id has to be remembered. */
export interface TakenCommand {
  readonly id: string;
  /** Epoch seconds. */
  readonly exp: number;
  readonly cmd: string;
  readonly config: string | null;
}

/** The ids of commands this device has taken: each is good for once, whatever the clock says. */
export interface Ids extends JournalMemory {
  used(id: string): boolean;
  /** A command that ends then or before cannot be told from one whose id was forgotten: it is not taken. Epoch seconds; it never falls. */
  forgottenUntilS(): number;
  /** Taken, and not answered yet. */
  open(): readonly TakenCommand[];
  /** The records of a command being taken. `nowS` null: the clock is not trusted, so nothing is over. */
  take(command: TakenCommand, nowS: number | null): readonly JournalRecord[];
}

/** Most ids that are remembered: more commands than a person sends in a week. */
const IDS_MAX = 1000;

/** The record that says a command was answered. */
export function answeredRecord(id: string): JournalRecord {
  return { t: 'command-answered', id };
}

type Stored =
  | { t: 'command-taken'; command: TakenCommand }
  | { t: 'command-answered'; id: string }
  | { t: 'command-forgotten'; until_s: number };
const TYPES = ['command-taken', 'command-answered', 'command-forgotten'] as const;

/** Records of this room were written by this room and carry a check: their type is all that is looked at. */
function isStored(record: JournalRecord): record is JournalRecord & Stored {
  return TYPES.some((type) => type === record.t);
}

/** Makes an empty memory; the journal folds its records in. */
export function createIds(): Ids {
  const taken = new Map<string, TakenCommand>();
  const open = new Map<string, TakenCommand>();
  let forgottenUntilS = 0;

  const forget = (untilS: number) => {
    forgottenUntilS = Math.max(forgottenUntilS, untilS);
    for (const { id, exp } of taken.values()) if (exp <= forgottenUntilS) taken.delete(id);
  };
  /** Up to which end ids can go: those that are over, and the first to end if there are too many. */
  const dispensable = (nowS: number | null): number => {
    const ends = [...taken.values()].map(({ exp }) => exp).sort((a, b) => a - b);
    const over = nowS === null ? 0 : (ends.findLast((exp) => exp <= nowS) ?? 0);
    return Math.max(over, ends[ends.length - IDS_MAX] ?? 0);
  };

  return {
    types: TYPES,
    fold(record) {
      if (!isStored(record)) return;
      switch (record.t) {
        case 'command-taken':
          taken.set(record.command.id, record.command);
          open.set(record.command.id, record.command);
          break;
        case 'command-answered':
          open.delete(record.id);
          break;
        case 'command-forgotten':
          forget(record.until_s);
          break;
      }
    },
    snapshot: () => [
      { t: 'command-forgotten', until_s: forgottenUntilS },
      ...[...taken.values()].flatMap((command): readonly JournalRecord[] =>
        open.has(command.id)
          ? [{ t: 'command-taken', command }]
          : [{ t: 'command-taken', command }, answeredRecord(command.id)],
      ),
      // Their ids may be forgotten, their answer is still owed.
      ...[...open.values()]
        .filter(({ id }) => !taken.has(id))
        .map((command): JournalRecord => ({ t: 'command-taken', command })),
    ],
    used: (id) => taken.has(id) || open.has(id),
    forgottenUntilS: () => forgottenUntilS,
    open: () => [...open.values()],
    take(command, nowS) {
      const untilS = dispensable(nowS);
      const forgotten: readonly JournalRecord[] =
        untilS > forgottenUntilS ? [{ t: 'command-forgotten', until_s: untilS }] : [];
      return [...forgotten, { t: 'command-taken', command }];
    },
  };
}
