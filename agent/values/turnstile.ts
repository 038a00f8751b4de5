/** Lets only so many be inside at once; the others go in by their order as others leave. */
export interface Turnstile {
  /** Calls `go` when there is room, which is at once or when somebody leaves. */
  enter(go: () => void): void;
  leave(): void;
}

/** Makes one; `room`: how many may be inside. */
export function openTurnstile(room: number): Turnstile {
  const queue: (() => void)[] = [];
  let left = room;
  return {
    enter(go) {
      if (left === 0) return void queue.push(go);
      left -= 1;
      go();
    },
    leave() {
      const next = queue.shift();
      if (next === undefined) left += 1;
      else next();
    },
  };
}
