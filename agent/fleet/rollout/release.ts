import { sendCommand } from '../command.ts';
import type { FleetLink } from '../link.ts';
import { namedHolder } from '../retained.ts';
import type { Run } from './context.ts';
import { nowS } from './context.ts';
import { sayHot } from './standing.ts';

/** How long a device may take to answer: it stops and starts services on the way. */
const ANSWER_MS = 120_000;

/**
 * Has a device release a lock whose owner is gone, and end the process that was left with it: for the token and the process it has
 * reported, and for nothing else. It refuses while its vehicle is not safe. Tried once for each token.
 */
export async function releaseOrphan(link: FleetLink, run: Run, device: string): Promise<void> {
  const { root, signer, plan, show } = run;
  const lock = run.scene.devices().get(device)?.locks[plan.config];
  if (lock === undefined || lock.state !== 'HOT') return;
  const { token } = lock;
  const holder = namedHolder(lock);
  if (holder === null) return;
  run.released.set(`${device} ${token}`, false);
  show.note(`${device}: ${sayHot(lock, nowS())}: release, with its holder`);
  const end = await sendCommand(link, {
    ...{ root, device, signer, withinMs: ANSWER_MS, onPublished: () => {} },
    body: {
      ...{ cmd: 'release', config: plan.config, token, holder },
      ...{ end_holder: true, reason: `roll-out ${plan.name}: its owner is gone` },
    },
  });
  if (end.kind !== 'answered') {
    show.note(`${device}: no answer to the release (${end.kind === 'away' ? 'it is offline' : end.kind})`);
    return;
  }
  const { state, code, reason } = end.answer;
  if (state === 'released') {
    run.released.set(`${device} ${token}`, true);
    show.note(`${device}: released, token ${token} → ${end.answer.token}`);
  } else show.note(`${device}: ${state}${code === null ? '' : ` (${code})`}: ${reason ?? 'no reason given'}`);
}
