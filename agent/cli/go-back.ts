import { userInfo } from 'node:os';
import { sha256 } from '../host/chance.ts';
import { hostFiles } from '../host/files.ts';
import { replayJournal } from '../host/journal.ts';
import { readSettings } from '../settings.ts';
import { isGated } from '../update/gates.ts';
import { type GoBackWish, type WentBack, wayBack } from '../update/going-back.ts';
import { createLedger } from '../update/ledger.ts';
import { generationTitle, sayDocument } from '../update/sides.ts';
import { createTrials } from '../update/trials.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { sayLock } from '../values/lock-words.ts';
import { askAgent, sayNoAnswer } from './ask-agent.ts';
import type { Terminal } from './command.ts';
import { misuse } from './fleet-options.ts';
import { knownConfig, openLockDesk } from './lock-room.ts';
import { listenFirst } from './vehicle-door.ts';

function isAnswer(value: unknown): value is WentBack {
  return typeof value === 'object' && value !== null && 'result' in value && typeof value.result === 'string';
}

/** Says what would be done; changes nothing. */
async function plan(name: string, undo: boolean, settingsPath: string, terminal: Terminal): Promise<number> {
  const desk = openLockDesk(settingsPath, terminal);
  try {
    const { settings, room } = desk;
    const config = knownConfig('rollback', settings, settingsPath, name);
    const ledger = createLedger((one) => settings.configs[one]?.generations);
    const trials = createTrials(ledger.find);
    replayJournal(hostFiles(), sha256, `${settings.paths.state}/journal`, [ledger, trials]);
    const proving = !undo && trials.of(config)?.fresh === true ? trials.held(config) : null;
    const pin = ledger.pin(config);
    const way = undo || proving !== null ? null : wayBack(ledger, config);
    if (proving === null && (undo ? pin === null : way === null)) {
      const why = undo ? `nobody went back with ${name}` : `no earlier content of ${name} is known to be good`;
      throw new SaidError(EXIT.nothing, `rollback: ${why}`, `locksmith history ${name}`);
    }
    const { lock } = await room.lock(config).observe();
    const steps =
      proving !== null
        ? [`take back ${sayDocument(proving)}, which has not proved itself yet: what ran before it is back`]
        : way === null
          ? [`take the pin away that ${pin?.by} has set (${pin?.reason}): what the fleet has sent counts again`]
          : [
              `put back: ${generationTitle(way.to)}, there since ${way.to.at.slice(0, 19).replace('T', ' ')} UTC`,
              `pin it: what the fleet has sent so far, ${generationTitle(way.from)} too, counts no more until it sends something newer, or --undo`,
            ];
    if (lock.state === 'HOT')
      terminal.out(`It waits until the lock is COLD: ${lock.file} HOT (${sayLock(lock, Date.now())})\n`);
    for (const [index, step] of steps.entries()) terminal.out(`${index + 1}. ${step}\n`);
    const again = `locksmith rollback ${name}${undo ? ' --undo' : ''} --yes --reason "…"`;
    terminal.err(`Nothing was done. What would change: locksmith diff ${name}. To carry it out: ${again}\n`);
    return EXIT.done;
  } finally {
    desk.close();
  }
}

/** What a person next to the device asks for. */
export interface GoBackOptions {
  readonly settings: string;
  readonly yes: boolean;
  readonly undo: boolean;
  readonly json: boolean;
  readonly reason?: string | undefined;
}

/** Goes back on this device, or only says how; the exit code. Throws SaidError. */
export async function goBack(name: string, options: GoBackOptions, terminal: Terminal): Promise<number> {
  const { undo, yes } = options;
  if (!yes) return plan(name, undo, options.settings, terminal);
  const reason = options.reason?.trim() ?? '';
  if (reason === '') throw misuse('rollback', 'why? --yes needs --reason R');
  const settings = readSettings(options.settings);
  const config = knownConfig('rollback', settings, options.settings, name);
  const wish: GoBackWish = { config, by: userInfo().username, reason, undo };
  const answer = await askAgent('rollback', settings, { do: 'go-back', ...wish }, async (agent) => {
    // Before the wish, not after it: the same wish twice goes back twice.
    const asked = settings.configs[config];
    if (asked !== undefined && isGated(asked, null, settings.vehicle !== undefined))
      await listenFirst(agent, settings, terminal);
    return agent.goBack(wish);
  });
  if (!isAnswer(answer)) throw new SaidError(EXIT.failed, `rollback: ${sayNoAnswer(answer)}`, 'locksmith status');
  if (options.json) terminal.out(`${JSON.stringify(answer)}\n`);
  else terminal.out(`${answer.result}: ${answer.reason}\n`);
  if (answer.result === 'nothing') return EXIT.nothing;
  return answer.result === 'waiting' ? EXIT.refused : EXIT.done;
}
