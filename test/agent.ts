import { copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Agent, openAgent } from '../agent/agent.ts';
import type { Host } from '../agent/hall/host.ts';
import { hostChance, sha256 } from '../agent/host/chance.ts';
import { hostClock } from '../agent/host/clock.ts';
import { hostDevices } from '../agent/host/devices.ts';
import { hostEd25519 } from '../agent/host/ed25519.ts';
import { hostFetch } from '../agent/host/fetch.ts';
import { hostFiles } from '../agent/host/files.ts';
import { hostHooks } from '../agent/host/hooks.ts';
import { createJournal, replayJournal } from '../agent/host/journal.ts';
import { hostKernelLocks } from '../agent/host/libc.ts';
import { hostParsers } from '../agent/host/parsers.ts';
import { hostProcesses } from '../agent/host/processes.ts';
import { hostSensors } from '../agent/host/sensors.ts';
import { hostTargets } from '../agent/host/targets.ts';
import { hostUnits } from '../agent/host/units.ts';
import { createOutboxMemory } from '../agent/link/outbox-memory.ts';
import type { JournalRecord } from '../agent/ports/journal.ts';
import type { WireEvents } from '../agent/ports/vehicle.ts';
import { readSettings } from '../agent/settings.ts';
import { sign } from '../agent/vehicle/mavlink/signature.ts';
import { changeSettings, type LineTest } from './fixtures/line.ts';
import { flockBy } from './fixtures/lock-holders.ts';
import { type LoneDevice, loneDevice } from './fixtures/lone-device.ts';
import { manualClock } from './fixtures/manual-clock.ts';
import { ourBytes } from './fixtures/mavlink.ts';
import { latch, until } from './fixtures/until.ts';

/** The hall on real parts, without a broker; `lines` is its log. */
function hall(
  device: LoneDevice,
  sync: (records: readonly JournalRecord[]) => Promise<void> = async () => {},
  more: Partial<Host> = {},
) {
  const lines: string[] = [];
  const fatal: unknown[] = [];
  const files = hostFiles();
  const path = join(device.state, 'journal');
  const journal = createJournal({
    files,
    sha256,
    path,
    onLost: (error) => void fatal.push(error),
    onTrouble: () => {},
  });
  const telemetry = createJournal({
    ...{ files, sha256, path: join(device.state, 'telemetry') },
    onLost() {},
    onTrouble() {},
  });
  const agent = openAgent(readSettings(device.settings), {
    ...{
      files,
      clock: hostClock(),
      chance: hostChance,
      sha256,
      ed25519: hostEd25519(),
      parsers: hostParsers,
      sensors: hostSensors(device.state, hostDevices()),
      broker: null,
    },
    ...{
      targets: hostTargets(),
      fetch: hostFetch(),
      kernel: hostKernelLocks(),
      processes: hostProcesses(),
      units: hostUnits(),
      hooks: hostHooks(),
    },
    log: { say: (level, line) => void lines.push(`${level} ${line}`) },
    journal: {
      ...journal,
      async append(records) {
        await sync(records);
        await journal.append(records);
      },
    },
    telemetry,
    version: '0.0.0',
    builtAtMs: 0,
    onFatal: (error) => void fatal.push(error),
    ...more,
  });
  return { agent, lines, fatal };
}
const give = (agent: Agent, device: LoneDevice, version: number, content: string, more: object = {}) =>
  agent.apply(device.sign({ version, files: { 'aim.conf': content }, ...more }).jws);

