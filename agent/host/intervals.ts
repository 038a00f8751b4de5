import type { Cancel, Clock, Intervals } from '../ports/world.ts';

/**
 * Intervals whose first two may come a sixth late, so that they share a wake, and no later one. For the keepalive of MQTT.js: it looks twice in
 * that time, asks at the second, and gives up at the third: after one and a half of that time, as the broker does.
 */
export function intervalsBy({ after, bootMs }: Pick<Clock, 'after' | 'bootMs'>): Intervals {
  const cancels = new Map<number, Cancel>();
  let last = 0;
  return {
    set(fn, ms) {
      last += 1;
      const id = last;
      let [times, dueMs] = [0, bootMs() + ms];
      const again = () => {
        times += 1;
        const lateMs = bootMs() - dueMs;
        // Lateness does not add up; but after a sleep the next has its whole time, for something is to happen in between.
        const waitMs = lateMs < ms / 2 ? ms - lateMs : ms;
        dueMs = bootMs() + waitMs;
        cancels.set(id, after(waitMs, again, times < 2 ? 'about' : undefined));
        fn();
      };
      cancels.set(id, after(ms, again, 'about'));
      return id;
    },
    clear(id) {
      cancels.get(id)?.();
      cancels.delete(id);
    },
  };
}
