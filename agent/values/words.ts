import type { CodeText } from './errors.ts';
import type { LockState, Verdict } from './lock.ts';
import type { EventName, Gate } from './report.ts';

/** What a state of a lock means. */
export const LOCK_TEXTS = {
  COLD: {
    meaning: 'The lock is free: updates of the config are applied.',
    cause: 'Nobody has it; that was shown by taking it.',
    remedy: 'Nothing to do.',
  },
  HOT: {
    meaning: 'Somebody has the lock, or it cannot be shown that nobody has: updates of the config wait.',
    cause: 'The verdict says which: held, overdue, stale, orphaned or unseen.',
    remedy: '`locksmith locks NAME` names the holder and says what to do.',
  },
} as const satisfies Record<LockState['state'], CodeText>;

/** Why a lock is HOT. */
export const VERDICT_TEXTS = {
  held: {
    meaning: 'A live process has the lock, as it may.',
    cause: 'A program works with the config, somebody ran `locksmith hold`, or a lease is in force.',
    remedy: 'Wait for it; `locksmith locks NAME` says who it is. What waits is applied by itself afterwards.',
  },
  overdue: {
    meaning: 'A live process has had the lock for longer than it said it would.',
    cause: 'It is slow, or stuck. Nobody takes a lock from a live holder.',
    remedy: 'Look at what it does; ask its owner, or end it. What waits is applied by itself afterwards.',
  },
  stale: {
    meaning: 'The lock says it is taken, but nobody has it.',
    cause: 'Its holder crashed, or the device lost power.',
    remedy: 'Nothing: the agent reclaims it within seconds, if it runs (`locksmith status`).',
  },
  orphaned: {
    meaning: 'Whoever took the lock is gone, and another process has the open lock file from it.',
    cause:
      'A program left a child behind that inherited the lock; a shell that ran `flock` on a descriptor looks the same.',
    remedy: 'Find out whether that process still works on the config; if not: `locksmith release NAME --end-holder`.',
  },
  unseen: {
    meaning: 'The kernel says that somebody has the lock, but no process here shows it.',
    cause:
      'The holder is in a container (another pid namespace), or the open lock file is on its way between two processes.',
    remedy:
      'Look into the containers of the device; run the same command as root; a restart of the device frees the lock.',
  },
} as const satisfies Record<Verdict, CodeText>;

/** What an update can wait for. */
export const GATE_TEXTS = {
  lock: {
    meaning: 'The update waits for the lock of its config.',
    cause: 'The lock is HOT.',
    remedy: '`locksmith locks NAME` says who has it. The update is applied within 2 s after the lock turns COLD.',
  },
  window: {
    meaning: 'The update waits for its window: it may be applied only at certain times.',
    cause: 'The document or the settings name a window, and it is not open now.',
    remedy: 'Wait for it; or push the same content without a window and with a higher version.',
  },
  vehicle: {
    meaning: 'The update waits until the vehicle is shown to be safe.',
    cause: 'It is armed, in the air, or nothing says how it is.',
    remedy: 'Land and disarm; `locksmith status` shows what is known of the vehicle.',
  },
  clock: {
    meaning: 'The update waits until the clock can be trusted.',
    cause: 'It depends on a time, and the clock is earlier than times this device has already seen.',
    remedy: 'Let the device set its clock (GPS, NTP); `locksmith doctor` shows how far it is off.',
  },
  disk: {
    meaning: 'The update waits for the disk.',
    cause: 'It is full, read-only or not mounted; the reason names the path.',
    remedy: 'Mend what `locksmith doctor` names. The update is tried again by itself.',
  },
  download: {
    meaning: 'The update waits for a file that is to be fetched.',
    cause: 'The server is away, or the network is.',
    remedy: 'Look at the network and at the server. It is tried again by itself.',
  },
  halt: {
    meaning: 'The update waits because the operator has stopped changes.',
    cause: 'A halt is in force for this config or roll-out.',
    remedy: 'Ask the operator to lift it.',
  },
  confirm: {
    meaning: 'The update is in place and waits to be confirmed.',
    cause: 'It has to prove itself: by its health, by the link to the broker, or by a word of the fleet.',
    remedy: 'Wait: it is confirmed, or rolled back, by itself.',
  },
} as const satisfies Record<Gate, CodeText>;

const NOTHING = 'Nothing to do.';