t.test('answers for every way a document can go', async (t) => {
  const device = loneDevice(t);
  const { agent, lines, fatal } = hall(device);
  await agent.start();
  t.strictSame(await give(agent, device, 1, 'one\n'), { result: 'applied', code: null, reason: null });
  t.match(await give(agent, device, 1, 'other\n'), { result: 'refused', code: 'version-reused' });
  t.match(await agent.apply(''), { result: 'refused', code: 'malformed' });
  t.match(await give(agent, device, 1, 'base\n', { aud: 'all' }), { result: 'covered', code: null });
  t.match(await give(agent, device, 2, 'x', { payload: { expect: { token: 99 } } }), {
    ...{ result: 'refused', code: 'lock-mismatch' },
    reason: /has token 1, the update expected 99/,
  });
  const holder = await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  t.match(await give(agent, device, 3, 'three\n'), {
    ...{ result: 'waiting', code: 'lock-mismatch' },
    reason: /^lock mismatch: aim\.conf HOT \(held by .*; it is applied by itself later$/,
  });
  await holder.end();
  await until('it is applied', () => device.contents()['aim.conf'] === 'three\n');
  await agent.stop('done');
  t.ok(lines.includes('notice applied aim base version 3 for grp/canary'));
  t.same(fatal, []);
});

t.test('one agent on a state; a wrong key file is told before anything is begun', async (t) => {
  const device = loneDevice(t);
  const first = hall(device);
  await first.agent.start();
  const second = hall(device);
  await t.rejects(second.agent.start(), { exit: 1, message: /another locksmith works with this state/ });
  await second.agent.stop('it could not go on');
  t.same(second.lines, [], 'it has no state to write its end into, and does not complain of it');
  await first.agent.stop('done');

  const keyless = loneDevice(t);
  rmSync(join(keyless.dir, 'keys.json'));
  await t.rejects(hall(keyless).agent.start(), {
    exit: 2,
    message: /keys\.json: there is no such file \(trust\.keys\)/,
  });
});

t.test('what a crash left half kept is gone after the start, whoever has the number of its writer now', async (t) => {
  const device = loneDevice(t);
  const kept = join(device.state, 'kept');
  mkdirSync(kept, { recursive: true });
  writeFileSync(join(kept, `${sha256('x')}.${process.ppid}.abc123.tmp`), 'half');
  const { agent } = hall(device);
  await agent.start();
  t.same(readdirSync(kept), []);
  await agent.stop('done');
});

t.test('every record of the line has its number, in the order of the journal', async (t) => {
  const device = loneDevice(t);
  const { agent } = hall(device);
  await agent.start();
  await Promise.all([
    give(agent, device, 1, 'a\n'),
    give(agent, device, 2, 'b\n', { aud: 'all' }),
    agent.apply('junk'),
  ]);
  await agent.stop('done');
  const memory = createOutboxMemory();
  replayJournal(hostFiles(), sha256, join(device.state, 'journal'), [memory]);
  const seqs = [...memory.pending.keys()];
  t.same(
    seqs,
    [...seqs.keys()].map((n) => n + 1),
    'without a link all of it waits, from 1 without a gap',
  );
  t.match(
    [...memory.pending.values()].map(({ kind }) => kind),
    ['reported'],
  );
});

t.test('stop waits for the step under way', async (t) => {
  const device = loneDevice(t);
  const slow = { on: false };
  const gate = latch();
  const { agent } = hall(device, () => (slow.on ? gate.opened : Promise.resolve()));
  await agent.start();
  slow.on = true;
  const applied = give(agent, device, 1, 'one\n');
  const stopped = { is: false };
  const stopping = agent.stop('done').then(() => {
    stopped.is = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  gate.open();
  await Promise.allSettled([applied, stopping]);
  t.ok(stopped.is);
  t.match(device.contents()['aim.conf'], /^(hold = 500|one)\n$/, 'all old or all new');
});

/** A vehicle on a wire that the test speaks on, at its own pace: a device that listens to it, and what makes the hall do so. */
function withVehicle(t: LineTest, more: object = {}) {
  const device = loneDevice(t);
  changeSettings(device, (settings) =>
    Object.assign(settings, {
      vehicle: {
        mavlink: { listen: 'udp://127.0.0.1:14550', system: 1, send: false, ...more },
        disarmed_is_enough: true,
      },
    }),
  );
  const wire: { events: WireEvents | null } = { events: null };
  const udp = () => ({
    ...{ name: 'udp', datagrams: true },
    open(events: WireEvents) {
      wire.events = events;
      return () => {
        wire.events = null;
      };
    },
  });
  const none = () => Promise.reject(new Error('none'));
  const world = () => {
    const clock = { ...manualClock(), wallMs: Date.now };
    return { clock, wires: { udp, tcp: udp, serial: udp, recording: none } };
  };
  const say = (bytes: Uint8Array) => wire.events?.bytes(bytes, () => {});
  return { device, wire, world, say };
}
const heartbeat = (armed: boolean) =>
  ourBytes('HEARTBEAT', { type: 2, autopilot: 12, system_status: armed ? 4 : 3, base_mode: armed ? 128 : 0 });

t.test('a vehicle that arms while the agent leaves stops the step under way', async (t) => {
  const { device, wire, world, say } = withVehicle(t);
  const { clock, wires } = world();
  const slow = { intents: 0, gate: latch() };
  const { agent } = hall(
    device,
    async (records) => {
      if (!records.some((record) => record.t === 'intent')) return;
      slow.intents += 1;
      await slow.gate.opened;
    },
    { clock, wires },
  );
  await agent.start();
  const listening = agent.listen();
  for (let s = 0; s < 7; s += 1) {
    say(heartbeat(false));
    clock.advance(1_000);
  }
  say(heartbeat(false));
  await listening;
  t.equal(agent.vehicle().safety, 'safe');
  const applied = give(agent, device, 1, 'one\n');
  await until('it is about to be renamed', () => slow.intents === 1);
  const stopping = agent.stop('done');
  say(heartbeat(true));
  slow.gate.open();
  await Promise.allSettled([applied, stopping]);
  t.same(device.contents(), { 'aim.conf': 'hold = 500\n' });
  t.equal(wire.events, null, 'then it is heard no more');
});

t.test(
  'signed words that one life of the agent has heard are not believed when the next hears them again',
  async (t) => {
    const key = Buffer.from('k'.repeat(32));
    const signing_key = join(t.testdir({ key: key.toString() }), 'key');
    const startMs = Date.now();
    const signed = (atMs: number) => sign(heartbeat(false), { key, link: 1, sha256 }, startMs + atMs);
    const words = Array.from({ length: 10 }, (_, s) => signed(s * 1_000));
    /** A life on what another has left, if there was one: the lock on a state goes with the process alone. */
    const live = async (heard: readonly Uint8Array[], left?: LoneDevice) => {
      const { device, world, say } = withVehicle(t, { signing_key });
      const journal = (of: LoneDevice) => join(of.state, 'journal');
      mkdirSync(device.state, { recursive: true });
      if (left !== undefined) copyFileSync(journal(left), journal(device));
      const { clock, wires } = world();
      const { agent } = hall(device, async () => {}, { clock, wires });
      await agent.start();
      const listening = agent.listen();
      for (let s = 0; s < 11; s += 1) {
        const bytes = heard[s];
        if (bytes !== undefined) say(bytes);
        clock.advance(1_000);
      }
      await listening;
      const { safety } = agent.vehicle();
      await agent.stop('done');
      return { safety, device };
    };
    t.match(await live(words), { safety: 'safe' });
    const first = await live([...words.slice(0, 9), signed(600_000)]);
    t.match(first, { safety: 'safe' });
    t.match(await live(words, first.device), { safety: 'unknown' });
  },
);
