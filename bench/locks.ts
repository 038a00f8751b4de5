import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostClock } from '../agent/host/clock.ts';
import { hostFiles } from '../agent/host/files.ts';
import { hostKernelLocks } from '../agent/host/libc.ts';
import { hostProcesses } from '../agent/host/processes.ts';
import { openLocks } from '../agent/lock/room.ts';
import { figure } from './say.ts';
import { openWorld, quantile, startProgram, type World } from './world.ts';

// What a look at a COLD lock costs with many processes about.

const PROCESSES = 300;
const ROUNDS = 2000;
const GOAL_MS = 1;

const running = () => readdirSync('/proc').filter((name) => /^\d+$/.test(name)).length;

async function crowd(world: World): Promise<void> {
  while (running() < PROCESSES) startProgram(world, 'sleep', ['1000']);
}

function report(what: string, times: readonly number[]): void {
  const p50 = quantile(times, 0.5);
  const verdict = p50 <= GOAL_MS ? 'within the goal' : 'above the goal';
  console.log(
    `${what} at ${running()} processes, COLD: p50 ${p50.toFixed(3)} ms, p99 ${quantile(times, 0.99).toFixed(3)} ms (goal ${GOAL_MS} ms: ${verdict})`,
  );
  figure(`lock-${what}-p50`, p50.toFixed(3), 'ms');
}

const world = openWorld();
try {
  await crowd(world);
  const conf = join(world.dir, 'aim.conf');
  writeFileSync(conf, 'hold_ms = 0\n');
  mkdirSync(join(world.dir, 'state'));
  const ports = { files: hostFiles(), kernel: hostKernelLocks(), processes: hostProcesses(), clock: hostClock() };
  const room = openLocks(
    { ...ports, log: { say: () => {} } },
    {
      ...{ paths: { state: join(world.dir, 'state'), run: join(world.fastDir, 'run') }, locks: { honour: [] } },
      configs: { aim: { files: [{ path: conf }] } },
    },
  );
  const alive = setInterval(() => {}, 1000);
  await room.settleAll();
  for (const [what, look] of [
    ['reach', () => room.reach('aim')],
    ['look', () => room.look('aim')],
  ] as const) {
    const times: number[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const started = performance.now();
      if (look().state !== 'COLD') throw new Error('bench: the lock is not COLD');
      times.push(performance.now() - started);
    }
    report(what, times.slice(ROUNDS / 10));
  }
  clearInterval(alive);
  room.close();
} finally {
  await world.end();
}
