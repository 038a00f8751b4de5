import { readFileSync } from 'node:fs';
import type { Queued } from '../ports/broker.ts';

/** Columns of /proc/net/tcp, whose ports and queues are hexadecimal. Source: proc_pid_net(5). */
const LOCAL = 1;
const REMOTE = 2;
const QUEUES = 4;

function portOf(address: string | undefined): number {
  return Number.parseInt(address?.split(':')[1] ?? '', 16);
}

/** How much of a TCP connection of this machine has not got through, as the kernel has it. `dir`: another place in tests. */
export function tcpQueued(dir = '/proc/self/net'): Queued {
  return ({ local, remote }) => {
    for (const table of ['tcp', 'tcp6']) {
      for (const row of rowsOf(`${dir}/${table}`)) {
        const columns = row.trim().split(/\s+/);
        if (portOf(columns[LOCAL]) !== local || portOf(columns[REMOTE]) !== remote) continue;
        return Number.parseInt(columns[QUEUES] ?? '', 16);
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
