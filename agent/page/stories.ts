import type { Flown, PageData } from './data.ts';
import { html, type Markup } from './html.ts';

const NOTHING = html`<li class="soft">nothing yet</li>`;

const picture = (kind: string, data: object, words: string): Markup =>
  html`<canvas data-kind="${kind}" data-picture="${JSON.stringify(data)}" role="img" aria-label="${words}"></canvas>`;

function flight(flown: Flown): Markup {
  const { flight: name, lines, error_m: error, raw_points: raw, largest_correction_m: correction, corrections } = flown;
  const kept = lines.reduce((sum, line) => sum + line.length, 0);
  const words = `Way of flight ${name}, ${kept} points`;
  return html`${picture('track', { lines, error, corrections: corrections.map(({ atMs, m }) => [atMs, m]) }, words)}
<p class="legend"><span><i class="i-line"></i>way, true to ${error} m</span><span>${kept} of ${raw} points kept</span>
<span>largest correction ${correction === null ? 'not known' : `${correction} m`}</span><a href="flight.gpx" download="${name}.gpx">GPX</a></p>`;
}

/** The pictures: where it was, and how the link was. */
export function pictureSection({ link, roundTrips, flown, nowMs }: PageData): Markup {
  const fromMs = nowMs - 86_400_000;
  const spans = link
    .filter(({ toMs }) => toMs > fromMs)
    .map((span) => [Math.max(fromMs, span.fromMs), span.toMs, span.state]);
  const upMs = link
    .filter(({ state }) => state === 'connected')
    .reduce((sum, { fromMs: from, toMs }) => sum + Math.max(0, toMs - Math.max(fromMs, from)), 0);
  const said = `Link of the last 24 hours: connected ${Math.round((100 * upMs) / 86_400_000)} % of the time`;
  const data = { from: fromMs, to: nowMs, spans, trips: roundTrips.map(({ atMs, ms }) => [atMs, ms]) };
  const kinds = [
    ['ok', 'connected'],
    ['warn', 'no way there'],
    ['bad', 'refused'],
    ['none', 'no agent, or not known'],
  ].map(([kind, words]) => html`<span><i class="i-${kind ?? ''}"></i>${words ?? ''}</span>`);
  return html`<h2>Link, last 24 hours</h2><div class="card">${picture('link', data, said)}<p class="legend">${kinds}</p></div>
<h2>Last flight</h2><div class="card">${flown === null ? html`<p class="soft">No flight is known.</p>` : flight(flown)}</div>`;
}

/** What became of every update, the newest first, with what it changed. */
export function historySection({ history }: PageData): Markup {
  const rows = [...history].reverse().map(({ at, clock, level, line, config, version }) => {
    const mark = clock === 'ok' ? '' : ' (clock untrusted)';
    const href = `diff?config=${encodeURIComponent(config ?? '')}&version=${version}`;
    const id = `diff-${config}-${version}-${Date.parse(at)}`;
    const inside = html`<summary>what it changed</summary><div class="diff"></div>`;
    const change =
      config === null || version === null ? null : html`<details id="${id}" data-href="${href}">${inside}</details>`;
    return html`<li><time>${at.slice(0, 19).replace('T', ' ')}${mark}</time><span class="${level}">${line}</span>${change}</li>`;
  });
  return html`<h2>History, newest first</h2><div class="card"><ol>${rows.length === 0 ? NOTHING : rows}</ol></div>`;
}

/** The device's own story, the newest last. */
export function logSection({ log }: PageData): Markup {
  const rows = log.map(({ at, clock, level, text }) => {
    const mark = clock === 'ok' ? '' : ' (clock untrusted)';
    return html`<li><time>${at.slice(0, 19).replace('T', ' ')}${mark}</time><span class="${level}">${text}</span></li>`;
  });
  return html`<h2>Log</h2><div class="card"><ol class="log">${rows.length === 0 ? NOTHING : rows}</ol></div>`;
}

/** A difference as \`locksmith diff\` says it, with its lines coloured. */
export function diffMarkup(text: string): Markup {
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const kind =
        line.startsWith('@@') || /^(---|\+\+\+) /.test(line)
          ? 'hunk'
          : line.startsWith('+')
            ? 'plus'
            : line.startsWith('-')
              ? 'minus'
              : '';
      return html`<span class="${kind}">${line}\n</span>`;
    });
  return html`<pre>${lines}</pre>`;
}
