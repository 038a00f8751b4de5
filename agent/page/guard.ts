/** What is asked of the page, as far as it matters. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly host: string | null;
  /** `Sec-Fetch-Site`, where the browser says it. */
  readonly site: string | null;
}

/** What is to be answered. */
export type Wanted =
  | { readonly kind: 'page' }
  | { readonly kind: 'part' }
  | { readonly kind: 'status' }
  | { readonly kind: 'metrics' }
  | { readonly kind: 'gpx' }
  | { readonly kind: 'diff'; readonly config: string; readonly version: string }
  | { readonly kind: 'no'; readonly status: number; readonly why: string };

const HERE = ['localhost', '127.0.0.1', '[::1]'];

/** The name in a Host header, without its port, in lower case. */
function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d+$/, '');
}

/**
 * Decides what is answered. Another name than that of this machine is not: a web page elsewhere could let its own name lead here
 * (DNS rebinding) and read what the device says. `local`: over a unix socket, where there is no name to check.
 */
export function decide({ method, url, host, site }: Asked, local: boolean): Wanted {
  const no = (status: number, why: string): Wanted => ({ kind: 'no', status, why });
  if (!local && (host === null || !HERE.includes(nameOf(host)))) return no(421, 'ask for localhost or 127.0.0.1');
  if (site !== null && site !== 'same-origin' && site !== 'none') return no(403, 'not from the page of another site');
  if (method !== 'GET' && method !== 'HEAD') return no(405, 'this page only shows');
  const parsed = URL.canParse(url, 'http://localhost') ? new URL(url, 'http://localhost') : null;
  switch (parsed?.pathname) {
    case '/':
      return { kind: 'page' };
    case '/part':
      return { kind: 'part' };
    case '/status.json':
      return { kind: 'status' };
    case '/metrics':
      return { kind: 'metrics' };
    case '/flight.gpx':
      return { kind: 'gpx' };
    case '/diff': {
      const [config, version] = ['config', 'version'].map((key) => parsed.searchParams.get(key) ?? '');
      return { kind: 'diff', config: config ?? '', version: version ?? '' };
    }
    default:
      return no(404, 'there is: / /status.json /metrics /flight.gpx');
  }
}
