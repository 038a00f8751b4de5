import type { Cancel, Clock, Intervals } from '../ports/world.ts';

/**
 * Intervals that may come late, so that they share a wake. For the keepalive of MQTT.js: it looks twice in that time and asks at the second,
 * a sixth late at most, and a broker waits half as long again.
 */
export function intervalsBy({ after }: Pick<Clock, 'after'>): Intervals {
  const cancels = new Map<number, Cancel>();
  let last = 0;
  return {
    set(fn, ms) {
      last += 1;
      const id = last;
      const again = () => {
        cancels.set(id, after(ms, again, 'about'));
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
