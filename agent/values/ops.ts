/**
 * THE table of effect labels: every call that changes a file, a lock or the clock's memory carries one of these, so that a
 * test can break exactly one step and a sweep can prove that none was forgotten. Named `room.step`.
 */
export const OPS = [
  'journal.open',
  'journal.append',
  'journal.sync',
  'journal.compact',
  'journal.quarantine',
  'instance.lock',
  'leftovers.remove',
  'settings.read',
  'trust.read',
  'trust.write',
  'trust.quarantine',
  'check.read',
  'check.open',
  'fetch.write',
  'fetch.sweep',
  'stage.open',
  'stage.read',
  'stage.write',
  'stage.discard',
  'commit.keep',
  'commit.rename',
  'commit.remove',
  'commit.sync',
  'recover.look',
  'keep.store',
  'keep.sweep',
  'lock.open',
  'lock.guard',
  'lock.take',
  'lock.drop',
  'lock.inode',
  'lock.record',
  'lock.view',
  'lock.ceiling',
  'view.status',
  'view.beat',
  'vehicle.key',
  'log.append',
] as const;

/** A label of {@link OPS}. */
export type Op = (typeof OPS)[number];
