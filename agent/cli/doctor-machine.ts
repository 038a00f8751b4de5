import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { mountOf } from '../host/mounts.ts';
import { capabilitiesOf, unitFacts, writablePaths } from '../host/unit-facts.ts';
import type { Settings } from '../settings-schema.ts';
import { Failure } from '../values/errors.ts';
import type { Status } from '../values/status.ts';
import { sayBytes } from '../values/units.ts';
import { real } from './check.ts';
import { fine, type Remark } from './finding.ts';

const MIB = 1024 * 1024;
/** Below this the agent can hardly keep its journal; a document is 128 KiB at most, and is staged beside its target. */
const BAD_BYTES = 2 * MIB;
const FEW_BYTES = 32 * MIB;
/** The run directory is small by design: a few files of some hundred bytes for every lock. */
const FEW_RUN_BYTES = MIB;
/** File systems on which a rename over a file can leave neither the old nor the new one after a power cut. */
const NOT_ATOMIC = ['vfat', 'msdos', 'exfat', 'ntfs', 'ntfs3', 'fuseblk'];
const UNIT = 'locksmith-agent.service';

/** What the agent cannot do without a capability. Bits: capabilities(7), as below. */
const NEEDS: readonly { readonly bit: bigint; readonly name: string; readonly lost: string }[] = [
  { bit: 1n, name: 'CAP_DAC_OVERRIDE', lost: 'replace files that are not its own' },
  { bit: 19n, name: 'CAP_SYS_PTRACE', lost: 'name the holder of a lock that belongs to another user' },
];

/** Lets the agent end processes of others, which nobody needs who ends none from far away: the unit as it comes has it not. */
const CAP_KILL = 5n;

function lookAtMount(path: string, what: 'state' | 'run' | 'config'): Remark {
  try {
    const { at, type, readOnly, freeBytes, totalBytes, freeFiles } = mountOf(path);
    const room = `${sayBytes(freeBytes)} of ${sayBytes(totalBytes)} free`;
    const on = `${path}: ${type} on ${at}`;
    if (readOnly) {
      return {
        health: 'bad',
        words: `${on} is read-only`,
        remedy: 'Mount it read-write; if the kernel made it so, look at dmesg.',
      };
    }
    if (freeFiles === 0) return { health: 'bad', words: `${on} takes no more files`, remedy: 'Remove files there.' };
    const few = what === 'run' ? FEW_RUN_BYTES : FEW_BYTES;
    const bad = what === 'run' ? FEW_RUN_BYTES / 8 : BAD_BYTES;
    if (freeBytes < few) {
      return { health: freeBytes < bad ? 'bad' : 'warning', words: `${on}, ${room}`, remedy: 'Free some space there.' };
    }
    if (what === 'config' && NOT_ATOMIC.includes(type)) {
      return {
        health: 'warning',
        words: `${on}: replacing a file is not safe there; a power cut can leave neither the old nor the new one`,
        remedy: 'Keep config files on ext4 or another file system with a journal.',
      };
    }
    return fine(`${on}, ${room}`);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.code === 'no-permission')
      return { health: 'unknown', words: `${path}: cannot be looked at`, remedy: 'the same as root' };
    if (error.code === 'missing-directory' && what !== 'config') {
      const words = `${path}: does not exist`;
      return { health: 'warning', words, remedy: 'Start the agent once: it makes what it needs.' };
    }
    return { health: 'bad', words: error.message, remedy: 'Create the directory, or mount its file system.' };
  }
}

/** Where the files of configs really lie. */
function configDirs({ configs }: Settings): readonly string[] {
  const dirs = Object.values(configs).flatMap(({ files }) => files.map(({ path }) => real(dirname(real(path)))));
  return [...new Set(dirs)];
}

/** Room, and the kind of file system, wherever the agent writes. */
export function lookAtDisk(settings: Settings): readonly Remark[] {
  const { paths } = settings;
  return [
    lookAtMount(paths.state, 'state'),
    lookAtMount(paths.run, 'run'),
    ...configDirs(settings).map((dir) => lookAtMount(dir, 'config')),
  ];
}

