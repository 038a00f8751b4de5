/** How the link to the broker is, in the words of {@link LinkState.state}. */
export const LINK_WORDS = [
  'connecting',
  'connected',
  'not-subscribed',
  'reports-unconfirmed',
  'bad-login',
  'not-authorised',
  'id-refused',
  'broker-unavailable',
  'no-mqtt-5',
  'protocol-refused',
  'certificate-expired',
  'certificate-not-yet-valid',
  'certificate-authority-unknown',
  'certificate-name-mismatch',
  'own-certificate-refused',
  'own-certificate-unusable',
  'not-tls',
  'host-not-found',
  'nobody-listens',
  'unreachable',
  'silent',
  'closed',
  'kicked',
  'file-unreadable',
  'not-kept',
  'failed',
  'stopped',
] as const;

/** One of {@link LINK_WORDS}. */
export type LinkWord = (typeof LINK_WORDS)[number];

/** The link as `status`, the heartbeat and the log show it. */
export interface LinkState {
  readonly state: LinkWord;
  /** True while messages can be sent. */
  readonly connected: boolean;
  /** One line for a person: what is so. */
  readonly words: string;
  /** What to do about it; null where nothing is to be done. */
  readonly remedy: string | null;
  /** RFC 3339 UTC: when this state began. */
  readonly since: string;
  /** How often the link was made again since the agent started. */
  readonly reconnects: number;
  /** The broker it has, or tried last. */
  readonly url: string;
  /** Last time from a question to the broker's answer; null before the first. */
  readonly round_trip_ms: number | null;
}
