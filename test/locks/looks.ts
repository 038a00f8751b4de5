import { spawn } from 'node:child_process';
import { existsSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loneDevice } from '../fixtures/lone-device.ts';
import { openProof } from '../fixtures/proof.ts';
import { until } from '../fixtures/until.ts';

// Own looks never show HOT to anybody: a stranger that takes the lock without waiting, again and again, beside an agent that is looked at.

const machine = readlinkSync('/proc/self/ns/pid') === 'pid:[4026531836]';
const without = machine ? false : 'in a container the list of all locks is not whole, so looks have to try them';
const proof = openProof(t);
const TRIES = proof.rounds(3000, 100_000);

/** Takes the lock without waiting and gives it back at once, so many times, now and then pausing; says how often it was refused. */
const STRANGER = `
import fcntl, os, sys, time
file = os.open(sys.argv[1], os.O_RDWR)
refused = 0
for n in range(int(sys.argv[2])):
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.flock(file, fcntl.LOCK_UN)
    except BlockingIOError:
        refused += 1
    time.sleep(0.001)
print(refused)
`;

function strangerOn(path: string, tries: number) {
  const child = spawn('python3', ['-c', STRANGER, path, String(tries)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: { text: string } = { text: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said.text += text;
  });
  const state = { ended: false };
  const refused = new Promise<number>((resolve) => {
    child.once('close', () => {
      state.ended = true;
      resolve(Number(said.text));
    });
  });
  return { refused, ended: () => state.ended, kill: () => child.kill('SIGKILL') };
}

t.test(
  'a flock -n in a loop beside an agent that is asked for its status all the time',
  { timeout: 600_000, skip: without },
  async (t) => {
    const device = loneDevice(t);
    const agent = await device.daemon();
    const sidecar = join(device.run, 'locks', 'aim', 'lock');
    await until('the sidecar', () => existsSync(sidecar));
    for (const path of [sidecar, join(device.etc, 'aim.conf')]) {
      const stranger = strangerOn(path, TRIES);
      t.teardown(stranger.kill);
      let looks = 0;
      while (!stranger.ended()) {
        t.equal((await device.locksmith(['status', '--json'])).code, 0);
        looks += 1;
      }
      const refused = await stranger.refused;
      t.comment(`${refused} refusals in ${TRIES} tries, ${looks} looks by status`);
      proof.figure('refusals-by-looks', refused, '1');
      t.ok(refused <= looks, 'at most the looks that met the stranger at work');
      t.ok(refused <= TRIES / 500, `${refused} of ${TRIES}: at most 0.2 %`);
    }
    await agent.stop();
  },
);