/** What the wall clock is worth. */
export function lookAtClock({ clock }: Status): readonly Remark[] {
  const at = `${clock.now.slice(0, 16).replace('T', ' ')} UTC`;
  const floor = clock.floor.slice(0, 16).replace('T', ' ');
  if (clock.trust === 'untrusted') {
    return [
      {
        health: 'bad',
        words: `${at} is earlier than ${floor} UTC, which this device has seen: the clock is wrong. Nothing is called expired meanwhile.`,
        remedy:
          'Let the device set its clock (GPS, NTP). If the clock is right and what was seen is wrong: locksmith doctor --reset-clock-floor --reason "…"',
      },
    ];
  }
  const synchronised = existsSync('/run/systemd/timesync/synchronized')
    ? 'synchronised'
    : 'not known to be synchronised';
  return [fine(`${at}, not before anything this device has seen; ${synchronised}`)];
}

/** How systemd sees the agent, and what its sandbox lets it do. `enders`: the keys that may have the holder of a lock ended. */
export async function lookAtUnit(
  settings: Settings,
  status: Status,
  enders: readonly string[],
): Promise<readonly Remark[]> {
  const facts = await unitFacts(UNIT);
  if (facts === null) return [fine('no systemd here: something else has to start the agent'), ...lost(status, enders)];
  const { LoadState, ActiveState, SubState, UnitFileState, NRestarts = '0', Result, ProtectSystem } = facts;
  if (LoadState !== 'loaded') {
    return [
      {
        health: 'warning',
        words: `${UNIT} is ${LoadState ?? 'unknown'}`,
        remedy: 'Install the package, or start the agent by other means.',
      },
      ...lost(status, enders),
    ];
  }
  const remarks: Remark[] = [];
  if (ActiveState === 'failed') {
    const words = `${UNIT} has failed (${Result}), after ${NRestarts} restarts`;
    remarks.push({ health: 'bad', words, remedy: `journalctl -u ${UNIT} -e; then systemctl restart ${UNIT}` });
  } else if (ActiveState !== 'active') {
    remarks.push({
      health: 'bad',
      words: `${UNIT} is ${ActiveState} (${SubState})`,
      remedy: `systemctl start ${UNIT}`,
    });
  } else if (Number(NRestarts) > 0) {
    const words = `${UNIT} runs, after ${NRestarts} restarts`;
    remarks.push({ health: 'warning', words, remedy: 'locksmith log, for why it ended' });
  } else remarks.push(fine(`${UNIT} is active`));
  if (UnitFileState === 'disabled' || UnitFileState === 'masked') {
    const words = `${UNIT} is ${UnitFileState}: it does not start with the device`;
    remarks.push({ health: 'warning', words, remedy: `systemctl enable ${UNIT}` });
  }
  if (ProtectSystem === 'strict') remarks.push(...(await lookAtSandbox(settings, facts)));
  return [...remarks, ...lost(status, enders)];
}

/** Whether the unit lets the agent write wherever a config lies; by the real paths, as `check --unit` writes them and systemd mounts them. */
async function lookAtSandbox(settings: Settings, facts: Readonly<Record<string, string>>): Promise<readonly Remark[]> {
  const found = await writablePaths(UNIT, facts);
  if (found === null) {
    const words = `${UNIT}: systemd does not say which directories the agent may write to`;
    return [{ health: 'unknown', words, remedy: `systemctl cat ${UNIT}` }];
  }
  const writable = found.map(real);
  const within = (dir: string) => writable.some((path) => dir === path || dir.startsWith(`${path}/`));
  return configDirs(settings)
    .filter((dir) => !within(dir))
    .map((dir) => ({
      health: 'bad',
      words: `${dir} is not in ReadWritePaths of ${UNIT}: the agent cannot replace files there`,
      remedy: 'locksmith check --unit && systemctl restart locksmith-agent',
    }));
}

/** What a daemon without capabilities cannot do. */
function lost({ agent }: Status, enders: readonly string[]): readonly Remark[] {
  const has = agent.pid === null ? null : capabilitiesOf(agent.pid);
  if (has === null) return [];
  const missing = NEEDS.filter(({ bit }) => (has & (1n << bit)) === 0n);
  const remarks: Remark[] = [];
  if (enders.length > 0 && (has & (1n << CAP_KILL)) === 0n) {
    remarks.push({
      health: 'warning',
      words: `${enders.join(', ')} may have the holder of a lock ended from far away, but the agent may end no process of another user (CAP_KILL)`,
      remedy: 'If that is meant, nothing; else see `locksmith explain end-not-allowed`.',
    });
  }
  if (missing.length === 0) return remarks;
  const what = missing.map(({ name, lost: cannot }) => `${cannot} (${name})`).join('; ');
  remarks.push({
    health: 'warning',
    words: `the agent runs without some capabilities and cannot: ${what}`,
    remedy: 'If that is meant, nothing; else run it with the unit that comes with it.',
  });
  return remarks;
}
