import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { cloudKernel, powerOn, withoutQemu } from '../fixtures/image/qemu.ts';
import { memoryChapter, storyDisk } from '../fixtures/image/story.ts';
import { openProof, type Proof } from '../fixtures/proof.ts';

/** Of all machines together. */
const LIMIT_MS = 4 * 3600_000;
/** The bounds of the unit, in bytes. Source: systemd/locksmith-agent.service. */
const MEMORY_HIGH = 160 * 2 ** 20;
const MEMORY_MAX = 200 * 2 ** 20;

const skip = withoutQemu();

/** Cuts the power so many times at any instant of the apply loop, and looks each time how the device comes up again. */
async function cutPower(t: Test, proof: Proof, run: string, cuts: number, lastWords: readonly string[]): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-power-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const disk = storyDisk(dir, run);
  const kernel = cloudKernel();
  const seen = new Set<string>();
  for (let boot = 0; boot <= cuts; boot += 1) {
    const machine = powerOn(t, kernel, disk, boot === cuts ? lastWords : []);
    const say = async (what: string) => (await machine.line(`STORY ${what}:`)).replace(/^.*STORY \w+: ?/, '');
    t.match(await say('agent'), /^active 0/, `boot ${boot}: the agent is back by itself`);
    const files = await say('files');
    t.match(files, /^set (\d+) set \1$/, 'all old or all new');
    seen.add(files);
    t.match(await say('consumer'), /^set (\d+) set \1$/, 'so it was when the consumer started');
    t.match(await say('locks'), /^ *2 COLD$/, 'nothing is HOT');
    t.equal(await say('leftovers'), 'none');
    // Where the record of the old boot is still there, its end is told.
    const reclaimed = boot > 0 && run !== '/run/locksmith';
    t.match(await say('reclaimed'), reclaimed ? /reclaimed survey/ : /^$/);
    await machine.line('STORY loop');
    await machine.line('STORY applied');
    if (boot === cuts) await memory(t, proof, say);
    else await pause(proof.below(3000));
    await machine.cut();
  }
  t.ok(seen.size > 1, 'updates were applied between the cuts');
}

/** The limits of the unit, where they are real: work stays below them, and who does not is ended alone. */
async function memory(t: Test, proof: Proof, say: (what: string) => Promise<string>): Promise<void> {
  const [current = 0, peak = 0, high, max] = (await say('memory')).split(' ').map(Number);
  t.strictSame([high, max], [MEMORY_HIGH, MEMORY_MAX]);
  t.ok(peak < MEMORY_HIGH, `an apply loop takes ${Math.round(peak / 2 ** 20)} MiB at most`);
  proof.figure('memory-after-loop', Math.round(current / 2 ** 20), 'MiB');
  proof.figure('memory-peak', Math.round(peak / 2 ** 20), 'MiB');
  t.equal(await say('alone'), 'active', 'the rest of the device goes on');
  t.equal(await say('after'), 'active', 'and the agent, once it may');
}

const proof = openProof(t);
/** Where the agent's run directory is: a reboot clears the one, and in the other the record of the old boot is still there. */
const RUNS = { tmpfs: '/run/locksmith', disk: '/var/lib/locksmith-run' } as const;
// A sample takes one of the two.
const runs = proof.full ? (['tmpfs', 'disk'] as const) : [proof.pick<keyof typeof RUNS>(['tmpfs', 'disk'])];
for (const run of runs) {
  const name = `the power goes in an apply loop while a lock is held, its record on ${run}`;
  t.test(name, { skip, timeout: LIMIT_MS }, async (t) => {
    const cuts = proof.rounds(1, 12);
    await cutPower(t, proof, RUNS[run], cuts, [memoryChapter(proof.full ? 60 : 10)]);
    proof.figure(`cuts-${run}`, cuts, 'cuts');
  });
}
