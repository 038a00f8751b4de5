import { readdirSync, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import type Memory from 'systeminformation/lib/memory.js';
import type { BatteryReading, MachineReading, NetworkReading, Sensors } from '../ports/sensors.ts';

/** Where the kernel shows its sensors; another place in tests. */
export interface SensorPlaces {
  readonly sys: string;
  readonly proc: string;
}

/** Sensors named at most: a server board has dozens, and a heartbeat is no inventory. */
const SENSORS_MAX = 8;
/** How old what is said of the memory may be. Reason: systeminformation reads it eight times over, as much work as all else of a heartbeat. */
const MEMORY_MAX_MS = 55_000;
/** Readings outside are of a sensor that is not connected. Source: the range parts are rated for. */
const TEMPERATURE_C = { min: -60, max: 150 } as const;

function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Absent, or it does not answer now: both are no reading.
    return undefined;
  }
}

function number(path: string): number | undefined {
  const found = text(path);
  if (found === undefined || !/^-?\d+$/.test(found)) return undefined;
  return Number(found);
}

function list(dir: string): readonly string[] {
  try {
    return readdirSync(dir).sort();
  } catch {
    return [];
  }
}

/** Only what is there: a key whose value is undefined is left out. */
function present<T extends object>(values: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> {
  const kept: Partial<T> = {};
  for (const key in values) {
    const value = values[key];
    if (value !== undefined) kept[key] = value;
  }
  return kept;
}

function some<T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> | undefined {
  return Object.keys(record).length === 0 ? undefined : record;
}

function temperatures(sys: string): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  const add = (name: string, milli: number | undefined) => {
    if (milli === undefined || Object.keys(found).length >= SENSORS_MAX) return;
    const degrees = Math.round(milli / 100) / 10;
    if (degrees > TEMPERATURE_C.min && degrees < TEMPERATURE_C.max) found[name] ??= degrees;
  };
  for (const zone of list(`${sys}/class/thermal`).filter((name) => name.startsWith('thermal_zone'))) {
    add(text(`${sys}/class/thermal/${zone}/type`) ?? zone, number(`${sys}/class/thermal/${zone}/temp`));
  }
  for (const chip of list(`${sys}/class/hwmon`)) {
    const dir = `${sys}/class/hwmon/${chip}`;
    const name = text(`${dir}/name`) ?? chip;
    for (const input of list(dir).filter((file) => /^temp\d+_input$/.test(file))) {
      const label = text(`${dir}/${input.replace('_input', '_label')}`);
      add(label === undefined ? name : `${name} ${label}`, number(`${dir}/${input}`));
    }
  }
  return found;
}

function batteries(sys: string): Readonly<Record<string, BatteryReading>> {
  const found: Record<string, BatteryReading> = {};
  for (const name of list(`${sys}/class/power_supply`)) {
    const dir = `${sys}/class/power_supply/${name}`;
    if (text(`${dir}/type`) !== 'Battery') continue;
    const micro = number(`${dir}/voltage_now`);
    const reading = present<BatteryReading>({
      percent: number(`${dir}/capacity`),
      volts: micro === undefined ? undefined : Math.round(micro / 10_000) / 100,
      status: text(`${dir}/status`),
    });
    if (Object.keys(reading).length > 0) found[name] = reading;
  }
  return found;
}

/** Signal by interface. Source: /proc/net/wireless, fourth column; below zero it is in dBm. */
function signals(proc: string): ReadonlyMap<string, number> {
  const rows = (text(`${proc}/net/wireless`) ?? '').matchAll(/^\s*(\S+):\s+\S+\s+\S+\s+(-\d+)/gm);
  return new Map([...rows].map(([, name = '', level]) => [name, Number(level)] as const));
}

function networks({ sys, proc }: SensorPlaces): Readonly<Record<string, NetworkReading>> {
  const levels = signals(proc);
  const found: Record<string, NetworkReading> = {};
  for (const name of list(`${sys}/class/net`).filter((one) => one !== 'lo')) {
    const dir = `${sys}/class/net/${name}`;
    const count = (what: string) => number(`${dir}/statistics/${what}`);
    const [received, sent] = [count('rx_bytes'), count('tx_bytes')];
    const state = text(`${dir}/operstate`);
    // A dummy or an interface of a sleeping modem: nothing to tell.
    if (received === undefined || sent === undefined || (state === 'down' && received + sent === 0)) continue;
    found[name] = {
      up: state === 'up' || state === 'unknown',
      received_bytes: received,
      sent_bytes: sent,
      errors: (count('rx_errors') ?? 0) + (count('tx_errors') ?? 0),
      ...present({ signal_dbm: levels.get(name) }),
    };
    if (Object.keys(found).length >= SENSORS_MAX) break;
  }
  return found;
}

/** Ticks of all processors since boot. */
function processorTimes(): { readonly cores: number; readonly busy: number; readonly all: number } {
  const cores = cpus();
  const sums = cores.map(({ times: { user, nice, sys, idle, irq } }) => [user + nice + sys + irq, idle] as const);
  const busy = sums.reduce((sum, [part]) => sum + part, 0);
  return { cores: cores.length, busy, all: busy + sums.reduce((sum, [, idle]) => sum + idle, 0) };
}

/**
 * The sensors of this machine. Of systeminformation only what starts no process (memory); it runs shells for load, temperature, disk
 * and network, so those are read from the kernel itself. It is loaded at the first reading.
 * `statePath`: a path on the file system that is told about.
 */
export function hostSensors(statePath: string, places: SensorPlaces = { sys: '/sys', proc: '/proc' }): Sensors {
  let before = processorTimes();
  const memory: { readMs: number; ram: Awaited<ReturnType<typeof Memory.mem>> | null } = { readMs: 0, ram: null };
  const readMemory = async () => {
    if (memory.ram !== null && performance.now() - memory.readMs < MEMORY_MAX_MS) return memory.ram;
    const { default: source } = await import('systeminformation/lib/memory.js');
    memory.ram = await source.mem();
    memory.readMs = performance.now();
    return memory.ram;
  };
  return {
    async read(): Promise<MachineReading> {
      const [ram, disk] = await Promise.all([readMemory(), statfs(statePath).catch(() => undefined)]);
      const now = processorTimes();
      const [busy, all] = [now.busy - before.busy, now.all - before.all];
      before = now;
      return {
        cores: now.cores,
        ...(all > 0 ? { busy_percent: Math.round((busy / all) * 1000) / 10 } : {}),
        load_1m: Math.round((loadavg()[0] ?? 0) * 100) / 100,
        memory: { total_bytes: ram.total, available_bytes: ram.available },
        ...(ram.swaptotal > 0 ? { swap: { total_bytes: ram.swaptotal, free_bytes: ram.swapfree } } : {}),
        agent_rss_bytes: process.memoryUsage.rss(),
        ...present<Pick<MachineReading, 'disk' | 'temperature_c' | 'battery' | 'network'>>({
          disk:
            disk === undefined
              ? undefined
              : { total_bytes: disk.blocks * disk.bsize, available_bytes: disk.bavail * disk.bsize },
          temperature_c: some(temperatures(places.sys)),
          battery: some(batteries(places.sys)),
          network: some(networks(places)),
        }),
      };
    },
  };
}
