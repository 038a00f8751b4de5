import type { LogLevel } from '../ports.ts';
import type { EventBody } from '../values/report.ts';

/** An event in the plain words of the log, with its level. */
export function tellEvent(body: EventBody): { readonly level: LogLevel; readonly line: string } {
  const document =
    body.version === undefined || body.layer === undefined
      ? body.config
      : `${body.config} ${body.layer} version ${body.version} for ${body.address}`;
  const because = body.reason === undefined ? '' : `: ${body.reason}`;
  const coded =
    body.code === undefined || body.reason?.startsWith('lock mismatch') ? because : ` (${body.code})${because}`;
  const what = document === undefined ? body.event : `${body.event} ${document}`;
  switch (body.event) {
    case 'applied': {
      const how = body.changed === false ? ' without a change on disk' : '';
      return { level: 'notice', line: `${what}${how}${because}` };
    }
    case 'waiting':
      return { level: 'warning', line: `${what}${coded}; it is applied by itself` };
    case 'refused':
      return {
        level: 'warning',
        line: `${what}${coded}${body.final === false ? '; it stays pending and is tried again by itself' : ''}`,
      };
    case 'failed':
    case 'alarm':
    case 'quarantined':
      return { level: 'error', line: `${what}${coded}` };
    case 'reclaimed':
    case 'released':
    case 'lock-hot':
      return { level: 'warning', line: `${what}${coded}` };
    case 'duplicate':
      return { level: 'info', line: `${what}${coded}` };
    default:
      return { level: 'notice', line: `${what}${coded}` };
  }
}
