import type { Log } from '../ports/log.ts';
import type { ClockTrust } from '../values/report.ts';

/** A log whose every line says when the clock that dates it cannot be trusted. */
export function datedLog(log: Log, trust: () => ClockTrust): Log {
  return {
    say: (level, line, fields) => log.say(level, line, trust() === 'ok' ? fields : { ...fields, clock: 'untrusted' }),
  };
}
