import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { examineSettings, readText } from '../settings.ts';
import type { Settings } from '../settings-schema.ts';
import { EXIT, Failure, SaidError } from '../values/errors.ts';
import { labelled, paint, type Style } from '../values/layout.ts';
import { sayLock } from '../values/lock-words.ts';
import type { Status } from '../values/status.ts';
import { examineWorld, type Problem } from './check.ts';
import { type Command, readArgs, readingWidth, SETTINGS_PATH, type Terminal } from './command.ts';
import { lookAtBroker } from './doctor-broker.ts';
import { lookAtClock, lookAtDisk, lookAtUnit } from './doctor-machine.ts';
import { resetClockFloor } from './doctor-reset.ts';
import { lookAtVehicle } from './doctor-vehicle.ts';
import { type Finding, finding, fine, type Health, type Remark } from './finding.ts';
import { readStatus } from './status-read.ts';
import { sayTrusted, type Trusted } from './trusted.ts';

/** A certificate that ends within this time is worth a word. */
const RENEW_MS = 30 * 86_400_000;

/** What the checks look at. */
interface Scene {
  readonly settings: Settings;
  readonly status: Status;
  /** What `locksmith check` finds wrong with what the settings name. */
  readonly problems: readonly Problem[];
  readonly trusted: Trusted;
}

type Check = (scene: Scene) => readonly Remark[] | Promise<readonly Remark[]>;

/** What `check` found, below these settings. */
function wrong(problems: readonly Problem[], start: RegExp): readonly Remark[] {
  return problems
    .filter(({ message }) => start.test(message))
    .map(({ message, remedy }): Remark => {
      const isHidden = process.getuid?.() !== 0 && message.includes('(no-permission)');
      if (isHidden) return { health: 'unknown', words: message, remedy: 'the same as root' };
      return { health: 'bad', words: message, remedy: remedy ?? 'locksmith check' };
    });
}

function lookAtAgent({ status: { agent, hidden } }: Scene): readonly Remark[] {
  const { state, version, pid, last_beat: beat, last_beat_age_s: age } = agent;
  switch (state) {
    case 'running':
      return [fine(`running ${version ?? ''}, pid ${pid ?? '?'}; last beat ${age ?? '?'} s ago`)];
    case 'frozen':
      return [
        {
          health: 'bad',
          words: `frozen: pid ${pid ?? '?'} is there and has not moved for ${age ?? '?'} s`,
          remedy: 'systemctl restart locksmith-agent',
        },
      ];
    case 'stopped': {
      const words = `not running; last beat ${beat ?? 'never'}`;
      return [{ health: 'bad', words, remedy: 'locksmith log, for its last words; systemctl start locksmith-agent' }];
    }
    case 'unknown':
      return [{ health: 'unknown', words: `cannot be seen: ${hidden.join(', ')}`, remedy: 'the same as root' }];
  }
}

function lookAtTls({ settings: { broker }, problems, status }: Scene): readonly Remark[] {
  const remarks = [...wrong(problems, /^broker\./)];
  const nowMs = Date.parse(status.clock.now);
  for (const part of ['ca', 'cert'] as const) {
    const path = broker.tls?.[part];
    if (path === undefined || !existsSync(path)) continue;
    try {
      const { validFrom, validTo } = new X509Certificate(readFileSync(path));
      const until = `${path}: valid until ${new Date(validTo).toISOString().slice(0, 10)}`;
      if (Date.parse(validTo) < nowMs) {
        const remedy = 'If the clock is right (the check before), renew it.';
        remarks.push({ health: 'bad', words: `${path}: expired on ${validTo}`, remedy });
      } else if (Date.parse(validFrom) > nowMs) {
        const remedy = 'Look at the clock of this device first.';
        remarks.push({ health: 'bad', words: `${path}: not valid before ${validFrom}`, remedy });
      } else if (Date.parse(validTo) < nowMs + RENEW_MS) {
        remarks.push({ health: 'warning', words: until, remedy: 'Renew it before then; no restart is needed.' });
      } else remarks.push(fine(until));
    } catch {
      // `check` has said what is wrong with it.
    }
  }
  const isOpen = broker.urls.some(
    (url) => url.startsWith('mqtt://') && !/^mqtt:\/\/(127\.|localhost|\[::1\])/.test(url),
  );
  if (isOpen) {
    const words = 'mqtt:// to another machine: whoever is on the way can read the configs and the password';
    remarks.push({
      health: 'warning',
      words,
      remedy: 'Use mqtts:// with broker.tls.ca. Updates are signed either way.',
    });
  }
  return remarks.length === 0 ? [fine('no TLS, and none needed: the broker is on this machine')] : remarks;
}

function lookAtLocks({ settings, status }: Scene): readonly Remark[] {
  const nowMs = Date.parse(status.clock.now);
  const remarks = Object.entries(status.locks).map(([name, lock]): Remark => {
    const words = `${lock.file} ${lock.state}${lock.state === 'HOT' ? ` (${sayLock(lock, nowMs)})` : ''}`;
    // A live holder in its time is no fault.
    if (lock.state === 'COLD' || lock.verdict === 'held') return fine(words);
    return { health: 'warning', words, remedy: status.advice[name]?.remedy ?? `locksmith locks ${name}` };
  });
  const unseen = Object.keys(settings.configs).filter((name) => !Object.hasOwn(status.locks, name));
  return [
    ...remarks,
    ...unseen.map(
      (name): Remark => ({ health: 'unknown', words: `${name}: cannot be seen`, remedy: 'the same as root' }),
    ),
  ];
}

