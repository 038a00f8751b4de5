import type { Command, NamedHolder, VerdictCommand } from '../values/command.ts';
import { Failure, type Refusal, refuse } from '../values/errors.ts';
import type { EventBody } from '../values/report.ts';

/** What a release was signed for. */
export interface ReleaseWish {
  /** The token of the lock as the sender saw it: refused (`lock-mismatch`, `mismatch: token`) if it has moved on. */
  readonly token: number;
  /** The holder as the sender saw it; null: whoever it is. */
  readonly holder: NamedHolder | null;
  /** That holder may be ended for it. */
  readonly endHolder: boolean;
  readonly reason: string;
  /** The id of the key that signed it. */
  readonly who: string;
}

/** A release carried out. `changed: false`: the lock was COLD already. */
export interface Released {
  readonly kind: 'released';
  readonly oldToken: number;
  readonly newToken: number;
  readonly changed: boolean;
  /** Processes that were ended for it, in words. */
  readonly ended: readonly string[];
}

/** What commands are carried out with. Each may throw {@link Failure}. */
export interface Hands {
  /** Makes a lock COLD; null where this agent cannot. */
  readonly release: ((config: string, wish: ReleaseWish) => Promise<Released | Refusal>) | null;
  /** Says again what is retained, of one config or of all. `seq`: the last number the fleet has seen, if it says so. */
  refresh(config: string | null, seq: number | null): void;
  /** Takes an update that waits for it for good; a refusal if it does not. */
  confirm(config: string, update: string): Refusal | null;
  /** Takes back an update that runs or is on trial; resolves when that will happen by itself. A refusal if it is neither. */
  rollBack(config: string, update: string): Promise<Refusal | null>;
}

/** What every answer names. */
export function aboutCommand(command: { readonly id: string; readonly cmd: string; readonly config?: string | null }) {
  const { id, cmd, config } = command;
  return { command: id, cmd, ...(config === undefined || config === null ? {} : { config }) };
}

/** A refusal as the answer to a command, or to what was meant to be one. */
export function refusedEvent(refusal: Refusal, said: Partial<EventBody>): EventBody {
  const { code, reason, mismatch } = refusal;
  return { event: 'refused', ...said, code, reason, final: true, ...(mismatch === undefined ? {} : { mismatch }) };
}

/** Carries out a command that was taken; resolves to its one answer. Rejects only for our own bugs. */
export async function carryOut(command: Command, kid: string, hands: Hands): Promise<EventBody> {
  const said = aboutCommand(command);
  try {
    if (command.cmd === 'refresh') {
      hands.refresh(command.config ?? null, command.seq ?? null);
      return { event: 'refreshed', ...said, who: kid, final: true };
    }
    if (command.cmd !== 'release') return await pass(command, kid, hands);
    if (hands.release === null) return refusedEvent(refuse('not-supported', 'cmd: release: not built in'), said);
    const { config, token, holder = null, end_holder: endHolder = false, reason } = command;
    const done = await hands.release(config, { token, holder, endHolder, reason, who: kid });
    if (done.kind === 'refusal') return { ...refusedEvent(done, said), who: kid };
    const { oldToken, newToken, changed, ended } = done;
    const why = ended.length === 0 ? reason : `${reason} (${ended.join('; ')})`;
    return {
      ...{ event: 'released', ...said, reason: why, who: kid },
      ...{ old_token: oldToken, token: newToken, changed, final: true },
    };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { event: 'failed', ...said, who: kid, code: error.code, reason: error.message, final: true };
  }
}

/** Carries out a verdict over an update. */
async function pass(command: VerdictCommand, kid: string, hands: Hands): Promise<EventBody> {
  const { cmd, config, update, reason = `update ${command.update}` } = command;
  const said = { ...aboutCommand(command), who: kid };
  const refusal = cmd === 'confirm' ? hands.confirm(config, update) : await hands.rollBack(config, update);
  if (refusal !== null) return refusedEvent(refusal, said);
  return { event: cmd === 'confirm' ? 'confirmed' : 'rolled-back', ...said, reason, final: true };
}
