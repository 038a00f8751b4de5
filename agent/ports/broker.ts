/** A message as it came from the broker. */
export interface Frame {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
  /** With which QoS it came; absent where it came over no broker. */
  readonly qos?: number;
}

/** What one attempt to reach a broker needs. Files are read anew at every attempt, so that they can be renewed without a restart. */
export interface ConnectWish {
  /** `mqtt://host:port` or `mqtts://host:port`. */
  readonly url: string;
  readonly clientId: string;
  readonly protocol: '3.1.1' | '5';
  readonly keepaliveS: number;
  readonly connectTimeoutMs: number;
  readonly username: string | null;
  readonly passwordFile: string | null;
  /** PEM files; null where not used. */
  readonly tls: { readonly [part in 'ca' | 'cert' | 'key' | 'servername']: string | null };
  /** Published, retained, by the broker if the connection ends without a goodbye; null for who is no device. */
  readonly will: { readonly topic: string; readonly payload: string } | null;
}

/** Why a connection, or an attempt at one, ended. */
export type LinkCause =
  /** `code`: errno name or TLS error code. */
  | { readonly kind: 'system'; readonly code: string }
  /** CONNACK with this code. */
  | { readonly kind: 'refused'; readonly code: number }
  /** DISCONNECT of the broker with this reason code (MQTT 5). */
  | { readonly kind: 'told'; readonly code: number }
  /** No answer within the time allowed. */
  | { readonly kind: 'silent' }
  /** Closed by the other side without a word. */
  | { readonly kind: 'closed' }
  /** A file of ours cannot be read or used. */
  | { readonly kind: 'file'; readonly path: string }
  /** A message could not be kept, so it was not acknowledged and the connection dropped. */
  | { readonly kind: 'not-kept' }
  /** We left. */
  | { readonly kind: 'left' };

/** How a connection, or an attempt at one, ended. */
export interface LinkEnd {
  readonly cause: LinkCause;
  /** True if it had been connected. */
  readonly connected: boolean;
  /** What the library or the system said. */
  readonly message: string;
}

/** What a connection says. Nothing is said after `ended`, which comes exactly once. */
export interface ConnectionEvents {
  connected(): void;
  /**
   * A message; it is acknowledged when the promise resolves, and only on the connection it came on. A rejection drops the
   * connection. Must not wait for anything that travels over the link.
   */
  frame(frame: Frame): Promise<void>;
  /** Milliseconds from a question to its answer. */
  roundTrip(ms: number): void;
  ended(end: LinkEnd): void;
}

/** A message to the broker. */
export interface PublishOptions {
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** The ports of a TCP connection: ours, and that of the other side. */
export interface TcpEnds {
  readonly local: number;
  readonly remote: number;
  /** Its descriptor in this process; null where that is not known. */
  readonly fd: number | null;
  /** Bytes that were written to it and have not left this process. */
  readonly buffered: number;
}

/**
 * How many bytes that were written to a TCP connection the system at its other end has not acknowledged; infinite where that is not known, or there is
 * no connection any more.
 * Without a descriptor a table of the kernel is read, which can take milliseconds.
 */
export type Queued = (ends: TcpEnds | null) => number;

/** One connection to a broker, or the attempt at one. */
export interface Connection {
  /** Codes the broker granted, in the order of `filters`; 128 and more: refused. QoS 1 unless said. Rejects if the connection ends. */
  subscribe(filters: readonly string[], qos?: 0 | 1): Promise<readonly number[]>;
  /**
   * Resolves with 0 when the broker has it (QoS 1) or when it is written (QoS 0), or with the reason code of a refusal (MQTT 5).
   * Rejects if the connection ends first.
   */
  publish(topic: string, payload: string, options: PublishOptions): Promise<number>;
  /** Null while there is no TCP connection. */
  ends(): TcpEnds | null;
  /** Says goodbye, so that the broker does not publish the will; `ended` follows. */
  close(): void;
  /** Ends it at once, without goodbye. */
  drop(): void;
}

/** A broker somewhere. */
export interface Broker {
  /** Starts one attempt. Never throws: whatever goes wrong is said by `ended`. */
  connect(wish: ConnectWish, events: ConnectionEvents): Connection;
}
