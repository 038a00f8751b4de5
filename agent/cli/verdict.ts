import type { CommandBody } from '../fleet/command.ts';
import type { FleetLink } from '../fleet/link.ts';
import { readRetained } from '../fleet/retained.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { isFields } from '../values/fields.ts';
import { deviceTopic } from '../values/topics.ts';

/**
 * What a verdict over an update is bound to: the id that is given, else the one the device last reported: for `confirm` the one that
 * waits for it, for `rollback` the same, or else the one that was applied last.
 */
export async function boundVerdict(
  link: FleetLink,
  at: { readonly root: string; readonly device: string },
  wish: {
    readonly cmd: 'confirm' | 'rollback';
    readonly config: string;
    readonly update: string | null;
    readonly reason: string | null;
  },
): Promise<CommandBody> {
  const { cmd, config, reason } = wish;
  const topic = deviceTopic(at.root, at.device, 'reported', config);
  const update = wish.update ?? readUpdateInQuestion(cmd, await readRetained(link, topic));
  if (update === null) {
    const what = cmd === 'confirm' ? 'waits to be confirmed' : 'was applied last and could be taken back';
    throw new SaidError(
      EXIT.nothing,
      `the broker keeps no report by which an update of ${config} on ${at.device} ${what}`,
      'give the id of the update with --update ID',
    );
  }
  return { cmd, config, update, ...(reason === null ? {} : { reason }) };
}

function readUpdateInQuestion(
  cmd: 'confirm' | 'rollback',
  reported: Readonly<Record<string, unknown>> | null,
): string | null {
  const { pending, last_attempt: last } = reported ?? {};
  const waits = isFields(pending) && Array.isArray(pending.waiting_for) && pending.waiting_for.includes('confirm');
  if (waits && typeof pending.id === 'string') return pending.id;
  if (cmd === 'confirm' || !isFields(last) || last.result !== 'applied') return null;
  return typeof last.id === 'string' ? last.id : null;
}
