import type { LogLevel } from '../values/log-line.ts';
import type { EventBody } from '../values/report.ts';

/** An event in the plain words of the log, with its level. */
export function tellEvent(body: EventBody): { readonly level: LogLevel; readonly line: string } {
  const command = body.cmd === undefined ? '' : `command ${body.cmd}`;
  const document =
    body.version === undefined || body.layer === undefined
      ? [command, body.config ?? ''].filter((part) => part !== '').join(' for ') || undefined
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
    case 'released': {
      const tokens = body.old_token === undefined ? '' : `; token ${body.old_token} → ${body.token}`;
      return { level: 'warning', line: `${what}${body.who === undefined ? '' : ` by ${body.who}`}${because}${tokens}` };
    }
    case 'pinned':
    case 'unpinned':
    case 'rolled-back': {
      const level = body.event === 'unpinned' ? 'notice' : 'warning';
      return { level, line: `${what}${body.who === undefined ? '' : ` by ${body.who}`}${coded}` };
    }
    case 'drift':
    case 'reclaimed':
    case 'lock-hot':
      return { level: 'warning', line: `${what}${coded}` };
    case 'duplicate':
      return { level: 'info', line: `${what}${coded}` };
    default:
      return { level: 'notice', line: `${what}${coded}` };
  }
}
