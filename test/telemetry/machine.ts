import t from 'tap';
import { openMachine } from '../../agent/telemetry/machine.ts';
import type { MachineReading } from '../../agent/values/machine.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

const READING: MachineReading = { cores: 2, load_1m: 0.5, agent_rss_bytes: 50_000_000 };

t.test('read anew only after 28 seconds, and once for all who ask meanwhile', async (t) => {
  const clock = manualClock();
  let reads = 0;
  const sensors = {
    read: async () => {
      reads += 1;
      return READING;
    },
  };
  const machine = openMachine({ sensors, clock, log: { say: () => t.fail('said') } });
  t.same(await Promise.all([machine.look(), machine.look()]), [
    { at: '2026-01-01T00:00:00.000Z', ...READING },
    { at: '2026-01-01T00:00:00.000Z', ...READING },
  ]);
  t.equal(reads, 1);
  clock.advance(27_999);
  t.match(await machine.look(), { at: '2026-01-01T00:00:00.000Z' });
  t.equal(reads, 1);
  clock.advance(1);
  t.match(await machine.look(), { at: '2026-01-01T00:00:28.000Z' });
  t.equal(reads, 2);
});

t.test('a sensor that does not answer holds nothing up; no old value stands for it', async (t) => {
  const clock = manualClock();
  const answers: ((reading: MachineReading) => void)[] = [];
  const sensors = { read: () => new Promise<MachineReading>((resolve) => void answers.push(resolve)) };
  const machine = openMachine({ sensors, clock, log: { say: () => t.fail('said') } });
  const first = machine.look();
  clock.advance(2_000);
  t.equal(await first, null);
  const second = machine.look();
  t.equal(answers.length, 1, 'it is not asked again while it still owes an answer');
  answers[0]?.(READING);
  t.match(await second, READING);
});

t.test('sensors that fail are said once, and again when they fail anew', async (t) => {
  const clock = manualClock();
  const said: string[] = [];
  const state = { bad: true };
  const sensors = {
    read: async () => {
      if (state.bad) throw new Error('no /proc');
      return READING;
    },
  };
  const machine = openMachine({ sensors, clock, log: { say: (_level, line) => void said.push(line) } });
  t.equal(await machine.look(), null);
  t.equal(await machine.look(), null);
  t.same(said, ['sensors: no /proc']);
  state.bad = false;
  t.match(await machine.look(), READING);
  state.bad = true;
  clock.advance(28_000);
  t.equal(await machine.look(), null);
  t.equal(said.length, 2);
});

t.test('every heartbeat of 30 s has a reading of its own, also if that takes a while', async (t) => {
  const clock = manualClock();
  const owed: (() => void)[] = [];
  const sensors = { read: () => new Promise<MachineReading>((resolve) => void owed.push(() => resolve(READING))) };
  const machine = openMachine({ sensors, clock, log: { say: () => t.fail('said') } });
  for (const at of ['00:00:00', '00:00:30', '00:01:00']) {
    const found = machine.look();
    clock.advance(1_500);
    owed.pop()?.();
    t.match(await found, { at: `2026-01-01T${at}.000Z` });
    clock.advance(28_500);
  }
});

t.test('sensors that answer at once are not waited for', async (t) => {
  const after = () => {
    t.fail('a timer');
    return () => {};
  };
  const clock = { ...manualClock(), after };
  const machine = openMachine({ sensors: { read: () => READING }, clock, log: { say: () => t.fail('said') } });
  t.same(machine.look(), { at: '2026-01-01T00:00:00.000Z', ...READING });
});
