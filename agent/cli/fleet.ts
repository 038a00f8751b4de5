import { forgetDevice } from '../fleet/forget.ts';
import { gather } from '../fleet/gather.ts';
import { openKept } from '../fleet/kept.ts';
import { connectFleet, type FleetLink } from '../fleet/link.ts';
import { type FleetRow, rowsOf, type Wanted } from '../fleet/rows.ts';
import { openFleetView, viewFilters } from '../fleet/view.ts';
import type { Frame } from '../ports/broker.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { VERDICTS } from '../values/lock.ts';
import { isDigest, NAME } from '../values/units.ts';
import { type Command, readArgs, readingWidth, type Terminal } from './command.ts';
import { BROKER_HELP, BROKER_OPTIONS, misuse, readBroker, readDuration, withLinkWords } from './fleet-options.ts';
import { sayFleet, sayHotLocks } from './fleet-words.ts';

const OPTIONS = {
  ...BROKER_OPTIONS,
  config: { type: 'string' },
  hot: { type: 'boolean', default: false },
  verdict: { type: 'string' },
  failed: { type: 'boolean', default: false },
  'not-on': { type: 'string' },
  'older-than': { type: 'string' },
  watch: { type: 'boolean', default: false },
  yes: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
} as const;

/** Said where no device is seen at all. */
const NOTHING_KEPT =
  'the broker keeps nothing of any device under this --root, or hands it out to nobody who asks with wildcards (RabbitMQ)';

/** Pause between two tables of `--watch`, so that a busy fleet can still be read. */
const REDRAW_MS = 500;

/** `locksmith fleet`. */
export const command: Command = {
  help: `Usage: locksmith fleet [--config NAME] [--hot] [--verdict V] [--failed] [--not-on DIGEST] [--watch] [--json] [options]
       locksmith fleet locks [--older-than D] [--verdict V] [--config NAME] [--json] [options]
       locksmith fleet forget DEVICE [--yes] [options]

All devices as the broker has them: online or since when not, what runs (and which newer update it covers), what was tried last, what
waits and for what, drift, locks.
Needs the broker and no key. The broker has to hand out retained messages for wildcard filters.

locks    every HOT lock of the fleet, the oldest first: verdict, holder, age, refusals, and what to do
forget   clears what the broker keeps of a device that is no more; without --yes it only says what it would clear

  --config NAME         this config only
  --hot                 locks that are HOT
  --verdict V           HOT locks of this verdict: ${VERDICTS.join(', ')}
  --failed              where the last try was refused, failed or rolled back
  --not-on DIGEST       what does not run this digest
  --older-than D        HOT for longer than this, by the clock of the device
  --watch               go on, and show each change
  --json                one JSON array of devices, with what they said as they said it
${BROKER_HELP}

Exit codes: 0 done, 1 no broker or not forgotten, 2 wrong usage, 3 refused (by the broker; the device is online), 4 nothing found.

Example: locksmith fleet locks --older-than 10m --verdict orphaned --broker mqtts://broker:8883`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs('fleet', argv, OPTIONS, {
      min: 0,
      max: 2,
      names: 'locks, or forget DEVICE',
    });
    const [verb, name] = positionals;
    const { root, ...broker } = readBroker('fleet', values, terminal.env);
    if (verb !== undefined && verb !== 'locks' && verb !== 'forget') {
      throw misuse('fleet', `expected locks, or forget DEVICE, found '${verb}'`);
    }
    if ((verb === 'forget') !== (name !== undefined))
      throw misuse('fleet', 'forget takes one DEVICE, nothing else does');
    if (name !== undefined && !NAME.test(name)) throw misuse('fleet', `expected a device, found '${name}'`);
    const { verdict, config, 'not-on': notOn } = values;
    if (verdict !== undefined && !VERDICTS.some((one) => one === verdict)) {
      throw misuse('fleet', `--verdict: expected ${VERDICTS.join(', ')}, found '${verdict}'`);
    }
    if (notOn !== undefined && !isDigest(notOn)) throw misuse('fleet', '--not-on: expected sha256: and 64 hex digits');
    const wanted: Wanted = { config, verdict, notOn, failed: values.failed, hot: values.hot || verb === 'locks' };
    const older = values['older-than'];
    const olderMs = older === undefined ? 0 : readDuration('fleet', 'older-than', older);
    return withLinkWords(broker, async () => {
      const link = await connectFleet(broker);
      try {
        if (name !== undefined) return await forget(link, root, name, values.yes, terminal);
        return await show(link, root, { wanted, olderMs, isLocks: verb === 'locks', ...values }, terminal);
      } finally {
        link.close();
      }
    });
  },
};

interface Show {
  readonly wanted: Wanted;
  readonly olderMs: number;
  readonly isLocks: boolean;
  readonly json: boolean;
  readonly watch: boolean;
}

