import { sayDuration } from '../../values/units.ts';
import type { FleetLink } from '../link.ts';
import {
  foreignAt,
  haltOn,
  isOurs,
  nowS,
  type Run,
  type RunEnd,
  sayHalt,
  sayOnce,
  standingsOf,
  takenFrom,
} from './context.ts';
import { hearingOf, owesBeat } from './hearing.ts';
import { type JudgedWave, judge } from './judge.ts';
import { addressesIn, addressIn, type Wave } from './plan.ts';
import { releasedIn, releaseOrphans } from './release.ts';
import { sendAll } from './sender.ts';
import { leaveSign } from './stop-sign.ts';

/**
 * Publishes what a wave that has begun still lacks. Before that, each device is heard once: what its heartbeats are held against later.
 * Rejects with LinkFailure.
 */
async function sendMissing(link: FleetLink, run: Run, wave: Wave): Promise<void> {
  const { plan, scene } = run;
  const missing = addressesIn(wave).filter((address) => {
    const kept = scene.kept(address, 'shadow');
    return !isOurs(kept, plan) && foreignAt(kept, plan) === null;
  });
  if (missing.length === 0) return;
  const next = wave.devices.filter((device) => missing.includes(addressIn(wave, device)));
  if (!isHeard(run, wave, next)) return;
  // Before it goes out: a quick device answers at once.
  for (const device of next) scene.changed(device, scene.devices().get(device)?.online === false);
  run.show.note(
    `${wave.name}: ${wave.devices.length} ${wave.devices.length === 1 ? 'device' : 'devices'} (${say(wave)})`,
  );
  await sendAll(
    link,
    plan,
    missing.map((address) => ({ address, layer: 'shadow', withdraw: false })),
    { ...run, isStopped: () => takenFrom(run) !== null || haltOn(scene, plan) !== null },
  );
}

/** False while a heartbeat of one of them is waited for. Where nothing has to stay well, none is. */
function isHeard(run: Run, wave: Wave, devices: readonly string[]): boolean {
  const { plan, scene, listensMs, mute: toldMute } = run;
  if (plan.rules.soak_s === 0) return true;
  const nowMs = performance.now();
  const here = devices.filter((device) => scene.devices().get(device)?.online === true);
  const of = (how: 'unheard' | 'mute') =>
    here.filter((device) => hearingOf({ pulses: scene.pulses(device), listensMs, nowMs }) === how);
  const unheard = of('unheard');
  if (unheard.length > 0) {
    const first = `${wave.name}: listens to the heartbeats of its devices first`;
    sayOnce(run, first);
    return false;
  }
  const mute = of('mute');
  for (const device of mute) toldMute.add(device);
  if (mute.length > 0) sayOnce(run, `no heartbeat of ${some(mute)}: judged by what they report alone`);
  return true;
}

/** Devices of a wave that run the new version and whose next heartbeat is still to come. */
function unheardIn({ plan, scene, listensMs, readyMs, mute }: Run, { standings }: JudgedWave): ReadonlySet<string> {
  if (plan.rules.soak_s === 0 || readyMs === null) return new Set();
  const nowMs = performance.now();
  const well = standings.flatMap(({ device, state }) => (state === 'confirmed' && !mute.has(device) ? [device] : []));
  return new Set(well.filter((device) => owesBeat({ pulses: scene.pulses(device), listensMs, nowMs }, readyMs)));
}

function say({ group, devices }: Wave): string {
  return group === null ? some(devices) : `grp/${group}`;
}

function some(devices: readonly string[]): string {
  return devices.length <= 8 ? devices.join(' ') : `${devices.slice(0, 8).join(' ')} …`;
}

/** One look at a roll-out that is in its waves: publishes, judges, and goes on where that is right. Null: nothing has ended yet. */
export async function advance(link: FleetLink, run: Run): Promise<RunEnd | null> {
  const { plan, scene } = run;
  const halt = haltOn(scene, plan);
  if (halt !== null) return hold(link, run, sayHalt(halt), halt.rollout !== plan.name);
  const wave = plan.waves[plan.wave];
  if (wave === undefined) throw new Error(`there is no wave ${plan.wave}`);
  for (const begun of plan.waves.slice(0, plan.wave + 1)) {
    const changed = begun.devices.filter((device) => isOurs(scene.kept(addressIn(begun, device), 'shadow'), plan));
    for (const device of changed) scene.changed(device);
  }
  await sendMissing(link, run, wave);
  const begun: readonly JudgedWave[] = plan.waves
    .slice(0, plan.wave + 1)
    .map((one) => ({ wave: one, standings: standingsOf(one, plan, scene) }));
  run.show.standings(plan, begun);
  const nowMs = performance.now();
  const readyForS = run.readyMs === null ? null : (nowMs - run.readyMs) / 1000;
  const current = begun.at(-1);
  const unheard = current === undefined ? new Set<string>() : unheardIn(run, current);
  const verdict = judge(begun, plan.rules, { readyForS, released: releasedIn(run, wave), unheard });
  switch (verdict.kind) {
    case 'wait':
      if (verdict.isReady && run.readyMs === null) {
        run.show.note(
          `${wave.name}: enough are well, and have to stay so for ${sayDuration(plan.rules.soak_s * 1000)}`,
        );
      }
      run.readyMs = verdict.isReady ? (run.readyMs ?? nowMs) : null;
      return null;
    case 'go':
      run.readyMs = null;
      return next(link, run, wave);
    case 'skip':
      run.show.note(`goes on without ${verdict.devices.join(', ')}: HOT`);
      await run.keep(link, { skipped: [...plan.skipped, ...verdict.devices] });
      return null;
    case 'release':
      releaseOrphans(link, run, verdict.devices);
      return null;
    case 'hold':
      return hold(link, run, verdict.why, true);
    case 'stop':
      return stop(link, run, verdict.why);
  }
}

async function next(link: FleetLink, run: Run, wave: Wave): Promise<RunEnd | null> {
  const { plan } = run;
  run.show.note(`${wave.name}: well`);
  const isLast = plan.wave + 1 >= plan.waves.length;
  if (plan.wave === 0 && plan.rules.pause) {
    await run.keep(link, { stage: 'paused', why: null });
    return { kind: 'paused' };
  }
  await run.keep(link, isLast ? { stage: 'promoting', since: nowS() } : { wave: plan.wave + 1, since: nowS() });
  return null;
}

/** Nothing is taken back: what waits may still be applied, but no further wave begins. */
async function hold(link: FleetLink, run: Run, why: string, isKept: boolean): Promise<RunEnd> {
  if (isKept) await run.keep(link, { stage: 'paused', why: why.slice(0, 500) });
  return { kind: 'held', why };
}

async function stop(link: FleetLink, run: Run, why: string): Promise<RunEnd | null> {
  run.show.note(`stopped: ${why}`);
  if (run.plan.rules.undo) {
    await run.keep(link, { stage: 'undoing', why: why.slice(0, 500), since: nowS() });
    return null;
  }
  // Nothing is taken back; but who has not begun must not begin any more.
  const noSign = await leaveSign(link, run, why);
  await run.keep(link, { stage: 'paused', why: why.slice(0, 500) });
  return { kind: 'failed', why: noSign === null ? why : `${why}; ${noSign}`, left: [] };
}
