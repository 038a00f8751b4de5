/** Why a lock is HOT. */
export const VERDICTS = ['held', 'overdue', 'stale', 'orphaned', 'unseen'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The process that has a lock. */
export interface Holder {
  /** As seen in the pid namespace of the agent; 0 if it has no number here. */
  readonly pid: number;
  /** Field 22 of /proc/PID/stat, clock ticks since boot; null if unknown. */
  readonly start: number | null;
  readonly command: string | null;
  readonly user: string | null;
  /** systemd unit or container from its cgroup. */
  readonly unit: string | null;
}

/** The lock of one config as the fleet and `--json` see it. */
export interface LockState {
  readonly state: 'COLD' | 'HOT';
  readonly verdict: Verdict | null;
  readonly holder: Holder | null;
  /** RFC 3339 UTC; when this state began, as far as known. */
  readonly since: string | null;
  /** Fencing number: grows with every grant and every reclaim, never falls. */
  readonly token: number;
  /** Updates refused because of this lock since it turned HOT. */
  readonly refusals: number;
  /** Base name of the file people know the config by. */
  readonly file: string;
  /** The reason the holder gave, if it gave one. */
  readonly reason?: string;
  /** True where no process has to live for the lock to last: it ends by its time, a reboot or a release. */
  readonly lease?: boolean;
  /** RFC 3339 UTC; until when the holder wanted it. */
  readonly until?: string;
  /** `orphaned` only: the process that took the lock and is gone. */
  readonly leaked_by?: number;
  /** Set where not Locksmith's own lock file is locked but the config file itself. */
  readonly path?: string;
  /** Locks on the config file by users whose lock does not count; they block nothing. */
  readonly unprivileged?: readonly Holder[];
}
