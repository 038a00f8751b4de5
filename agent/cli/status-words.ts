import { sayGivenUp, sayWaiting } from '../values/backlog.ts';
import { fold, labelled, paint } from '../values/layout.ts';
import { sayLock } from '../values/lock-words.ts';
import { sayMachine } from '../values/machine.ts';
import { sayPending } from '../values/pending.ts';
import { remedyOf } from '../values/remedy.ts';
import type { Reported } from '../values/report.ts';
import type { AgentState, Status } from '../values/status.ts';
import { sayDuration } from '../values/units.ts';
import { sayVehicle } from '../values/vehicle.ts';

const DAY_MS = 86_400_000;

/** How a text is set: how wide, and whether it may be coloured. */
export interface Setting {
  readonly width: number;
  readonly colour: boolean;
}

/** The time of day in UTC, with its date where that is not obvious. */
function clockTime(at: string, ageMs: number): string {
  return ageMs < DAY_MS ? at.slice(11, 19) : at.slice(0, 19).replace('T', ' ');
}

/** `01:19:38, 8 s ago`; a clock that was set since then gives no age. */
function when(at: string | null, nowMs: number): string {
  if (at === null) return 'never';
  const ageMs = nowMs - Date.parse(at);
  return ageMs < 0 ? `${at.slice(0, 19).replace('T', ' ')}` : `${clockTime(at, ageMs)}, ${sayDuration(ageMs)} ago`;
}

function sayAgent(agent: AgentState, nowMs: number): readonly (readonly [string, string])[] {
  const { state, pid, version, since, last_beat, last_beat_age_s } = agent;
  const ageMs = (last_beat_age_s ?? 0) * 1000;
  const at = last_beat === null ? null : clockTime(last_beat, ageMs);
  const beat = at === null ? 'last beat never' : `last beat ${at}, ${sayDuration(ageMs)} ago`;
  switch (state) {
    case 'running': {
      const moved = last_beat === null ? '' : `; last beat ${sayDuration(ageMs)} ago`;
      return [['agent', `running ${version ?? ''}, pid ${pid ?? '?'}, since ${when(since, nowMs)}${moved}`]];
    }
    case 'frozen':
      return [
        ['agent', `frozen since ${at}, ${sayDuration(ageMs)} ago: pid ${pid ?? '?'} is there and does not move`],
        ['  try', 'systemctl restart locksmith-agent'],
      ];
    case 'stopped':
      return [
        ['agent', `not running; ${beat}`],
        ['  try', 'locksmith log, for its last words; systemctl start locksmith-agent'],
      ];
    case 'unknown':
      return [['agent', `not known without root; ${beat}`]];
  }
}

function sayConfig(
  name: string,
  reported: Reported | undefined,
  nowMs: number,
): readonly (readonly [string, string])[] {
  if (reported === undefined) return [['config', `${name}: nothing known yet`]];
  const { running, last_attempt: last, pending, drift, pinned } = reported;
  const version =
    running.layer === null
      ? 'as it was before Locksmith'
      : `${running.layer} version ${running.version} for ${running.address}, since ${when(running.since, nowMs)}`;
  const lines: (readonly [string, string])[] = [['config', `${name}: ${version}`]];
  if (pinned !== null) {
    lines.push(['  pinned', `by ${pinned.by}, ${when(pinned.at, nowMs)}: ${pinned.reason}`]);
    lines.push(['  try', `locksmith rollback ${name} --undo, or something newer from the fleet`]);
  }
  if (drift !== null) {
    lines.push(['  drift', 'what is on disk is not what Locksmith put there']);
    lines.push(['  try', `locksmith diff ${name}`]);
  }
  if (pending !== null) {
    const what = sayPending(reported);
    const gates = pending.waiting_for.join(', ');
    const later = `${what}, for ${gates}; it is applied by itself`;
    const proving = `${what} is in place, and has to prove itself; otherwise it is taken back`;
    lines.push(['  waits', gates === 'confirm' ? proving : later]);
  }
  if (last !== null && last.result !== 'applied' && last.result !== 'withdrawn') {
    const isHot = last.reason?.startsWith('lock mismatch') === true;
    const code = last.code === null || isHot ? '' : ` (${last.code})`;
    lines.push(['  last', `${last.layer} version ${last.version} ${last.result}: ${last.reason}${code}`]);
    // What to do about a HOT lock stands below, where its holder is named.
    if (last.code !== null && !isHot) lines.push(['  try', remedyOf(last.code, name) ?? '']);
  }
  return lines;
}

/** The device at a glance, in words; one screen of a phone for a device with a few configs. */
export function sayStatus(status: Status, names: readonly string[], { width, colour }: Setting): string {
  const { clock, link, backlog, counters, machine, vehicle } = status;
  const nowMs = Date.parse(clock.now);
  const rows: (readonly [string, string])[] = [
    ['device', `${status.device}, at ${clock.now.slice(0, 19).replace('T', ' ')} UTC`],
  ];
  if (clock.trust === 'untrusted') {
    rows.push([
      'clock',
      `WRONG: it is earlier than ${clock.floor.slice(0, 16).replace('T', ' ')}, which this device has seen`,
    ]);
    rows.push(['  try', 'locksmith doctor']);
  }
  rows.push(...sayAgent(status.agent, nowMs));
  if (link !== null) {
    rows.push(['link', `${link.words}, since ${when(link.since, nowMs)}`]);
    if (link.remedy !== null) rows.push(['  try', link.remedy]);
  }
  if (link?.connected === true && status.sent_bytes_per_h !== null) {
    rows.push(['  sends', `${Math.ceil(status.sent_bytes_per_h / 1000)} kB an hour now`]);
  }
  const waiting = sayWaiting(backlog, link?.connected === true);
  if (waiting !== null) rows.push(['outbox', waiting]);
  const givenUp = counters === null ? null : sayGivenUp(counters.dropped);
  if (givenUp !== null) rows.push(['given up', givenUp]);
  if (status.trust_version !== null) rows.push(['keys', `those of trust document version ${status.trust_version}`]);
  if (machine !== null) rows.push(['machine', sayMachine(machine, nowMs)]);
  if (vehicle !== null) rows.push(...sayVehicle(vehicle, when(vehicle.since, nowMs)));
  for (const name of names) {
    rows.push(...sayConfig(name, status.configs[name], nowMs));
    const lock = status.locks[name];
    if (lock === undefined) continue;
    rows.push(['  lock', `${lock.file} ${lock.state}${lock.state === 'HOT' ? ` (${sayLock(lock, nowMs)})` : ''}`]);
    const advice = status.advice[name];
    if (advice !== undefined) rows.push(['  try', advice.remedy]);
  }
  const lines = rows.map(([label, text]) => emphasise(labelled(label, text, width), colour));
  if (status.hidden.length > 0) lines.push(fold(`not seen without root: ${status.hidden.join(', ')}`, width, '  '));
  return `${lines.join('\n')}\n`;
}

/** HOT and what does not run stand out; so does what to do. */
function emphasise(text: string, colour: boolean): string {
  return text
    .replace(/\bHOT\b/, (word) => paint(colour, 'red', word))
    .replace(/\bCOLD\b/, (word) => paint(colour, 'green', word))
    .replace(/^(agent +)(frozen|not running)/, (_, label, words) => `${label}${paint(colour, 'red', words)}`)
    .replace(/^(clock +)(WRONG)/, (_, label, words) => `${label}${paint(colour, 'red', words)}`)
    .replace(/^ {2}try/, (label) => paint(colour, 'bold', label));
}
