import { SaidError } from '../../values/errors.ts';
import { sendCommand } from '../command.ts';
import { type FleetLink, LinkFailure } from '../link.ts';
import { namedHolder, type SeenLock } from '../retained.ts';
import { nowS, type Run, type Tried } from './context.ts';
import type { Wave } from './plan.ts';
import { sayHot } from './standing.ts';

/** How long a device may take to answer: it stops and starts services on the way. */
const ANSWER_MS = 120_000;
/** Devices that are asked at once. */
const AT_ONCE = 32;

/**
 * Has devices release locks whose owner is gone, and end the process that was left with them: for the token and the process they have
 * reported, and for nothing else. They refuse while their vehicle is not safe. Each is asked once: what is orphaned again after that has
 * somebody who makes it so. Nobody is waited for here.
 */
export function releaseOrphans(link: FleetLink, run: Run, devices: readonly string[]): void {
  const asked = [...run.released.values()].filter(({ state }) => state === 'asked').length;
  for (const device of devices.slice(0, Math.max(0, AT_ONCE - asked))) {
    const lock = run.scene.devices().get(device)?.locks[run.plan.config];
    if (lock === undefined || lock.state !== 'HOT') continue;
    const { token } = lock;
    const tell = (state: Tried['state']) => void run.released.set(device, { token, state });
    tell('asked');
    release(link, run, device, lock).then(tell, (error: unknown) => {
      // Over the next link it is asked again: the token sees to it that nothing is done twice.
      if (error instanceof LinkFailure) run.released.delete(device);
      else if (error instanceof SaidError) run.fault = error;
      else throw error;
    });
  }
}

/** Of the devices of a wave that were asked: whether the release worked, as far as is known. False where the lock was left again since. */
export function releasedIn({ released, scene, plan }: Run, wave: Wave): ReadonlyMap<string, boolean> {
  return new Map(
    wave.devices.flatMap((device) => {
      const tried = released.get(device);
      if (tried === undefined) return [];
      const token = scene.devices().get(device)?.locks[plan.config]?.token;
      return [[device, tried.state !== 'failed' && tried.token === token] as const];
    }),
  );
}

async function release(
  link: FleetLink,
  { root, signer, plan, show }: Run,
  device: string,
  lock: SeenLock,
): Promise<Tried['state']> {
  const { token } = lock;
  const holder = namedHolder(lock);
  if (holder === null) return 'failed';
  show.note(`${device}: ${sayHot(lock, nowS())}: release, with its holder`);
  const end = await sendCommand(link, {
    ...{ root, device, signer, withinMs: ANSWER_MS, onPublished: () => {} },
    body: {
      ...{ cmd: 'release', config: plan.config, token, holder },
      ...{ end_holder: true, reason: `roll-out ${plan.name}: its owner is gone` },
    },
  });
  if (end.kind === 'silent' && end.linkLost) throw new LinkFailure(await link.ended);
  if (end.kind !== 'answered') {
    show.note(`${device}: no answer to the release (${end.kind === 'away' ? 'it is offline' : end.kind})`);
    return 'failed';
  }
  const { state, code, reason } = end.answer;
  if (state === 'released') {
    show.note(`${device}: released, token ${token} → ${end.answer.token}`);
    return 'worked';
  }
  show.note(`${device}: ${state}${code === null ? '' : ` (${code})`}: ${reason ?? 'no reason given'}`);
  return 'failed';
}