/** The rows of a show; HOT locks come oldest first. */
function pick(all: readonly FleetRow[], { olderMs, isLocks }: Show, nowMs: number): readonly FleetRow[] {
  if (!isLocks) return all;
  const sinceMs = ({ lock }: FleetRow) => (lock?.since == null ? nowMs : Date.parse(lock.since));
  return all.filter((row) => nowMs - sinceMs(row) >= olderMs).sort((a, b) => sinceMs(a) - sinceMs(b));
}

async function show(link: FleetLink, root: string, how: Show, terminal: Terminal): Promise<number> {
  const view = openFleetView(root);
  const kept = openKept(root);
  const take = (frame: Frame) => view.take(frame) || kept.take(frame);
  // Whose lock is HOT does not depend on updates, and they are large.
  const filters = [...viewFilters(root), ...(how.isLocks ? [] : kept.filters)];
  const refused = await gather(link, filters, take, { once: !how.watch });
  if (refused.length > 0 && refused.every((filter) => kept.filters.includes(filter))) {
    terminal.err(`this user may not read ${refused.join(' ')}: which updates are covered is not shown\n`);
  } else if (refused.length > 0) {
    throw new SaidError(
      EXIT.refused,
      `fleet: the broker does not let this user read ${refused.join(' ')}`,
      'give the user of --user the right to read these topics at the broker',
    );
  }
  if (view.devices().length === 0) terminal.err(`${NOTHING_KEPT}\n`);
  const print = (): number => {
    const nowMs = Date.now();
    const rows = pick(rowsOf(view.devices(), how.wanted, kept.all(), nowMs / 1000), how, nowMs);
    const setting = { width: readingWidth(terminal), colour: terminal.colour };
    if (how.json) terminal.out(`${JSON.stringify(toJson(rows))}\n`);
    else if (how.isLocks) terminal.out(rows.length === 0 ? 'no lock is HOT\n' : sayHotLocks(rows, nowMs));
    else terminal.out(sayFleet(rows, setting, nowMs));
    return rows.length;
  };
  const found = print();
  if (!how.watch) return found === 0 ? EXIT.nothing : EXIT.done;
  const state = { isDirty: false };
  link.listen((frame) => {
    if (take(frame)) state.isDirty = true;
  });
  const timer = setInterval(() => {
    if (!state.isDirty) return;
    state.isDirty = false;
    if (terminal.live && !how.json) terminal.out('\u001b[H\u001b[2J');
    print();
  }, REDRAW_MS);
  const stopped = new Promise<null>((resolve) => process.once('SIGINT', () => resolve(null)));
  const end = await Promise.race([link.ended, stopped]);
  clearInterval(timer);
  if (end === null) return EXIT.done;
  throw new SaidError(EXIT.failed, `fleet: the link to the broker is gone: ${end.message}`, 'the same again');
}

/** Devices with the wire's own objects, only of the configs that are wanted. */
function toJson(rows: readonly FleetRow[]): readonly object[] {
  const devices = new Map(rows.map(({ device }) => [device.device, device]));
  return [...devices.values()].map(({ device, online, lastSeen, wire }) => {
    const configs = rows.flatMap((row) => (row.device.device === device && row.config !== null ? [row.config] : []));
    const only = (of: Readonly<Record<string, unknown>>) =>
      Object.fromEntries(Object.entries(of).filter(([name]) => configs.includes(name)));
    return {
      ...{ device, online, last_seen: lastSeen, status: wire.status },
      ...{ configs: only(wire.configs), locks: only(wire.locks) },
      covered: Object.fromEntries(
        rows.flatMap(({ device: of, config, covered }) => {
          if (of.device !== device || config === null || covered === null) return [];
          const { id, version, layer, address } = covered;
          return [[config, { id, version, layer, address }]];
        }),
      ),
    };
  });
}

async function forget(link: FleetLink, root: string, name: string, yes: boolean, terminal: Terminal): Promise<number> {
  const { online, topics, left } = await forgetDevice(link, root, name, yes);
  if (topics.length === 0) {
    terminal.err(`the broker keeps nothing of ${name}\n`);
    return EXIT.nothing;
  }
  if (online && yes) {
    throw new SaidError(
      EXIT.refused,
      `fleet: ${name} is online: it would say everything again`,
      'stop its agent first',
    );
  }
  if (left.length > 0) {
    throw new SaidError(
      EXIT.failed,
      `fleet: the broker still keeps ${left.join(' ')}: this user may not write there`,
      'give the user of --user the right to write what a device says of itself, then the same again',
    );
  }
  for (const topic of topics) terminal.out(`${topic}\n`);
  terminal.err(
    yes
      ? `cleared; ${name} is forgotten\n`
      : `Nothing was cleared. To forget it: locksmith fleet forget ${name} --yes …\n`,
  );
  return EXIT.done;
}