/** Every check, in the order in which one explains the next. */
const CHECKS: Readonly<Record<string, Check>> = {
  agent: lookAtAgent,
  clock: ({ status }) => lookAtClock(status),
  disk: ({ settings }) => lookAtDisk(settings),
  unit: ({ settings, status, trusted }) => lookAtUnit(settings, status, trusted.end_holder),
  keys: ({ problems, trusted }) => {
    const found = wrong(problems, /^trust\./);
    return found.length > 0 ? found : [fine(`${trusted.keys.length} known: ${sayTrusted(trusted, ', ')}`)];
  },
  tls: lookAtTls,
  broker: ({ settings, status }) => lookAtBroker(settings, status),
  paths: ({ settings, problems }) => {
    const found = wrong(problems, /^(?!trust\.|broker\.|vehicle\.|: )/);
    const count = Object.values(settings.configs).flatMap(({ files }) => files).length;
    return found.length > 0 ? found : [fine(`${count} ${count === 1 ? 'file' : 'files'}: all can be replaced safely`)];
  },
  locks: lookAtLocks,
  vehicle: ({ settings, status, problems }) => {
    const found = wrong(problems, /^vehicle\./);
    return found.length > 0 ? found : lookAtVehicle(settings, status.vehicle);
  },
};
const NAMES = ['settings', ...Object.keys(CHECKS)];

async function examine(path: string, wanted: (name: string) => boolean): Promise<readonly Finding[]> {
  const text = (() => {
    try {
      return readText(path);
    } catch (error) {
      if (error instanceof SaidError) return error;
      throw error;
    }
  })();
  if (text instanceof SaidError)
    return [finding('settings', [{ health: 'bad', words: text.message, remedy: text.remedy }])];
  const reading = examineSettings(text, path);
  if (reading.kind === 'problems') {
    const remarks = reading.problems.map(({ line, column, message, remedy }): Remark => {
      return { health: 'bad', words: `${path}:${line}:${column}: ${message}`, remedy: remedy ?? 'locksmith check' };
    });
    return [finding('settings', remarks)];
  }
  const { settings, placeOf } = reading;
  const { problems, summary } = await examineWorld(settings, path, placeOf);
  const scene: Scene = { settings, problems, trusted: summary, status: await readStatus(settings) };
  const own = wrong(problems, /^: /);
  const findings: Finding[] = [];
  if (wanted('settings')) findings.push(finding('settings', own.length > 0 ? own : [fine(`${path}: all right`)]));
  for (const [name, check] of Object.entries(CHECKS)) {
    if (wanted(name)) findings.push(finding(name, await attempted(() => check(scene))));
  }
  return findings;
}

/** A check that fails is a finding, not an end: the disk that it trips over is what the next one tells of. */
async function attempted(check: () => readonly Remark[] | Promise<readonly Remark[]>): Promise<readonly Remark[]> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return [{ health: 'bad', words: `${error.message} (${error.code})`, remedy: `locksmith explain ${error.code}` }];
  }
}

const STYLES: Readonly<Record<Health, Style>> = { ok: 'green', unknown: 'bold', warning: 'yellow', bad: 'red' };

function say({ name, remarks }: Finding, terminal: Terminal): void {
  const width = readingWidth(terminal);
  for (const { health, words, remedy } of remarks) {
    const text = labelled(health, `${name}: ${words}`, width);
    terminal.out(`${text.replace(/^\w+/, (word) => paint(terminal.colour, STYLES[health], word))}\n`);
    if (remedy !== null) terminal.out(`${labelled('  try', remedy, width)}\n`);
  }
}

/** `locksmith doctor`. */
export const command: Command = {
  help: `Usage: locksmith doctor [CHECK…] [--json] [--settings FILE]
       locksmith doctor --reset-clock-floor --reason R

Looks at everything the agent needs, and says of each whether it is ok, and what to do if not: ${NAMES.join(', ')}.
Changes nothing, and works with the daemon dead: then it tries the broker itself. \`unknown\` is what could not be looked at.
  --reset-clock-floor   forget the latest time this device has seen, where that was wrong (root; goes to the log and the fleet)
Exit code: 0 ok or warnings, 1 something is bad, 2 the settings are, 3 refused, 4 no such check.

Example: locksmith doctor clock broker`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs(
      'doctor',
      argv,
      {
        settings: { type: 'string', default: SETTINGS_PATH },
        json: { type: 'boolean', default: false },
        'reset-clock-floor': { type: 'boolean', default: false },
        reason: { type: 'string' },
      },
      { min: 0, max: NAMES.length, names: 'names of checks' },
    );
    if (values['reset-clock-floor']) return resetClockFloor(values.settings, values.reason, terminal);
    const unknown = positionals.find((name) => !NAMES.includes(name));
    if (unknown !== undefined) {
      throw new SaidError(EXIT.nothing, `doctor: there is no check '${unknown}'`, `one of: ${NAMES.join(' ')}`);
    }
    const findings = await examine(values.settings, (name) => positionals.length === 0 || positionals.includes(name));
    const isBad = findings.some(({ health }) => health === 'bad');
    if (values.json) terminal.out(`${JSON.stringify({ ok: !isBad, checks: findings })}\n`);
    else for (const each of findings) say(each, terminal);
    if (findings.some(({ name, health }) => name === 'settings' && health === 'bad')) return EXIT.usage;
    return isBad ? EXIT.failed : EXIT.done;
  },
};
