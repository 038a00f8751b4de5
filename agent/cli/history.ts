import { sha256 } from '../host/chance.ts';
import { hostFiles } from '../host/files.ts';
import { replayJournal } from '../host/journal.ts';
import { createOutboxMemory } from '../link/outbox-memory.ts';
import { readSettings } from '../settings.ts';
import { tellEvent } from '../update/story.ts';
import { EXIT } from '../values/errors.ts';
import type { Evt } from '../values/report.ts';
import { sayDuration } from '../values/units.ts';
import { type Command, lineFor, readArgs, remedies, SETTINGS_PATH } from './command.ts';
import { knownConfig } from './lock-room.ts';

/** Milliseconds between two events; null where the clock could not be believed. */
function between(a: Evt, b: Evt): number | null {
  const ms = Date.parse(b.at) - Date.parse(a.at);
  return a.clock === 'ok' && b.clock === 'ok' && ms >= 0 ? ms : null;
}

/** How long an update waited before it ended, and how long its content ran; empty where nothing is known. */
function sayTimes(evt: Evt, all: readonly Evt[]): string {
  const first = all.find(({ update }) => update !== undefined && update === evt.update);
  const waited = evt.final === true && first !== undefined && first !== evt ? between(first, evt) : null;
  const next = all.find(({ event, config, seq }) => event === 'applied' && config === evt.config && seq > evt.seq);
  const ran = evt.event === 'applied' && next !== undefined ? between(evt, next) : null;
  const parts = [
    ...(waited === null ? [] : [`waited ${sayDuration(waited)}`]),
    ...(ran === null ? [] : [`ran ${sayDuration(ran)}`]),
  ];
  return parts.length === 0 ? '' : ` (${parts.join(', ')})`;
}

/** `locksmith history`. */
export const command: Command = {
  help: `Usage: locksmith history [CONFIG] [--settings FILE] [--json]

Every update and what became of it, oldest first; of one config if named: when, which version of which layer, how it ended and why,
how long it waited and how long it ran. Reads the agent's journal, so it works with the daemon dead. What a version changed:
locksmith diff NAME VERSION. --json prints the records as they went to the fleet.
Exit code: 0, or 4 if there is nothing.

Example: locksmith history aim_lock_config`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs(
      'history',
      argv,
      { settings: { type: 'string', default: SETTINGS_PATH }, json: { type: 'boolean', default: false } },
      { min: 0, max: 1, names: 'at most one CONFIG' },
    );
    const settings = readSettings(values.settings);
    const [given] = positionals;
    const config = given === undefined ? undefined : knownConfig('history', settings, values.settings, given);
    const memory = createOutboxMemory();
    replayJournal(hostFiles(), sha256, `${settings.paths.state}/journal`, [memory]);
    const events = memory.history(config);
    if (values.json) terminal.out(`${JSON.stringify(events)}\n`);
    else {
      const remedy = remedies(terminal);
      for (const event of events) {
        const at = `${event.at}${event.clock === 'ok' ? '' : ' (clock untrusted)'}`;
        const line = lineFor(terminal, `${at}  ${tellEvent(event).line}${sayTimes(event, events)}`);
        terminal.out(`${line}\n${remedy(event.code, event.config ?? null)}`);
      }
    }
    if (events.length === 0) terminal.err('nothing has happened yet\n');
    return events.length === 0 ? EXIT.nothing : EXIT.done;
  },
};
