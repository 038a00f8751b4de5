import type { LinkEnd } from '../ports/broker.ts';
import type { LinkWord } from '../values/link.ts';

/** How a state of the link reads to a person: what is so, and what to do. `%` stands for the particulars. */
export const LINK_TEXTS = {
  connecting: { words: 'connecting', remedy: null },
  connected: { words: 'connected and subscribed', remedy: null },
  'not-subscribed': {
    words: 'connected, but the broker does not let this device subscribe to %',
    remedy: "Give this device's user the right to read these topics at the broker (docs/operations.md has the ACL).",
  },
  'reports-unconfirmed': {
    words: 'connected, but the fleet does not see what this device reports (%)',
    remedy: "Give this device's user the right to write its own topics at the broker (docs/operations.md has the ACL).",
  },
  'bad-login': {
    words: 'the broker refuses the user name or password',
    remedy: 'Look at broker.username and the file broker.password_file names, and at the users of the broker.',
  },
  'not-authorised': {
    words: 'the broker does not let this device in: wrong user or password, or no right to connect',
    remedy:
      'Look at broker.username, broker.password_file or the certificate, and at the users of the broker; its log names the reason.',
  },
  'id-refused': {
    words: 'the broker refuses the device id as client id',
    remedy: 'Look at device.id, and at what client ids the broker allows this user.',
  },
  'broker-unavailable': {
    words: 'the broker answers, but says it is not available now',
    remedy: 'Nothing on the device; look at the broker. It is tried again by itself.',
  },
  'no-mqtt-5': {
    words: 'the broker does not speak MQTT 5',
    remedy: 'Set broker.protocol to 3.1.1, or bring the broker up to date.',
  },
  'protocol-refused': {
    words: 'the broker does not speak MQTT 3.1.1',
    remedy: 'Set broker.protocol to 5.',
  },
  'certificate-expired': {
    words: "the broker's certificate has expired",
    remedy: 'If the clock of this device is right (`locksmith status`), renew the certificate of the broker.',
  },
  'certificate-not-yet-valid': {
    words: "the broker's certificate is not valid yet: most often the clock of this device is wrong",
    remedy: 'Let the device set its clock (GPS, NTP); `locksmith status` shows what it believes.',
  },
  'certificate-authority-unknown': {
    words: "the broker's certificate comes from an authority this device does not know",
    remedy: 'Set broker.tls.ca to the certificate of the authority that signed it.',
  },
  'certificate-name-mismatch': {
    words: "the broker's certificate is for another name (%)",
    remedy: 'Use that name in broker.urls, or set broker.tls.servername to it.',
  },
  'own-certificate-refused': {
    words: 'the broker refuses the certificate of this device, or wants one and got none (%)',
    remedy: 'Look at broker.tls.cert and broker.tls.key: expired, or signed by an authority the broker does not know?',
  },
  'own-certificate-unusable': {
    words: 'the certificate files of this device cannot be used (%)',
    remedy: 'Look at broker.tls: are the files PEM, and does the key belong to the certificate?',
  },
  'not-tls': {
    words: 'what listens there does not go through with TLS (%)',
    remedy: 'Look at the port in broker.urls: mqtts:// is usually 8883, mqtt:// 1883.',
  },
  'host-not-found': {
    words: 'the name of the broker is not known (%)',
    remedy: 'Look at broker.urls and at the name service of this device; without a network this is normal.',
  },
  'nobody-listens': {
    words: 'nobody listens at that host and port',
    remedy: 'Look whether the broker runs, and at the port in broker.urls.',
  },
  unreachable: {
    words: 'there is no way to the broker (%)',
    remedy: 'Look at the network of this device; without one this is normal.',
  },
  silent: {
    words: 'the broker does not answer in time',
    remedy: 'Look at the network and at firewalls between here and the broker; it may also be overloaded.',
  },
  closed: {
    words: 'the broker closed the link without a word',
    remedy:
      'If it goes on, look at the log of the broker: it may want TLS, a certificate or a login, or be restarting.',
  },
  kicked: {
    words:
      'the broker closes the link again and again soon after it was made: usually another client has the same device id',
    remedy: 'Look for a second device with this device.id; the log of the broker names its address.',
  },
  'file-unreadable': {
    words: 'a file for the link cannot be read (%)',
    remedy: 'Look at the path in the settings, and whether the user of the agent may read it.',
  },
  'not-kept': {
    words: 'a message could not be kept on this device, so it was not acknowledged (%)',
    remedy: 'Look at the disk: `locksmith status`, df, the kernel log. The broker sends it again.',
  },
  failed: {
    words: 'the link failed (%)',
    remedy: 'Look at the log of the broker at this time.',
  },
  stopped: { words: 'the agent has left the broker', remedy: null },
} as const satisfies Record<LinkWord, { readonly words: string; readonly remedy: string | null }>;

