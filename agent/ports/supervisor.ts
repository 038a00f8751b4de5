/** Whoever started the agent as a service, keeps it alive and shows a line about it. Nothing here throws or waits. */
export interface Supervisor {
  /** Within how many milliseconds it has to hear again that the agent is alive; null: it does not ask. */
  readonly aliveWithinMs: number | null;
  /** The agent is in service: subscribed, or without a link but at work. */
  ready(): void;
  /** It is alive, and what it has under way is in its time. */
  alive(): void;
  /** What a person should know at a glance, one line. */
  status(line: string): void;
  /** It ends what it is at and leaves. */
  stopping(): void;
}
