import { serveWeb, type WebAnswer, type WebPlace, type WebRequest } from '../host/web.ts';
import { pageDocument, pagePart } from '../page/document.ts';
import { decide } from '../page/guard.ts';
import { metricsOf } from '../page/metrics.ts';
import { diffMarkup } from '../page/stories.ts';
import { readSettings } from '../settings.ts';
import { gpxOf } from '../telemetry/flights.ts';
import { EXIT, Failure, SaidError } from '../values/errors.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';
import { diffForAnybody } from './diff.ts';
import { createPageReader } from './page-data.ts';
import { pageHeaders } from './page-headers.ts';

const LISTEN = '127.0.0.1:8631';
const HTML = 'text/html; charset=utf-8';
const PLAIN = 'text/plain; charset=utf-8';

/** Where to listen: this machine only. Throws {@link SaidError} (exit 2). */
function placeOf(text: string): WebPlace {
  if (text.startsWith('unix:')) return { kind: 'socket', path: text.slice('unix:'.length) };
  const match = /^(127\.0\.0\.1|localhost|\[::1\]):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535) {
    throw new SaidError(
      EXIT.usage,
      `page: --listen '${text}': only this machine may look: 127.0.0.1:PORT, [::1]:PORT or unix:PATH`,
      `--listen ${LISTEN}; from a laptop: ssh -L 8631:${LISTEN} DEVICE`,
    );
  }
  const [, host = ''] = match;
  return { kind: 'tcp', host: host === 'localhost' ? '127.0.0.1' : host.replace(/[[\]]/g, ''), port };
}

/** `locksmith page`. */
export const command: Command = {
  help: `Usage: locksmith page [--listen ADDRESS] [--settings FILE]

A small page about this device for the browser of who stands next to it: status, locks, history with differences, log, and
pictures of the link and of the last flight. It only shows, to this machine only, and asks nobody else for anything; it works
with the daemon dead. Also /metrics (OpenMetrics) for a scraper on the device, /status.json, and the flight as /flight.gpx.
  --listen ADDRESS   127.0.0.1:PORT, [::1]:PORT or unix:PATH; ${LISTEN} unless said
Ctrl-C ends it.

Example: ssh -L 8631:${LISTEN} drone-7 locksmith page   and then open http://127.0.0.1:8631/ on the laptop`,
  async run(argv, terminal) {
    const options = {
      settings: { type: 'string', default: SETTINGS_PATH },
      listen: { type: 'string', default: LISTEN },
    } as const;
    const { values } = readArgs('page', argv, options, { min: 0, max: 0, names: '' });
    const settings = readSettings(values.settings);
    const place = placeOf(values.listen);
    const reader = createPageReader(settings);
    const headers = pageHeaders();
    const answer = async (request: WebRequest): Promise<WebAnswer> => {
      const wanted = decide(request, place.kind === 'socket');
      const ok = (type: string, text: string): WebAnswer => ({ status: 200, type, text, headers });
      switch (wanted.kind) {
        case 'page':
          return ok(HTML, pageDocument(await reader.read()).markup);
        case 'part':
          return ok(HTML, pagePart(await reader.read()).markup);
        case 'status':
          return ok('application/json', `${JSON.stringify((await reader.read()).status)}\n`);
        case 'metrics': {
          const { status, nowMs } = await reader.read();
          return ok('application/openmetrics-text; version=1.0.0; charset=utf-8', metricsOf(status, nowMs));
        }
        case 'gpx': {
          const { flown } = await reader.read();
          if (flown !== null) return ok('application/gpx+xml', gpxOf(flown));
          return { status: 404, type: PLAIN, text: 'no flight is known\n', headers };
        }
        case 'diff':
          return ok(HTML, diffMarkup(await differences(wanted.config, wanted.version)).markup);
        case 'no':
          return { status: wanted.status, type: PLAIN, text: `${wanted.why}\n`, headers };
      }
    };
    /** Whoever may look at the page is not known, so contents are shown only of files that everybody may read. */
    const differences = async (config: string, version: string) => {
      try {
        return await diffForAnybody(settings, config, version);
      } catch (error) {
        if (error instanceof SaidError || error instanceof Failure) return error.message;
        throw error;
      }
    };
    const ended = new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
    });
    const server = await serveWeb(place, answer);
    terminal.out(`${server.address}\n`);
    terminal.err('The page is there; Ctrl-C ends it.\n');
    await ended;
    server.close();
    return EXIT.done;
  },
};
