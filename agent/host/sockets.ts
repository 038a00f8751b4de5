import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import type { Reply, Wire } from '../ports/vehicle.ts';
import { messageOf } from '../values/thrown.ts';

/** How long one attempt to connect may take. */
const CONNECT_MS = 5_000;
/** Senders whose way back is remembered; forgotten all at once when there are more. */
const SENDERS_MAX = 64;

/** Listens for datagrams; an answer goes to whoever sent what it answers. */
export function udpWire(host: string, port: number): Wire {
  const name = `udp://${host}:${port}`;
  return {
    name,
    datagrams: true,
    open(events) {
      const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4' });
      const replies = new Map<string, Reply>();
      let ended = false;
      const end = (reason: string) => {
        if (ended) return;
        ended = true;
        socket.close();
        events.ended(reason);
      };
      const replyTo = (address: string, at: number): Reply => {
        const key = `${address} ${at}`;
        const known = replies.get(key);
        if (known !== undefined) return known;
        if (replies.size >= SENDERS_MAX) replies.clear();
        // Who is gone misses it, as with any datagram.
        const reply: Reply = (bytes) => ended || socket.send(bytes, at, address, () => {});
        replies.set(key, reply);
        return reply;
      };
      socket.on('error', (error) => end(messageOf(error)));
      socket.on('listening', () => ended || events.opened());
      socket.on('message', (bytes, from) => ended || events.bytes(bytes, replyTo(from.address, from.port)));
      socket.bind({ address: host, port });
      return () => end('closed');
    },
  };
}

/** Connects to a TCP port. */
export function tcpWire(host: string, port: number): Wire {
  return {
    name: `tcp://${host}:${port}`,
    datagrams: false,
    open(events) {
      const socket = connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 10_000 });
      let ended = false;
      const end = (reason: string) => {
        if (ended) return;
        ended = true;
        clearTimeout(timer);
        socket.destroy();
        events.ended(reason);
      };
      const timer = setTimeout(() => end('no answer'), CONNECT_MS);
      const reply: Reply = (bytes) => ended || socket.write(bytes);
      socket.on('connect', () => {
        clearTimeout(timer);
        if (!ended) events.opened();
      });
      socket.on('data', (bytes) => ended || events.bytes(bytes, reply));
      socket.on('error', (error) => end(messageOf(error)));
      socket.on('close', () => end('the other side closed it'));
      return () => end('closed');
    },
  };
}
