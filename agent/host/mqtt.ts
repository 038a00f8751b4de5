import { readFileSync } from 'node:fs';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
// The client alone: the package's front door also loads proxies and web sockets, which cost start-up time and memory.
import mqtt from 'mqtt/lib/client';
import type { Broker, Connection, ConnectionEvents, ConnectWish, LinkCause } from '../ports/broker.ts';
import type { Intervals } from '../ports/world.ts';
import { messageOf } from '../values/thrown.ts';
import { openTurnstile } from '../values/turnstile.ts';

/** Ports of the two kinds of URL where the URL names none. Source: IANA. */
const PORTS = { 'mqtt:': 1883, 'mqtts:': 8883 } as const;

/** A broker that still answers pings, but not this long to a message or a subscription, has lost it: the link starts afresh. */
const ANSWER_MS = 60_000;

/** A file of the link that cannot be read. */
class FileTrouble extends Error {
  readonly path: string;
  constructor(path: string, cause: unknown) {
    super(`${path}: ${messageOf(cause)}`, { cause });
    this.path = path;
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new FileTrouble(path, error);
  }
}

/** The password is the first line, so that a file made with an editor works. */
function readPassword(path: string): string {
  return read(path).toString('utf8').split(/\r?\n/, 1)[0] ?? '';
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Opens the transport. Throws {@link FileTrouble}, or what Node says of a key that does not fit its certificate. */
function openTransport(wish: ConnectWish): Socket {
  const url = new URL(wish.url);
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  if (url.protocol === 'mqtts:') {
    const { ca, cert, key, servername } = wish.tls;
    const name = servername ?? (isIP(host) === 0 ? host : undefined);
    // Loaded only for mqtts://, because it costs 1.7 MB of memory.
    return process.getBuiltinModule('node:tls').connect({
      host,
      port: Number(url.port) || PORTS['mqtts:'],
      rejectUnauthorized: true,
      ...(ca === null ? {} : { ca: read(ca) }),
      ...(cert === null ? {} : { cert: read(cert) }),
      ...(key === null ? {} : { key: read(key) }),
      ...(name === undefined ? {} : { servername: name }),
    });
  }
  return connectTcp({ host, port: Number(url.port) || PORTS['mqtt:'] });
}

/** Null where this Node does not tell, or the socket has none any more. */
function descriptorOf(socket: Socket): number | null {
  const handle: unknown = Reflect.get(socket, '_handle');
  const fd: unknown = typeof handle === 'object' && handle !== null ? Reflect.get(handle, 'fd') : null;
  return typeof fd === 'number' && fd >= 0 ? fd : null;
}

/**
 * A broker reached with MQTT.js. A client lives as long as its connection and is then thrown away: nothing it still has in
 * memory (a message in flight, an acknowledgement that comes late) can reach the next connection.
 */
export const mqttBrokerBy = (timers: Intervals | 'native'): Broker => ({
  connect(wish: ConnectWish, events: ConnectionEvents): Connection {
    try {
      const password = wish.passwordFile === null ? null : readPassword(wish.passwordFile);
      return connectWith(openTransport(wish), { password, timers }, wish, events);
    } catch (error) {
      const code = codeOf(error);
      const path = error instanceof FileTrouble ? error.path : (wish.tls.cert ?? wish.tls.ca ?? wish.url);
      const cause: LinkCause =
        error instanceof FileTrouble || typeof code !== 'string' ? { kind: 'file', path } : { kind: 'system', code };
      queueMicrotask(() => events.ended({ cause, connected: false, message: messageOf(error) }));
      const gone = Promise.reject(error);
      gone.catch(() => {});
      return { subscribe: () => gone, publish: () => gone, ends: () => null, close: () => {}, drop: () => {} };
    }
  },
});

/** One whose wakes need not be saved. */
export const mqttBroker: Broker = mqttBrokerBy('native');

type Own = { readonly password: string | null; readonly timers: Intervals | 'native' };
function connectWith(socket: Socket, own: Own, wish: ConnectWish, events: ConnectionEvents): Connection {
  let cause: LinkCause | null = null;
  let message = '';
  let connected = false;
  let ended = false;
  let pingedMs = 0;
  /** How many QoS 1 messages may be under way. MQTT 5 brokers say how many; for the others it is up to us. */
  let turnstile = openTurnstile(Number.POSITIVE_INFINITY);
  const waiting = new Set<(error: Error) => void>();

  // The first cause is the true one: whatever follows is its echo.
  const blame = (what: LinkCause, words: string) => {
    if (cause !== null) return;
    cause = what;
    message = words;
  };
  const dropFor = (what: LinkCause, words: string) => {
    blame(what, words);
    socket.destroy();
  };
  let secured = !wish.url.startsWith('mqtts:');
  socket.on('secureConnect', () => {
    secured = true;
  });
  const blameError = (error: unknown) => {
    const code = codeOf(error);
    if (code === 'ECONNRESET' && !secured) dropFor({ kind: 'system', code: 'NO_TLS' }, 'closed at the TLS greeting');
    else if (typeof code === 'string') dropFor({ kind: 'system', code }, messageOf(error));
    else if (/timeout/i.test(messageOf(error))) dropFor({ kind: 'silent' }, messageOf(error));
    else dropFor({ kind: 'system', code: 'PROTOCOL' }, messageOf(error));
  };
  socket.on('connect', () => socket.setNoDelay(true));
  socket.on('error', blameError);
  socket.on('end', () => {
    if (secured) blame({ kind: 'closed' }, 'the other side closed the connection');
  });

  const client = new mqtt.default(() => socket, {
    clientId: wish.clientId,
    clean: true,
    keepalive: wish.keepaliveS,
    connectTimeout: wish.connectTimeoutMs,
    // The link room decides when to try again, with a client of its own for every attempt.
    reconnectPeriod: 0,
    resubscribe: false,
    // A cache of all 65,536 packet ids costs several megabytes and saves nothing at this rate.
    writeCache: false,
    timerVariant: own.timers,
    log: () => {},
    ...(wish.protocol === '5'
      ? { protocolVersion: 5, properties: { sessionExpiryInterval: 0 } }
      : { protocolVersion: 4 }),
    ...(wish.username === null ? {} : { username: wish.username }),
    ...(own.password === null ? {} : { password: own.password }),
    ...(wish.will === null
      ? {}
      : { will: { topic: wish.will.topic, payload: Buffer.from(wish.will.payload), qos: 1, retain: true } }),
  });

  client.on('packetreceive', (packet) => {
    if (packet.cmd === 'connack') {
      const code = packet.returnCode ?? packet.reasonCode ?? 0;
      if (code !== 0) blame({ kind: 'refused', code }, `CONNACK ${code}`);
    } else if (packet.cmd === 'disconnect') {
      dropFor({ kind: 'told', code: packet.reasonCode ?? 0 }, `DISCONNECT ${packet.reasonCode ?? 0}`);
    } else if (packet.cmd === 'pingresp') {
      events.roundTrip(performance.now() - pingedMs);
    }
  });
  client.on('packetsend', (packet) => {
    if (packet.cmd === 'pingreq') pingedMs = performance.now();
  });
  // Without a listener a refusal or a TLS failure would be silent, and a parse error would leave a deaf connection open.
  client.on('error', blameError);
  client.on('connect', ({ properties }) => {
    connected = true;
    turnstile = openTurnstile(properties?.receiveMaximum ?? Number.POSITIVE_INFINITY);
    events.connected();
  });
  client.handleMessage = (packet, acknowledge) => {
    const { topic, payload, retain, qos } = packet;
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
    events.frame({ topic, payload: bytes, retain: retain === true, qos }).then(
      () => acknowledge?.(),
      (error: unknown) => dropFor({ kind: 'not-kept' }, messageOf(error)),
    );
  };
  socket.on('close', () => {
    if (ended) return;
    ended = true;
    for (const reject of [...waiting]) reject(new Error('the connection ended'));
    events.ended({ cause: cause ?? { kind: 'closed' }, connected, message });
  });

  const late = () => dropFor({ kind: 'silent' }, `no answer in ${ANSWER_MS / 1000} s`);
  /** `told`: the broker answers, so its answer tells how long the way is, and that all before the question has arrived. */
  const answer = <T>(
    told: boolean,
    ask: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  ): Promise<T> =>
    new Promise((resolve, reject) => {
      if (ended || !connected) {
        reject(new Error('there is no connection'));
        return;
      }
      const timer = told ? setTimeout(late, ANSWER_MS) : undefined;
      const done = () => {
        clearTimeout(timer);
        waiting.delete(fail);
      };
      const fail = (error: Error) => {
        done();
        reject(error);
      };
      waiting.add(fail);
      const askedMs = performance.now();
      ask((value) => {
        done();
        if (!ended && told) events.roundTrip(performance.now() - askedMs);
        resolve(value);
      }, fail);
    });

  return {
    subscribe: (filters, qos = 1) =>
      answer(true, (resolve, reject) => {
        client.subscribe([...filters], { qos }, (error, _granted, packet) => {
          if (packet !== undefined) resolve(packet.granted.map(Number));
          else reject(error ?? new Error('no answer'));
        });
      }),
    publish: (topic, payload, { qos, retain }) =>
      answer(qos === 1, (resolve, reject) => {
        const send = () =>
          client.publish(topic, payload, { qos, retain }, (error) => {
            if (qos === 1) turnstile.leave();
            const code = codeOf(error);
            if (error == null) resolve(0);
            else if (typeof code === 'number' && code >= 128) resolve(code);
            else reject(error);
          });
        if (qos === 1) turnstile.enter(send);
        else send();
      }),
    ends() {
      const { localPort: local, remotePort: remote, writableLength: buffered } = socket;
      return local === undefined || remote === undefined ? null : { local, remote, buffered, fd: descriptorOf(socket) };
    },
    close: () => {
      blame({ kind: 'left' }, 'we left');
      client.end();
    },
    drop: () => dropFor({ kind: 'left' }, 'we left'),
  };
}
