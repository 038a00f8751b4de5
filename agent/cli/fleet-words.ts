import type { KeptDocument } from '../fleet/kept.ts';
import type { SeenLock } from '../fleet/retained.ts';
import { type FleetRow, isFailed } from '../fleet/rows.ts';
import type { SeenDevice, SeenReport } from '../fleet/view.ts';
import { paint } from '../values/layout.ts';
import { sayDuration } from '../values/units.ts';
import type { Setting } from './status-words.ts';

/** A cell of a table: its text, and whether it is something to look at. */
interface Cell {
  readonly text: string;
  readonly isBad?: boolean;
}

const HEAD = ['DEVICE', 'LINK', 'CONFIG', 'RUNS', 'LAST TRY', 'WAITS FOR', 'LOCK'] as const;
/** Columns are set apart by this. */
const GAP = '  ';

/** How long ago an instant is; null where it cannot be said. */
function ago(at: string | null, nowMs: number): string | null {
  const ms = at === null ? Number.NaN : nowMs - Date.parse(at);
  return ms >= 0 ? sayDuration(ms) : null;
}

function sayLink({ online, lastSeen }: SeenDevice, nowMs: number): Cell {
  if (online === true) return { text: 'online' };
  const since = ago(lastSeen, nowMs);
  const text = online === null ? 'never said' : 'offline';
  return { text: since === null ? text : `${text} ${since}`, isBad: true };
}

function sayRuns({ report, covered }: FleetRow): Cell {
  if (report === null) return { text: '?' };
  const { version, layer, address, drifted, pinned } = report;
  const runs = layer === null ? 'as before' : `${version} ${layer} ${address ?? ''}`.trimEnd();
  const hides = covered === null ? '' : `, ${sayCovered(covered)} covered`;
  return { text: `${runs}${drifted ? ' drift' : ''}${pinned ? ' pinned' : ''}${hides}`, isBad: drifted };
}

function sayCovered({ version, layer, address }: KeptDocument): string {
  return `${version} ${layer} ${address}`;
}

function sayLast(report: SeenReport | null): Cell {
  if (report === null || report.last === null) return { text: '-' };
  const { version, result, code } = report.last;
  return { text: `${version} ${result}${code === null ? '' : ` ${code}`}`, isBad: isFailed(report) };
}

function sayLockCell(lock: SeenLock | null, nowMs: number): Cell {
  if (lock === null) return { text: '?' };
  if (lock.state === 'COLD') return { text: 'COLD' };
  const since = ago(lock.since, nowMs);
  return { text: `HOT ${lock.verdict ?? ''}${since === null ? '' : ` ${since}`}`, isBad: true };
}

/** Sets cells in columns as wide as their widest. */
function setTable(rows: readonly (readonly Cell[])[], { colour }: Setting): string {
  const widths = HEAD.map((head, at) => Math.max(head.length, ...rows.map((row) => row[at]?.text.length ?? 0)));
  const set = (cells: readonly Cell[]) =>
    cells
      .map(({ text, isBad }, at) => {
        const padded = at === cells.length - 1 ? text : text.padEnd(widths[at] ?? 0);
        return isBad === true ? paint(colour, 'red', padded) : padded;
      })
      .join(GAP)
      .trimEnd();
  const head = paint(colour, 'dim', set(HEAD.map((text) => ({ text }))));
  return [head, ...rows.map(set), ''].join('\n');
}

/** The table of the fleet, a line a config of a device, and what it comes to. */
export function sayFleet(rows: readonly FleetRow[], setting: Setting, nowMs: number): string {
  const cells = rows.map((row): readonly Cell[] => {
    const { device, config, report, lock } = row;
    return [
      { text: device.device },
      sayLink(device, nowMs),
      { text: config ?? '-' },
      sayRuns(row),
      sayLast(report),
      { text: report === null || report.waitsFor.length === 0 ? '-' : report.waitsFor.join(' ') },
      sayLockCell(lock, nowMs),
    ];
  });
  const devices = new Map(rows.map(({ device }) => [device.device, device]));
  const count = (fits: (row: FleetRow) => boolean) => rows.filter(fits).length;
  const sums = [
    `${devices.size} ${devices.size === 1 ? 'device' : 'devices'}`,
    `${[...devices.values()].filter(({ online }) => online === true).length} online`,
    `${count(({ lock }) => lock?.state === 'HOT')} HOT`,
    `${count(({ report }) => report !== null && isFailed(report))} failed`,
    `${count(({ report }) => (report?.waitsFor.length ?? 0) > 0)} waiting`,
    ...(rows.some(({ covered }) => covered !== null) ? [`${count(({ covered }) => covered !== null)} covered`] : []),
  ];
  return `${rows.length === 0 ? '' : setTable(cells, setting)}${sums.join(', ')}\n`;
}

/** HOT locks, the oldest first: who has each, since when, what it has refused, and what to do. */
export function sayHotLocks(rows: readonly FleetRow[], nowMs: number): string {
  return rows
    .flatMap(({ device, config, lock }) => {
      if (lock === null || config === null) return [];
      const { file, verdict, holder, token, refusals } = lock;
      const who =
        holder === null
          ? 'nobody that can be seen'
          : `${holder.command ?? 'somebody'} (pid ${holder.pid}${of(holder)})`;
      const since = ago(lock.since, nowMs);
      const facts = [
        ...(since === null ? [] : [`for ${since}`]),
        `token ${token}`,
        `${refusals} ${refusals === 1 ? 'refusal' : 'refusals'}`,
      ];
      return [
        `${device.device}  ${file ?? config} HOT ${verdict ?? ''}: ${who}`,
        `    ${facts.join(', ')}`,
        `    ${whatToDo(device, config, lock)}`,
        '',
      ];
    })
    .join('\n');
}

function of({ user }: { readonly user: string | null }): string {
  return user === null ? '' : `, user ${user}`;
}

function whatToDo({ device, online }: SeenDevice, config: string, { verdict }: SeenLock): string {
  if (online !== true) return 'It is offline: go there, or wait; this is what it said last.';
  const release = `locksmith release ${config} --device ${device} --reason "…"`;
  switch (verdict) {
    case 'orphaned':
      return [
        `Its owner is gone: ${release} --end-holder`,
        `    (where the device has end-holder.conf; else as root on it: locksmith release ${config} --end-holder)`,
      ].join('\n');
    case 'stale':
      return `Nobody has it: it heals by itself within seconds, or ${release}`;
    case 'unseen':
      return 'Nobody on the device shows as its holder: somebody has to look there (locksmith locks).';
    case 'overdue':
      return 'Its holder lives, past the time it asked for: ask whoever runs it.';
    default:
      return 'Its holder lives: the update waits and is applied when it lets go.';
  }
}
