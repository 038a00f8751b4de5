import { isFields } from '../../values/fields.ts';
import type { FleetLink } from '../link.ts';
import { isOurs, nowS, type Run, type RunEnd, standingsOf, takenFrom } from './context.ts';
import { addressIn, type Plan } from './plan.ts';
import { sendAll } from './sender.ts';
import { leaveSign } from './stop-sign.ts';

/** How long a device that is there may take to say that it has taken something back, in seconds. */
const SAID_S = 10;
/**
 * For how long what the one before us was about to send is waited for, in milliseconds: it stops as soon as it hears of us, and what it
 * had sent by then is withdrawn too.
 */
const BEFORE_US_MS = 2_000;

/** True for a device on which nothing of the roll-out runs or is under way any more. */
function isBack(run: Run, plan: Plan, device: string, address: string): boolean {
  const kept = run.scene.kept(address, 'shadow');
  const seen = run.scene.devices().get(device);
  const reported = seen?.wire.configs[plan.config];
  if (kept === null || !isFields(reported)) return true;
  const { running, pending } = reported;
  if (isFields(running) && running.layer === 'shadow' && running.address === address) return false;
  if (isFields(pending) && Array.isArray(pending.waiting_for) && pending.waiting_for.includes('confirm')) return false;
  // It has to have said so: what it reported a moment ago may be about to change. Whoever goes on for somebody else has not heard it.
  return run.scene.hasSaid(device, 'withdrawn', kept.id) || nowS() - kept.iat >= SAID_S;
}

/**
 * One look at a roll-out that is taken back. The stop sign comes first: it outlives us, and holds whoever has not begun. Then what was
 * published is withdrawn, and devices go back to what they had, each through its own gates. Null: nothing has ended yet.
 */
export async function undo(link: FleetLink, run: Run, byHand: boolean): Promise<RunEnd | null> {
  const { plan, scene } = run;
  const note = plan.why ?? 'taken back';
  run.noSign ??= await leaveSign(link, run, note);
  const ours = scene.allKept().filter((kept) => kept.layer === 'shadow' && isOurs(kept, plan));
  const begun = plan.waves.slice(0, plan.wave + 1);
  if (ours.length > 0) {
    // How they stood when it was taken back: whoever halts a roll-out of somebody else has not seen it yet.
    run.show.standings(
      plan,
      begun.map((wave) => ({ wave, standings: standingsOf(wave, plan, scene) })),
    );
    run.show.note(`taking back: ${ours.length} ${ours.length === 1 ? 'document' : 'documents'}`);
    const addresses = ours.map(({ address }) => address);
    await sendAll(
      link,
      plan,
      addresses.map((address) => ({ address, layer: 'shadow', withdraw: true })),
      { ...run, isStopped: () => takenFrom(run) !== null },
    );
  }
  const touched = begun.flatMap((wave) => wave.devices.map((device) => ({ device, address: addressIn(wave, device) })));
  const open = touched.filter(({ device, address }) => !isBack(run, plan, device, address));
  run.show.progress(`taken back: ${touched.length - open.length} of ${touched.length}`);
  const isOver = nowS() - plan.since >= plan.rules.within_s;
  const waited = open.filter(({ device }) => scene.devices().get(device)?.online !== false);
  if (waited.length > 0 && !isOver) return null;
  if (performance.now() - run.listensMs < BEFORE_US_MS) return null;
  const left = open.map(({ device }) => device);
  await run.keep(link, { stage: 'halted' });
  const why = run.noSign === null ? note : `${note}; ${run.noSign}`;
  return { kind: byHand ? 'halted' : 'failed', why, left };
}
