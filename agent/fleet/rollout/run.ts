import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { EXIT, SaidError } from '../../values/errors.ts';
import { gather } from '../gather.ts';
import { type FleetLink, LinkFailure } from '../link.ts';
import { advance } from './advance.ts';
import { nothingHeard, type Run, type RunEnd, takenFrom } from './context.ts';
import { keepPlan } from './desk.ts';
import type { Plan } from './plan.ts';
import { promote } from './promote.ts';
import type { SenderInput } from './sender.ts';
import { undo } from './undo.ts';

/** Pause before the link is made again. */
const AGAIN_MS = 1_000;
/** Longest pause between two looks: time passes too. */
const LOOK_MS = 500;
const TICK_MS = 20;

/** A roll-out to be gone on with, from wherever its plan stands. */
export interface RunWish extends SenderInput {
  /** Makes the link again when it is lost. Rejects with LinkFailure. */
  connect(): Promise<FleetLink>;
  /** The plan as it shall be from now on; this process becomes its runner. */
  readonly plan: Plan;
  /** It is taken back because somebody said so. */
  readonly byHand: boolean;
  readonly show: Run['show'];
  /** The plan is kept: from now on anybody can go on with it. */
  onKept(): void;
}

/** Somebody else has begun to go on with the roll-out, so nothing more is written; never leaves this file. */
class Taken extends Error {}

/** Draws the number of a runner. */
export function newRunner(): string {
  return randomBytes(8).toString('hex');
}

/**
 * Looks at everything that is kept of a roll-out, and listens from then on. Throws SaidError (exit 3) where the broker does not let it be
 * read: it would be judged by half of it. Rejects with LinkFailure.
 */
export async function attend(link: FleetLink, { scene }: Pick<SenderInput, 'scene'>): Promise<void> {
  const refused = await listenTo(link, scene);
  if (refused === '') return;
  throw new SaidError(
    EXIT.refused,
    `rollout: ${refused}`,
    'give the user of --user the right to read these topics at the broker',
  );
}

/** What the broker does not let us read, in words; empty where it lets us read all. */
async function listenTo(link: FleetLink, { retained, live, take }: SenderInput['scene']): Promise<string> {
  link.listen(take);
  const kept = await gather(link, retained, () => {});
  const granted = await link.subscribe(live);
  const refused = [...kept, ...live.filter((_filter, index) => (granted[index] ?? 128) >= 128)];
  return refused.length === 0 ? '' : `the broker does not let this user read ${refused.join(' ')}`;
}

/**
 * Goes on with a roll-out until it ends or pauses; the link is made again when it is lost. All that counts is at the broker: killed at
 * whatever instant, another process goes on from there. Throws SaidError; rejects with LinkFailure if the first link is lost.
 */
export async function runRollout(
  link: FleetLink,
  wish: RunWish,
): Promise<{ readonly end: RunEnd; readonly plan: Plan }> {
  const { root, signer, ledger, scene, content, show } = wish;
  const run: Run = {
    ...{ root, signer, ledger, scene, content, show, plan: wish.plan },
    ...nothingHeard(),
    async keep(at, changes) {
      if (takenFrom(run) !== null) throw new Taken();
      await claim(at, changes);
    },
  };
  /** Whoever was at it before stops when it sees this. */
  const claim: Run['keep'] = async (at, changes) => {
    const iat = Math.floor(Date.now() / 1000);
    const version = Math.max(run.plan.version, scene.plan()?.version ?? 0) + 1;
    const plan = { ...run.plan, ...changes, version, iat };
    await keepPlan(at, root, plan, signer);
    run.plan = plan;
  };
  await claim(link, {});
  wish.onKept();
  const current = { link, isNew: false };
  for (;;) {
    try {
      if (current.isNew) {
        const refused = await listenTo(current.link, scene);
        // It was let in before: a cluster that elects anew may refuse everybody for longer than a link asks again.
        if (refused !== '') throw new LinkFailure({ cause: { kind: 'left' }, connected: true, message: refused });
        run.listensMs = performance.now();
      }
      current.isNew = false;
      const end = await lookOn(current.link, run, wish.byHand);
      return { end, plan: run.plan };
    } catch (error) {
      if (!(error instanceof LinkFailure)) {
        // Also one that could not be looked through to the end is closed: the process would not end before that.
        current.isNew = false;
        throw error;
      }
      show.note('the link to the broker is lost; trying again');
      current.link.close();
      current.link = await again(wish);
      current.isNew = true;
      // Who has said meanwhile that it holds the base was not heard, and says so of a new one only.
      run.promoted = null;
      // Nobody has watched meanwhile whether they stay well.
      run.readyMs = null;
    } finally {
      if (current.link !== link && !current.isNew) current.link.close();
    }
  }
}

async function again({ connect }: Pick<RunWish, 'connect'>): Promise<FleetLink> {
  for (;;) {
    await pause(AGAIN_MS);
    try {
      return await connect();
    } catch (error) {
      if (!(error instanceof LinkFailure)) throw error;
    }
  }
}

async function lookOn(link: FleetLink, run: Run, byHand: boolean): Promise<RunEnd> {
  const lost: { failure: LinkFailure | null } = { failure: null };
  void link.ended.then((end) => {
    lost.failure = new LinkFailure(end);
  });
  for (;;) {
    const taken = takenFrom(run);
    if (taken !== null) return taken;
    const { scene } = run;
    const before = scene.changes();
    const end = await look(link, run, byHand).catch((error: unknown) => {
      const theirs = error instanceof Taken ? takenFrom(run) : null;
      if (theirs === null) throw error;
      return theirs;
    });
    if (end !== null) return end;
    if (run.fault !== null) throw run.fault;
    const endMs = performance.now() + LOOK_MS;
    while (scene.changes() === before && lost.failure === null && performance.now() < endMs) await pause(TICK_MS);
    if (lost.failure !== null) throw lost.failure;
  }
}

async function look(link: FleetLink, run: Run, byHand: boolean): Promise<RunEnd | null> {
  switch (run.plan.stage) {
    case 'waves':
      return advance(link, run);
    case 'promoting':
      return promote(link, run);
    case 'undoing':
      return undo(link, run, byHand);
    case 'paused':
      return { kind: 'paused' };
    case 'done':
      return { kind: 'done', left: [] };
    case 'halted':
      return { kind: 'halted', why: run.plan.why ?? '', left: [] };
  }
}
