// The night of the incident, with real processes: four devices, three of them canaries, one of those HOT. `scripts/demo` sets up
// and runs this. Every claim is checked; the first one that is not so ends it with exit code 1.
// LOCKSMITH_DEMO_SABOTAGE=holder keeps the holder from ever letting go: the demo must notice.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asker, chapter, claim, notTrue, operate, operated, run, same, say } from './telling.mjs';
import { CONFIG, FILE, PATIENCE_MS, sampleWith } from './trial.mjs';

const IDS = ['drone-1', 'drone-2', 'drone-3', 'drone-4'];
const CANARIES = IDS.slice(0, 3);
const HOT = 'drone-3';
/** Neither is what the devices come with. */
const OLD = { hold_ms: 600, damping: 0.8 };
const NEW = { hold_ms: 800, damping: 0.95 };

/** The program that has the lock: it holds on until it is told to let go. */
function takeLock(trial, device) {
  const program = join(trial.dir, 'aim-orchestrator.mjs');
  writeFileSync(program, "process.on('SIGTERM', () => process.exit(0));\nsetInterval(() => {}, 1000);\n");
  const args = ['hold', CONFIG, '--settings', device.settings, '--reason', 'tracking a target'];
  return trial.start([...args, '--', process.execPath, program]);
}

async function bringUp(trial) {
  const make = (id, url) => {
    const groups = CANARIES.includes(id) ? ['canary'] : [];
    return trial.makeDevice({ id, groups, url, home: join(trial.dir, id) });
  };
  await trial.makeKey();
  const first = make('drone-1', 'embedded');
  const { url } = await trial.startAgent(first);
  const others = IDS.slice(1).map((id) => make(id, url));
  await Promise.all(others.map((device) => trial.startAgent(device)));
  trial.env.LOCKSMITH_BROKER = url;
  for (const [name, values] of Object.entries({ release: OLD, fix: NEW })) {
    mkdirSync(join(trial.dir, name));
    writeFileSync(join(trial.dir, name, FILE), sampleWith(values));
  }
  return { url, devices: [first, ...others] };
}

