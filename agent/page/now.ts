import { sayGivenUp, sayWaiting } from '../values/backlog.ts';
import { sayLock } from '../values/lock-words.ts';
import { sayMachine } from '../values/machine.ts';
import { sayPending } from '../values/pending.ts';
import { remedyOf } from '../values/remedy.ts';
import type { Reported } from '../values/report.ts';
import type { Status } from '../values/status.ts';
import { sayDuration } from '../values/units.ts';
import type { PageData } from './data.ts';
import { html, type Markup } from './html.ts';

type Tone = 'ok' | 'warn' | 'bad';

const pill = (tone: Tone, text: string): Markup => html`<span class="pill ${tone}">${text}</span>`;
const todo = (text: string | null, tone = ''): Markup | null =>
  text === null ? null : html`<p class="do ${tone}"><b>To do:</b> ${text}</p>`;

/** `01:19:38 UTC, 8 s ago`; with its date where that is not today. */
function when(at: string | null, nowMs: number): string {
  if (at === null) return 'never';
  const ageMs = nowMs - Date.parse(at);
  const time = ageMs >= 0 && ageMs < 86_400_000 ? at.slice(11, 19) : at.slice(0, 19).replace('T', ' ');
  return `${time} UTC${ageMs < 0 ? '' : `, ${sayDuration(ageMs)} ago`}`;
}

/** The whole device in a few words: what somebody has to look at, or that all is well. */
function summary({ agent, clock, link, configs, locks }: Status): Markup {
  const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;
  const hot = Object.values(locks).filter(({ state }) => state === 'HOT').length;
  const waiting = Object.values(configs).filter(({ pending }) => pending !== null).length;
  const drifted = Object.values(configs).filter(({ drift }) => drift !== null).length;
  const pills = [
    ...(agent.state === 'stopped' || agent.state === 'frozen' ? [pill('bad', `agent ${agent.state}`)] : []),
    ...(clock.trust === 'untrusted' ? [pill('bad', 'clock wrong')] : []),
    ...(hot > 0 ? [pill('bad', count(hot, 'lock HOT', 'locks HOT'))] : []),
    ...(waiting > 0 ? [pill('warn', count(waiting, 'update waits', 'updates wait'))] : []),
    ...(drifted > 0 ? [pill('warn', count(drifted, 'config was edited by hand', 'configs were edited by hand'))] : []),
    ...(link !== null && !link.connected ? [pill('warn', 'offline')] : []),
  ];
  return html`<div class="sum">${pills.length === 0 ? pill('ok', 'all is well') : pills}</div>`;
}

function agentCard({ agent }: Status, nowMs: number): Markup {
  const tone: Tone = agent.state === 'running' ? 'ok' : agent.state === 'unknown' ? 'warn' : 'bad';
  const beat = agent.last_beat_age_s === null ? 'never' : `${sayDuration(agent.last_beat_age_s * 1000)} ago`;
  const remedy =
    agent.state === 'frozen'
      ? 'systemctl restart locksmith-agent'
      : agent.state === 'stopped'
        ? 'See its last words in the log below; then systemctl start locksmith-agent.'
        : null;
  const version = agent.version === null ? '' : `version ${agent.version}, `;
  const pid = agent.pid === null ? '' : `pid ${agent.pid}, `;
  return html`<div class="card"><div class="top"><h3>Agent</h3>${pill(tone, agent.state)}</div>
<p class="soft">${version}${pid}since ${when(agent.since, nowMs)}</p>
<p class="soft">last beat ${beat}</p>${todo(remedy, 'bad')}</div>`;
}

function linkCard({ link, backlog, counters, agent }: Status, nowMs: number): Markup {
  const waiting = sayWaiting(backlog, link?.connected === true);
  const givenUp = counters === null ? null : sayGivenUp(counters.dropped);
  const waits = html`${waiting === null ? null : html`<p class="soft">${waiting}</p>`}${
    givenUp === null ? null : html`<p class="soft">given up: ${givenUp}</p>`
  }`;
  if (link === null) {
    const words = agent.state === 'stopped' ? 'no agent runs, so there is none' : 'not known';
    const head = html`<div class="top"><h3>Link</h3>${pill('warn', 'none')}</div>`;
    return html`<div class="card">${head}<p>${words}</p>${waits}</div>`;
  }
  const tone: Tone = link.connected ? (link.remedy === null ? 'ok' : 'warn') : 'warn';
  const trip = link.round_trip_ms === null ? '' : `, round trip ${Math.round(link.round_trip_ms)} ms`;
  return html`<div class="card"><div class="top"><h3>Link</h3>${pill(tone, link.state)}</div>
<p>${link.words}</p><p class="soft">${link.url}, since ${when(link.since, nowMs)}${trip}</p>${waits}${todo(link.remedy)}</div>`;
}

