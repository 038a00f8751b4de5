import type { Cancel, Clock, Cron } from '../ports/world.ts';

/** Longest time between two looks at the wall clock. Effect: a jump is noticed within it. */
const LOOK_MS = 30_000;
/** How far the wall clock may stray from the monotonic one between two looks before that counts as a jump. */
const JUMP_MS = 5_000;

/** The next match of an expression after now, in Unix milliseconds. */
type NextMs = () => number;

/**
 * Schedules by cron expressions. node-cron says when the next time is, and no more: its own timers make up for every minute of a wall
 * clock that jumps years ahead, one by one, and stand still until one that jumps back has caught up. Here a jump either way is one
 * run, and the schedule goes on from the new time.
 */
export function hostCron(clock: Clock, load: (expression: string) => Promise<NextMs> = timesOf(clock)): Cron {
  return (expression, run) => {
    const state: { stopped: boolean; cancel: Cancel } = { stopped: false, cancel: () => {} };
    const arm = (next: NextMs, dueMs: number) => {
      const [wallMs, bootMs] = [clock.wallMs(), clock.bootMs()];
      const waitMs = Math.max(1, Math.min(dueMs - wallMs, LOOK_MS));
      const look = () => {
        if (state.stopped) return;
        const strayedMs = clock.wallMs() - wallMs - (clock.bootMs() - bootMs);
        const isDue = clock.wallMs() >= dueMs || Math.abs(strayedMs) > JUMP_MS;
        arm(next, isDue ? next() : dueMs);
        if (isDue) run();
      };
      state.cancel = clock.after(waitMs, look, 'about');
    };
    // Loaded when first needed: it is not in the way of the start.
    void load(expression).then((next) => {
      if (!state.stopped) arm(next, next());
    });
    return () => {
      state.stopped = true;
      state.cancel();
    };
  };
}

/** The default schedule, told without node-cron: that one asks for time zones, which bring 8 MB of tables into memory. */
const EVERY_MINUTE = '* * * * *';
const MINUTE_MS = 60_000;

function timesOf(clock: Clock): (expression: string) => Promise<NextMs> {
  return async (expression) => {
    if (expression === EVERY_MINUTE) return () => (Math.floor(clock.wallMs() / MINUTE_MS) + 1) * MINUTE_MS;
    const { createTask } = await import('node-cron');
    const task = createTask(expression, () => {});
    return () => task.getNextRuns(1)[0]?.getTime() ?? Number.POSITIVE_INFINITY;
  };
}
