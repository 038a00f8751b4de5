import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import type { Queued } from '../ports/broker.ts';

/** Columns of /proc/net/tcp, whose ports and queues are hexadecimal. Source: proc_pid_net(5). */
const LOCAL = 1;
const REMOTE = 2;
const QUEUES = 4;

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':')[1] ?? '', 16);
}

/** Source: <linux/sockios.h>, tcp(7); the same on every Linux this runs on. */
const SIOCOUTQ = 0x5411;

/**
 * How much of a TCP connection of this machine has not got through: what the kernel has of it, and what it has not been given yet. It is
 * asked by the descriptor: to read the table it goes through all it could ever have, 6 ms at each heartbeat on a machine with much memory.
 * `dir`: another place in tests.
 */
export function tcpQueued(dir = '/proc/self/net'): Queued {
  const ioctl: (fd: number, request: number, value: Uint8Array) => number = koffi
    .load(null)
    .func('ioctl', 'int', ['int', 'unsigned long', 'void *']);
  const value = Buffer.alloc(4);
  return (ends) => {
    if (ends === null) return Number.POSITIVE_INFINITY;
    const { local, remote, fd, buffered } = ends;
    if (fd !== null && ioctl(fd, SIOCOUTQ, value) === 0) return buffered + value.readInt32LE(0);
    for (const table of ['tcp', 'tcp6']) {
      for (const row of rowsOf(`${dir}/${table}`)) {
        const columns = row.trim().split(/\s+/);
        if (portOf(columns[LOCAL]) !== local || portOf(columns[REMOTE]) !== remote) continue;
        return buffered + Number.parseInt(columns[QUEUES] ?? '', 16);
      }
    }
    return Number.POSITIVE_INFINITY;
  };
}

function rowsOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'latin1').split('\n');
  } catch {
    // A machine without IPv6 has no table of it.
    return [];
  }
}