const SYSTEM: Readonly<Record<string, LinkWord>> = {
  CERT_HAS_EXPIRED: 'certificate-expired',
  CERT_NOT_YET_VALID: 'certificate-not-yet-valid',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate-name-mismatch',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate-authority-unknown',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate-authority-unknown',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate-authority-unknown',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate-authority-unknown',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate-authority-unknown',
  CERT_SIGNATURE_FAILURE: 'certificate-authority-unknown',
  CERT_UNTRUSTED: 'certificate-authority-unknown',
  NO_TLS: 'not-tls',
  ERR_SSL_WRONG_VERSION_NUMBER: 'not-tls',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'not-tls',
  ENOTFOUND: 'host-not-found',
  EAI_AGAIN: 'host-not-found',
  EAI_FAIL: 'host-not-found',
  ECONNREFUSED: 'nobody-listens',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'silent',
  ECONNRESET: 'closed',
  EPIPE: 'closed',
};

/** CONNACK and DISCONNECT codes: 1–5 are of MQTT 3.1.1, 128 and above of MQTT 5. Source: the two OASIS standards. */
const CODES: Readonly<Record<number, LinkWord>> = {
  2: 'id-refused',
  3: 'broker-unavailable',
  4: 'bad-login',
  5: 'not-authorised',
  133: 'id-refused',
  134: 'bad-login',
  135: 'not-authorised',
  136: 'broker-unavailable',
  137: 'broker-unavailable',
  138: 'not-authorised',
  139: 'broker-unavailable',
  140: 'not-authorised',
  141: 'silent',
  142: 'kicked',
  159: 'broker-unavailable',
};

/** Finds the state for the way a connection, or an attempt at one, ended. `protocol` is what was asked for. */
export function stateOfEnd(end: LinkEnd, protocol: '3.1.1' | '5'): LinkWord {
  const { cause } = end;
  switch (cause.kind) {
    case 'refused':
    case 'told':
      if (cause.code === 1 || cause.code === 132) return protocol === '5' ? 'no-mqtt-5' : 'protocol-refused';
      return CODES[cause.code] ?? 'failed';
    case 'silent':
      return 'silent';
    case 'closed':
      // Some brokers without MQTT 5 hang up instead of saying so.
      return !end.connected && protocol === '5' ? 'no-mqtt-5' : 'closed';
    case 'file':
      return 'file-unreadable';
    case 'not-kept':
      return 'not-kept';
    case 'left':
      return 'stopped';
    case 'system': {
      const known = SYSTEM[cause.code];
      if (known !== undefined) return known;
      if (/ALERT/.test(cause.code)) return 'own-certificate-refused';
      if (/^ERR_OSSL|KEY_VALUES_MISMATCH/.test(cause.code)) return 'own-certificate-unusable';
      return 'failed';
    }
  }
}

/** The words and the remedy of a state, with the particulars filled in. */
export function sayLink(state: LinkWord, particulars: string): { words: string; remedy: string | null } {
  const { words, remedy } = LINK_TEXTS[state];
  return { words: words.replace('%', () => particulars), remedy };
}
