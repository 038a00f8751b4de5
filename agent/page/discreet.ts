import type { LogEntry } from '../values/log-line.ts';
import type { EventBody, Reported } from '../values/report.ts';

/** Codes whose reason tells what stands in a file, or what a program said that had read it. */
const TELLING: readonly string[] = ['schema', 'check-failed', 'reload-failed', 'health-failed'];
const WITHHELD = 'not everybody may read this config, so what was said is for root: locksmith log';

/** Whether any user of this device may read every file of a config. */
export type IsOpen = (config: string) => boolean;

function isPrivate(code: string | null | undefined, config: string | undefined, isOpen: IsOpen): boolean {
  return TELLING.includes(code ?? '') && (config === undefined || !isOpen(config));
}

/** An event as whoever is not known may read it. Pure. */
export function discreetEvent<E extends EventBody>(event: E, isOpen: IsOpen): E {
  return isPrivate(event.code, event.config, isOpen) ? { ...event, reason: WITHHELD } : event;
}

/** A line of the log likewise: up to its code it says what happened, after it why. Pure. */
export function discreetEntry(entry: LogEntry, isOpen: IsOpen): LogEntry {
  const { code, config, event = '' } = entry.fields;
  if (!isPrivate(code, config, isOpen)) return entry;
  const [what, ...why] = entry.text.split(` (${code})`);
  return { ...entry, text: `${why.length === 0 ? event : what} (${code}): ${WITHHELD}` };
}

/** The state of a config likewise. Pure. */
export function discreetReported(config: string, reported: Reported, isOpen: IsOpen): Reported {
  const { last_attempt: last } = reported;
  if (last === null || !isPrivate(last.code, config, isOpen)) return reported;
  return { ...reported, last_attempt: { ...last, reason: WITHHELD } };
}