function machineCard({ machine }: Status, nowMs: number): Markup | null {
  if (machine === null) return null;
  return html`<div class="card"><div class="top"><h3>Machine</h3></div><p>${sayMachine(machine, nowMs)}</p></div>`;
}

function vehicleCard({ vehicle }: Status, nowMs: number): Markup | null {
  if (vehicle === null) return null;
  const { safety, reason, since, source } = vehicle;
  return html`<div class="card"><div class="top"><h3>Vehicle</h3>${pill(safety === 'safe' ? 'ok' : 'warn', safety)}</div>
<p>${reason}</p><p class="soft">${source}, since ${when(since, nowMs)}</p></div>`;
}

function clockCard({ clock }: Status): Markup | null {
  if (clock.trust === 'ok') return null;
  return html`<div class="card"><div class="top"><h3>Clock</h3>${pill('bad', 'wrong')}</div>
<p>${clock.now} is earlier than ${clock.floor}, which this device has seen.</p>${todo('locksmith doctor clock', 'bad')}</div>`;
}

function running({ running: is }: Reported, nowMs: number): string {
  return is.layer === null
    ? 'as it was before Locksmith'
    : `${is.layer} version ${is.version} for ${is.address}, since ${when(is.since, nowMs)}`;
}

function lockLines(name: string, { locks, advice }: Status, nowMs: number): Markup | null {
  const lock = locks[name];
  if (lock?.state !== 'HOT') return null;
  return html`<p><b>${lock.file} is HOT:</b> ${sayLock(lock, nowMs)}</p>${todo(advice[name]?.remedy ?? null)}`;
}

function pendingLine(reported: Reported): Markup | null {
  const { pending } = reported;
  if (pending === null) return null;
  return html`<p>Waits for ${pending.waiting_for.join(', ')}: ${sayPending(reported)}; it is applied by itself.</p>`;
}

function lastLine(name: string, { last_attempt: last }: Reported): Markup | null {
  if (last === null || last.result === 'applied' || last.result === 'withdrawn') return null;
  const isHot = last.reason?.startsWith('lock mismatch') === true;
  const code = isHot ? null : last.code;
  const words = `${last.layer} version ${last.version} ${last.result}: ${last.reason ?? ''}`;
  const remedy = code === null ? null : remedyOf(code, name);
  return html`<p class="soft">Last: ${words}${code === null ? '' : ` (${code})`}</p>${todo(remedy)}`;
}

function configCard(name: string, status: Status, nowMs: number): Markup {
  const [reported, lock] = [status.configs[name], status.locks[name]];
  const state = lock === undefined ? null : pill(lock.state === 'COLD' ? 'ok' : 'bad', lock.state);
  const drift =
    reported?.drift == null ? null : html`<p class="warning">What is on disk is not what Locksmith put there.</p>`;
  const token = lock === undefined ? 'The lock cannot be seen.' : `token ${lock.token}`;
  const digest = reported?.running.digest ?? '';
  return html`<div class="card"><div class="top"><h3>${name}</h3>${state}</div>
<p>${reported === undefined ? 'nothing known yet' : running(reported, nowMs)}</p>
${lockLines(name, status, nowMs)}${reported === undefined ? null : pendingLine(reported)}${drift}
${reported === undefined ? null : lastLine(name, reported)}
<p class="soft">${token}${digest === '' ? '' : `, ${digest.slice(0, 19)}…`}</p></div>`;
}

/** What is so now, and what to do about it. */
export function nowSection({ status, configs, nowMs }: PageData): Markup {
  const hidden =
    status.hidden.length === 0
      ? null
      : html`<div class="card"><p class="warning">Not seen without root: ${status.hidden.join(', ')}</p></div>`;
  const cards = html`${clockCard(status)}${agentCard(status, nowMs)}${linkCard(status, nowMs)}${vehicleCard(status, nowMs)}${machineCard(status, nowMs)}`;
  return html`${summary(status)}<h2>Now</h2><div class="cols">${cards}</div>${hidden}
<h2>Configs</h2><div class="cols">${configs.map((name) => configCard(name, status, nowMs))}</div>`;
}
