import type { Supervisor } from '../ports/supervisor.ts';
import type { Clock } from '../ports/world.ts';
import type { LinkState } from '../values/link.ts';
import type { LockState } from '../values/lock.ts';
import type { Reported } from '../values/report.ts';

/** How long a start may wait for the first answer of the broker, in milliseconds. Reason: without a network there is none, and that is healthy. */
const FIRST_ANSWER_MS = 10_000;

/** What a standing is made of. */
export interface StandingInput {
  readonly clock: Clock;
  readonly supervisor: Supervisor;
  link(): LinkState | null;
  locks(): Readonly<Record<string, LockState>>;
  reports(): readonly Reported[];
}

/** What the supervisor is told: that the agent is in service, that it lives, and how things stand. */
export interface Standing {
  /** Locks are settled and looked after. The agent is in service as soon as it is also known how the link does. */
  settled(): void;
  /** The agent lives, with everything in its time. Called every few seconds; says how things stand where that has changed. */
  alive(): void;
  /** Link, locks or reports may have changed. */
  changed(): void;
  stopping(reason: string): void;
}

/** Makes it. */
export function createStanding({ clock, supervisor, ...input }: StandingInput): Standing {
  const said = { status: '', ready: false, stopping: false, settledMs: Number.POSITIVE_INFINITY };
  const status = (line: string) => {
    if (line !== said.status) supervisor.status(line);
    said.status = line;
  };
  const update = () => {
    // What is taken down one by one is no news.
    if (said.stopping) return;
    const link = input.link();
    status(sayStanding(link, input.locks(), input.reports()));
    const known = link !== null && link.state !== 'connecting';
    const waitedMs = clock.bootMs() - said.settledMs;
    if (!said.ready && (known ? waitedMs >= 0 : waitedMs >= FIRST_ANSWER_MS)) {
      said.ready = true;
      supervisor.ready();
    }
  };
  return {
    settled() {
      said.settledMs = clock.bootMs();
      update();
    },
    alive() {
      supervisor.alive();
      update();
    },
    changed: update,
    stopping(reason) {
      said.stopping = true;
      supervisor.stopping();
      status(`stopping: ${reason}`);
    },
  };
}

/** How things stand, in one line: the link, the locks that are HOT, and what waits for what. Pure. */
export function sayStanding(
  link: Pick<LinkState, 'words'> | null,
  locks: Readonly<Record<string, Pick<LockState, 'state' | 'verdict' | 'file'>>>,
  reports: readonly Pick<Reported, 'pending'>[],
): string {
  const hot = Object.values(locks).filter(({ state }) => state === 'HOT');
  const gates = reports.flatMap(({ pending }) => (pending === null ? [] : [pending.waiting_for.join(' and ')]));
  const parts = [
    link?.words ?? 'starting',
    hot.length === 0 ? 'all locks COLD' : `HOT: ${hot.map(({ file, verdict }) => `${file} (${verdict})`).join(', ')}`,
    ...(gates.length === 0 ? [] : [`${gates.length} waiting (for ${[...new Set(gates)].join('; ')})`]),
  ];
  return parts.join('; ');
}
