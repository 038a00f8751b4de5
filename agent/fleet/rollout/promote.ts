import { isFields } from '../../values/fields.ts';
import type { Address } from '../../values/topics.ts';
import { isInForce } from '../kept.ts';
import type { FleetLink } from '../link.ts';
import { haltOn, isLeftOver, isOurs, nowS, type Run, type RunEnd, sayHalt, takenFrom } from './context.ts';
import { needed } from './judge.ts';
import { addressIn, type Plan } from './plan.ts';
import { sendAll } from './sender.ts';

/** True for a device that runs the promoted base. */
function runsBase(run: Run, device: string, version: number): boolean {
  const reported = run.scene.devices().get(device)?.wire.configs[run.plan.config];
  const running = isFields(reported) ? reported.running : null;
  if (!isFields(running) || running.layer !== 'base' || running.address !== run.plan.target) return false;
  return typeof running.version === 'number' && running.version >= version && running.digest === run.plan.digest;
}

/** Everybody of the waves, with the address of the shadow. */
function members({ waves }: Plan): readonly { readonly device: string; readonly address: Address }[] {
  return waves.flatMap((wave) => wave.devices.map((device) => ({ device, address: addressIn(wave, device) })));
}

/** Devices that have ended with the base and do not run it, in waves where more have than may fail. */
function beyondSuccess({ waves, skipped }: Plan, hasEnded: (device: string) => boolean): readonly string[] {
  return waves.flatMap(({ devices, success }) => {
    const counted = devices.filter((device) => !skipped.includes(device));
    const ended = counted.filter(hasEnded);
    return ended.length > counted.length - needed(counted.length, success) ? ended : [];
  });
}

/**
 * One look at the promotion. One base document for the whole target comes first; a shadow is withdrawn only when its devices have said
 * that they hold the base beneath it, or will not have it, so that nothing is ever written twice. The shadow of a device that is away
 * stays until it is back or its time is over. Null: nothing has ended yet.
 */
export async function promote(link: FleetLink, run: Run): Promise<RunEnd | null> {
  const { plan, scene } = run;
  const halt = haltOn(scene, plan);
  if (halt !== null) return { kind: 'held', why: sayHalt(halt) };
  const isStopped = () => takenFrom(run) !== null;
  if (run.promoted === null) {
    // Also after a process before us has: who has said so is not kept anywhere, and each answers a new one.
    const kept = scene.kept(plan.target, 'base');
    const done = isOurs(kept, plan) && members(plan).every(({ device }) => runsBase(run, device, kept.version));
    if (!done) {
      run.show.note(`promotion: one base document for ${plan.target}`);
      await sendAll(link, plan, [{ address: plan.target, layer: 'base', withdraw: false }], { ...run, isStopped });
    }
    run.promoted = scene.kept(plan.target, 'base')?.id ?? '';
  }
  const base = scene.kept(plan.target, 'base');
  if (base === null || base.id !== run.promoted) {
    return { kind: 'failed', why: `somebody has put another base for ${plan.target} in its place`, left: [] };
  }
  const all = members(plan);
  const isOnline = (device: string) => scene.devices().get(device)?.online !== false;
  // A device that was bad enough to be left behind by its wave refuses the same content as a base: nobody waits for it.
  const hasEnded = (device: string) => scene.hasSaid(device, 'ended', base.id);
  const hasAnswered = (device: string) =>
    hasEnded(device) || scene.hasSaid(device, 'covered', base.id) || runsBase(run, device, base.version);
  const addresses = [...new Set(all.map(({ address }) => address))].filter((address) => {
    if (!isOurs(scene.kept(address, 'shadow'), plan)) return false;
    const here = all.filter((one) => one.address === address && isOnline(one.device));
    return here.length > 0 && here.every(({ device }) => hasAnswered(device));
  });
  // What an older roll-out has left hides the base; beneath it there is nothing else to fall back to by now.
  const older = scene.allKept().filter((one) => isLeftOver(one, plan) && isInForce(one, nowS()));
  addresses.push(...older.map(({ address }) => address));
  if (addresses.length > 0) {
    await sendAll(
      link,
      plan,
      addresses.map((address) => ({ address, layer: 'shadow', withdraw: true })),
      { ...run, isStopped },
    );
  }
  const open = all.filter(({ device }) => !runsBase(run, device, base.version));
  run.show.progress(`promotion: ${all.length - open.length} of ${all.length} run the base`);
  const isOver = nowS() - plan.since >= plan.rules.within_s;
  const waited = open.filter(({ device }) => isOnline(device) && !plan.skipped.includes(device) && !hasEnded(device));
  if (waited.length > 0 && !isOver) return null;
  const left = open.map(({ device }) => device);
  const late = waited.map(({ device }) => device);
  if (late.length > 0)
    return { kind: 'failed', why: `promoted, but these do not run the base yet: ${some(late)}`, left };
  const ended = beyondSuccess(plan, (device) => left.includes(device) && hasEnded(device));
  if (ended.length > 0)
    return { kind: 'failed', why: `promoted, but these do not take the base: ${some(ended)}`, left };
  await run.keep(link, { stage: 'done', why: null });
  return { kind: 'done', left };
}

function some(names: readonly string[]): string {
  return `${names.slice(0, 10).join(', ')}${names.length > 10 ? ' …' : ''}`;
}
