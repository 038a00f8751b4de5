import type { Clock } from '../ports/world.ts';
import type { Refusal } from '../values/errors.ts';
import { rfc3339 } from '../values/units.ts';
import {
  answerBack,
  answerTakenBack,
  type GoBackWish,
  orderBack,
  takenBackEvent,
  type WentBack,
} from './going-back.ts';
import type { Speak } from './intake.ts';
import type { Ledger } from './ledger.ts';
import type { ConfigView } from './said.ts';
import type { Trials } from './trials.ts';

/** What going back works with. */
export interface GoBackPorts {
  readonly ledger: Ledger;
  readonly trials: Trials;
  readonly clock: Clock;
  readonly speak: Speak;
  /** Wants an update back that is on trial; a refusal if it is not. */
  takeBack(config: string, update: string, why: string): Refusal | null;
  wake(config: string): void;
  /** Resolves when the config has come to rest. */
  settled(config: string): Promise<void>;
  view(config: string): ConfigView;
}

/** Goes back to the last good content by a person's wish, or takes that back; resolves when the line rests. */
export async function goBack(ports: GoBackPorts, wish: GoBackWish): Promise<WentBack> {
  const { ledger, trials, clock, speak } = ports;
  const { config } = wish;
  const rest = async () => {
    ports.wake(config);
    await ports.settled(config);
    return ports.view(config);
  };
  const proving = wish.undo ? null : trials.held(config);
  if (proving !== null && trials.of(config)?.fresh === true) {
    // What is still being proved is taken back by the trial itself: it never ran.
    const refusal = ports.takeBack(config, proving.id, `${wish.by} has taken it back: ${wish.reason}`);
    if (refusal !== null) return { result: 'nothing', reason: refusal.reason };
    await speak([], [takenBackEvent(proving, wish)]);
    const view = await rest();
    return answerTakenBack(trials.of(config) !== null, view);
  }
  const order = orderBack(ledger, wish, rfc3339(clock.wallMs()));
  if (order.kind === 'nothing') return { result: 'nothing', reason: order.why };
  await speak([order.record], [order.event]);
  return answerBack(ledger, wish, await rest());
}
