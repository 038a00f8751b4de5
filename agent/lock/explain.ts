import type { LockState } from '../values/lock.ts';
import { sayHolder } from '../values/lock-words.ts';

/** What a lock's state means here, and what a person can do about it. */
export interface Explanation {
  readonly explanation: string;
  readonly remedy: string;
}

/** Explains the lock of a config in plain words. `stale`: why it can be reclaimed; `running`: the agent is there to do it. */
export function explainLock(config: string, lock: LockState, stale: string | null, running: boolean): Explanation {
  const who = lock.holder === null ? 'somebody' : inSentence(sayHolder(lock.holder));
  const { pid, unit } = lock.holder ?? { pid: 0, unit: null };
  if (lock.state === 'COLD') return explainCold(lock);
  switch (lock.verdict) {
    case 'stale':
      return {
        explanation: `The lock says it is taken, but nobody has it: ${stale ?? 'its holder is gone'}.`,
        remedy: running
          ? 'Nothing: the agent reclaims it within seconds and applies what waits.'
          : 'Start the agent (systemctl start locksmith-agent): it reclaims the lock at once and applies what waits.',
      };
    case 'overdue':
      return {
        explanation: `${capital(who)} still has the lock, longer than it said it would. It may be stuck, or just slow; nobody takes a lock from a live holder.`,
        remedy: `Look at what it does; ask its owner, or end it${endOf(pid, unit)}. Updates that wait are applied by themselves afterwards.`,
      };
    case 'orphaned':
      return {
        explanation: [
          lock.leaked_by === undefined
            ? 'Whoever took the lock is gone,'
            : `Pid ${lock.leaked_by} took the lock and is gone,`,
          `but ${who} got the open lock file from it and keeps the lock.`,
          'A shell that ran `exec 9<>FILE; flock 9` and left a child looks the same, so this is no proof of a fault.',
        ].join(' '),
        remedy: [
          pid === 0
            ? 'Find out whether it still works on the config. If not, end it,'
            : // Not its unit: where that still has it, stopping the unit leaves it alone (KillMode=process).
              `Find out whether pid ${pid} still works on the config (systemctl status ${pid}). If not, end it (kill ${pid}),`,
          `or: locksmith release ${config} --end-holder.`,
        ].join(' '),
      };
    case 'unseen':
      return {
        explanation: [
          'The kernel says that somebody has the lock, but no process here shows it: it may be in another pid namespace',
          '(a container), or the open lock file may be on its way between two processes.',
        ].join(' '),
        remedy:
          'Look into the containers of this device (lslocks in each). It turns COLD by itself when the holder ends; a restart of the device also frees it.',
      };
    case 'held':
    case null:
      return explainHeld(config, lock, who);
  }
}

function explainCold(lock: LockState): Explanation {
  if (lock.unprivileged === undefined) {
    return { explanation: 'Nobody has the lock. Updates are applied.', remedy: 'Nothing to do.' };
  }
  const names = capital(inSentence(lock.unprivileged.map(sayHolder).join(' and ')));
  const verb = lock.unprivileged.length > 1 ? 'have' : 'has';
  return {
    explanation: [
      `Nobody has the lock that counts. ${names} ${verb} locked the config file itself,`,
      'as any local user can, which blocks nothing.',
    ].join(' '),
    remedy: 'Nothing to do; name the user in locks.honour if its lock shall count.',
  };
}

function explainHeld(config: string, lock: LockState, who: string): Explanation {
  const given = lock.reason === undefined ? '' : ` Its reason: "${lock.reason}".`;
  const waits = 'Updates wait and are applied by themselves when it turns COLD.';
  if (lock.lease === true) {
    return {
      explanation: `${capital(who)} holds the lock by a lease, which needs no running process.${given} ${waits}`,
      remedy:
        lock.until === undefined
          ? 'It ends by a restart of the device.'
          : `It ends by itself at ${lock.until}, or by a restart of the device.`,
    };
  }
  const where = lock.path === undefined ? '' : ` (by a lock on ${lock.path} itself)`;
  const { pid, unit } = lock.holder ?? { pid: 0, unit: null };
  return {
    explanation: `${capital(who)} holds the lock${where}, as it may.${given} ${waits}`,
    remedy: `Wait for it. If it must end: ask its owner, or end it${endOf(pid, unit)}; then see: locksmith locks ${config}.`,
  };
}

function endOf(pid: number, unit: string | null): string {
  if (unit?.endsWith('.service')) return ` (systemctl stop ${unit})`;
  return pid === 0 ? '' : ` (kill ${pid})`;
}

/** Closes a list of details with a comma before the sentence goes on. */
function inSentence(who: string): string {
  return who.includes(',') ? `${who},` : who;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