async function tell(trial) {
  say(`The night of the incident, with real processes in ${trial.dir}`);

  chapter('Four drones come up, each with its own agent. drone-1, drone-2 and drone-3 are canaries.');
  const { url, devices } = await bringUp(trial);
  const ask = asker(trial, devices);
  const links = async () => (await Promise.all(IDS.map(ask.status))).map(({ link }) => link?.connected);
  await claim(`four agents are connected to the broker on ${url}`, async () =>
    same(
      await links(),
      IDS.map(() => true),
    ),
  );

  chapter('The release of the day goes to all of them.');
  await operated(trial, ['push', CONFIG, `release/${FILE}`, '--to', 'all', '--wait', '4', '--within', '30s']);
  await claim('all four run it', () => ask.isOnDisk(IDS, sampleWith(OLD)));

  chapter(`${HOT} is tracking a target: its aim-orchestrator takes the lock of ${FILE}.`);
  const holder = takeLock(trial, ask.of(HOT));
  await claim(`the lock of ${HOT} is HOT, and its holder is a living process`, async () => {
    const { state, holder: who } = await ask.lock(HOT);
    if (state !== 'HOT' || who?.command !== 'node aim-orchestrator.mjs') return `${state}, ${JSON.stringify(who)}`;
    return readFileSync(`/proc/${who.pid}/cmdline`, 'utf8').includes('aim-orchestrator');
  });

  chapter('The fix: a shadow goes to the three canaries, for four hours. The operator waits for three answers.');
  const shadow = ['--to', 'grp/canary', '--layer', 'shadow'];
  const push = operate(trial, [
    'push',
    CONFIG,
    `fix/${FILE}`,
    ...shadow,
    '--until',
    '4h',
    '--wait',
    '3',
    '--within',
    '60s',
  ]);
  await push.line(/^drone-3 .*lock mismatch: aim_lock_config\.conf HOT/);
  await claim('the other two canaries run the fix', () => ask.isOnDisk(['drone-1', 'drone-2'], sampleWith(NEW)));
  await claim(`${HOT} has refused it because of the lock, names the holder, and keeps it for later`, async () => {
    const { last_attempt: last, pending } = await ask.report(HOT);
    const named = last.reason?.includes('aim-orchestrator') === true;
    return same([last.result, last.code, named, pending?.waiting_for], ['refused', 'lock-mismatch', true, ['lock']]);
  });
  await claim(`nothing has changed on ${HOT}, nor on drone-4, which is no canary`, () =>
    ask.isOnDisk([HOT, 'drone-4'], sampleWith(OLD)),
  );
  if (push.hasEnded()) throw notTrue('the operator still waits for drone-3', 'push has ended');
  const asked = /, id (\S+)$/.exec(await push.line(/^pushed /))?.[1];

  chapter('The aim-orchestrator lets go. Nobody pushes again.');
  const sabotage = process.env.LOCKSMITH_DEMO_SABOTAGE === 'holder';
  if (!sabotage) holder.stop();
  const healMs = sabotage ? 4_000 : PATIENCE_MS;
  await claim(`${HOT} has healed by itself: it runs the fix`, () => ask.isOnDisk([HOT], sampleWith(NEW)), healMs);
  await claim('it was the very update that was refused', async () => {
    const events = (await ask.history(HOT)).filter(({ update }) => update === asked);
    return same(
      events.map(({ event, code }) => code ?? event),
      ['lock-mismatch', 'applied'],
    );
  });
  await claim('the operator has seen all three canaries apply it', async () => same((await push.ended).code, 0));

  chapter('Promotion: the same content becomes the base of all, and the shadow is withdrawn.');
  const before = CANARIES.map(ask.stamp);
  await operated(trial, ['push', CONFIG, `fix/${FILE}`, '--to', 'all', '--wait', '4', '--within', '30s']);
  await operated(trial, ['withdraw', CONFIG, ...shadow, '--wait', '3', '--within', '30s']);
  await claim('all four run the fix, as base version 2 for all', async () => {
    const running = (await Promise.all(IDS.map(ask.report))).map(({ running: { layer, version, address } }) =>
      [layer, version, address].join(' '),
    );
    const told = same(
      running,
      IDS.map(() => 'base 2 all'),
    );
    return told === true ? ask.isOnDisk(IDS, sampleWith(NEW)) : told;
  });
  await claim('the canaries had nothing to rewrite: same file, same time', async () => {
    const last = (await Promise.all(CANARIES.map(ask.history))).map((events) => events.at(-1));
    const told = same(
      last.map(({ event, changed }) => [event, changed]),
      CANARIES.map(() => ['applied', false]),
    );
    return told === true ? same(CANARIES.map(ask.stamp), before) : told;
  });
  await claim('every lock is COLD', async () =>
    same(
      (await Promise.all(IDS.map(ask.lock))).map(({ state }) => state),
      IDS.map(() => 'COLD'),
    ),
  );

  chapter('What runs where:\n');
  for (const line of await table(ask)) say(`  ${line}`);
  return 0;
}

/** What every device says of itself, a row each. */
async function table(ask) {
  const rows = await Promise.all(
    IDS.map(async (id) => {
      const { agent, link, configs, locks } = await ask.status(id);
      const { layer, version, address, digest } = configs[CONFIG].running;
      const { state, token } = locks[CONFIG];
      const groups = ask.of(id).groups.join(' ') || '-';
      return [
        id,
        groups,
        `${layer} ${version} for ${address}`,
        digest.slice(7, 19),
        state,
        token,
        agent.state,
        link.state,
      ];
    }),
  );
  const all = [['device', 'groups', 'runs', 'digest', 'lock', 'token', 'agent', 'link'], ...rows];
  const widths = all[0].map((_, column) => Math.max(...all.map((row) => String(row[column]).length)));
  return all.map((row) =>
    row
      .map((cell, column) => String(cell).padEnd(widths[column]))
      .join('  ')
      .trimEnd(),
  );
}

await run(tell);