/** What an event of the log and the history means. */
export const EVENT_TEXTS = {
  started: {
    meaning: 'The agent has started.',
    cause: 'The device came up, or the agent was started anew.',
    remedy: NOTHING,
  },
  stopped: {
    meaning: 'The agent has left in good order.',
    cause: 'It was told to, by systemd or by a person. A crash says nothing.',
    remedy: 'Start it again if it shall run: `systemctl start locksmith-agent`.',
  },
  waiting: {
    meaning: 'An update was taken in and waits at a gate.',
    cause: 'Its reason names the gate: lock, window, vehicle, clock, disk, download, halt or confirm.',
    remedy: 'Nothing: it is applied by itself. `locksmith explain GATE` tells more.',
  },
  refused: {
    meaning: 'An update was not taken.',
    cause: 'Its code says why.',
    remedy: '`locksmith explain CODE`. One that stays pending is tried again by itself.',
  },
  applying: {
    meaning: 'An update is being put in place.',
    cause: 'Every gate was open.',
    remedy: 'Wait: `applied` or a refusal follows.',
  },
  applied: { meaning: 'An update is in place and proven good.', cause: 'Every step went through.', remedy: NOTHING },
  failed: {
    meaning: 'An update was taken, but could not be put in place; the old content is there.',
    cause: 'Its code says what failed.',
    remedy: '`locksmith explain CODE`, then push a higher version.',
  },
  'rolled-back': {
    meaning: 'An update was in place and was taken back; what ran before runs again.',
    cause: 'Its reload, its health or its confirmation failed, or a person asked for it.',
    remedy: 'Its code says what failed; correct the content and push a higher version.',
  },
  'rollback-deferred': {
    meaning: 'A rollback is due and waits until the vehicle is safe.',
    cause: 'Nothing is replaced in the air.',
    remedy: 'Land and disarm: it is carried out by itself.',
  },
  superseded: {
    meaning: 'An update ended because a newer one came for the same place before it was applied.',
    cause: 'The operator pushed again.',
    remedy: NOTHING,
  },
  covered: {
    meaning: 'An update was taken in, but a stronger one is in force: a shadow, or one for a closer address.',
    cause: 'Shadow stands before base; this device before its groups, and those before all.',
    remedy: 'Nothing: it takes effect by itself when the stronger one ends.',
  },
  withdrawn: {
    meaning: 'An update was taken back by its sender.',
    cause: 'The operator ran `locksmith withdraw`.',
    remedy: NOTHING,
  },
  expired: {
    meaning: 'The time of an update is over.',
    cause: 'Its `exp` came before it could be applied, or a shadow reached its `until` and fell off.',
    remedy: 'Push it again with a later time, if it is still wanted.',
  },
  duplicate: {
    meaning: 'An update came again that is known already.',
    cause: 'The broker says again what it keeps.',
    remedy: NOTHING,
  },
  alarm: {
    meaning: 'Something is wrong that needs a person.',
    cause: 'Its reason says what.',
    remedy: '`locksmith doctor`, and `locksmith log` around that time.',
  },
  'lock-hot': {
    meaning: 'A lock turned HOT.',
    cause: 'A process took it, or it cannot be shown that nobody has it.',
    remedy: '`locksmith locks NAME` says who and what to do.',
  },
  'lock-cold': { meaning: 'A lock turned COLD.', cause: 'Its holder let it go, or ended.', remedy: NOTHING },
  reclaimed: {
    meaning: 'The agent made a stale lock COLD.',
    cause: 'It was shown that its holder is gone; the reason says how.',
    remedy: 'Nothing here; look why the holder died without letting go.',
  },
  released: {
    meaning: 'A lock was made COLD by a decision of a person.',
    cause: 'The line says who, and why.',
    remedy: NOTHING,
  },
  confirmed: {
    meaning: 'The fleet has confirmed an update that waited for it.',
    cause: 'A signed `confirm` command came in time.',
    remedy: NOTHING,
  },
  refreshed: {
    meaning: 'The device said again what it reports.',
    cause: 'Somebody ran `locksmith refresh`.',
    remedy: NOTHING,
  },
  drift: {
    meaning: 'A file of a config is not what Locksmith put there.',
    cause: 'Somebody, or a program, changed it by hand.',
    remedy:
      '`locksmith diff NAME` shows what; find out who. The next update replaces it, `on_drift: restore` at once; the edit is kept.',
  },
  pinned: {
    meaning: 'Somebody next to the device went back to an earlier content of a config.',
    cause: '`locksmith rollback NAME`; the line says who, and why. What the fleet had sent before that counts no more.',
    remedy: 'Send something newer to take over, or on the device: `locksmith rollback NAME --undo`.',
  },
  unpinned: {
    meaning: 'What the fleet says counts again.',
    cause: 'A newer update that counts here has come, or a withdrawal, or somebody undid the rollback.',
    remedy: NOTHING,
  },
  trust: {
    meaning: 'The keys that this device believes have changed.',
    cause: 'A signed document with new keys came, or local hands changed them.',
    remedy: 'Nothing, if the operator knows of it; else find out who has the root key.',
  },
  halted: {
    meaning: 'A halt was set or lifted.',
    cause: 'The operator stopped changes, or lets them go on.',
    remedy: 'Ask the operator.',
  },
  clock: {
    meaning: 'The trust in the clock of the device has changed.',
    cause: 'The clock was set, or is earlier than times this device has already seen.',
    remedy: '`locksmith doctor` shows how the clock stands.',
  },
  quarantined: {
    meaning: 'A file of the agent could not be read and was put aside; the agent goes on with what it has.',
    cause: 'The disk, a power cut or a person damaged it.',
    remedy: 'Keep the file that the line names for support; look at the disk (`locksmith doctor`).',
  },
  dropped: {
    meaning: 'Reports were given up because the device was offline for too long.',
    cause: 'The bound of what is kept for the broker was reached; the newest state of every config is kept.',
    remedy: 'Nothing here: the fleet sees from the numbers which ones are missing.',
  },
} as const satisfies Record<EventName, CodeText>;
