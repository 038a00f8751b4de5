import * as fs from 'node:fs';
import type Memory from 'systeminformation/lib/memory.js';
import type { BatteryReading, MachineReading, NetworkReading, Sensors } from '../ports/sensors.ts';

/** Where the kernel shows its sensors; another place in tests. */
export interface SensorPlaces {
  readonly sys: string;
  readonly proc: string;
}

/** Sensors named at most: a server board has dozens, and a heartbeat is no inventory. */
const SENSORS_MAX = 8;
/** How old the sizes of memory and swap may be. Reason: systeminformation reads them eight times over, as much work as all else. */
const SIZES_MAX_MS = 600_000;
/** How old the list of sensors may be. Effect: one that is plugged in is told of within it. */
const LIST_MAX_MS = 300_000;
/** More than what the kernel says of all its processors before it comes to their interrupts. */
const TEXT_MAX_BYTES = 32_768;
/** Readings outside are of a sensor that is not connected. Source: the range parts are rated for. */
const TEMPERATURE_C = { min: -60, max: 150 } as const;

/** Reads small files of the kernel. */
interface Reader {
  /** Undefined: it is absent, or does not answer now; both are no reading. */
  text(path: string): string | undefined;
  number(path: string): number | undefined;
}

/** They stay open and are read into one piece of memory: opening costs more than reading, and that more than all that is done with it. */
function openReader(): Reader {
  const open = new Map<string, number>();
  const bytes = Buffer.allocUnsafeSlow(TEXT_MAX_BYTES);
  const text = (path: string) => {
    const known = open.get(path);
    try {
      const fd = known ?? fs.openSync(path, 'r');
      open.set(path, fd);
      return bytes.toString('utf8', 0, fs.readSync(fd, bytes, 0, bytes.length, 0)).trim();
    } catch {
      // What was unplugged and is plugged in again is another one.
      if (known !== undefined) fs.closeSync(known);
      open.delete(path);
      return undefined;
    }
  };
  return {
    text,
    number(path) {
      const found = text(path);
      return found === undefined || !/^-?\d+$/.test(found) ? undefined : Number(found);
    },
  };
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

/** What there is to read, each with the name it is told by: what hardly ever changes. */
interface Found {
  readonly temperatures: readonly { readonly name: string; readonly path: string }[];
  /** Directories. */
  readonly batteries: readonly { readonly name: string; readonly dir: string }[];
  readonly hasWireless: boolean;
}

/** Of what is read once: it need not stay open. */
function text(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function list(dir: string): readonly string[] {
  try {
    return fs.readdirSync(dir).sort();
  } catch {
    return [];
  }
}

function find({ sys, proc }: SensorPlaces): Found {
  const zones = list(`${sys}/class/thermal`)
    .filter((name) => name.startsWith('thermal_zone'))
    .map((zone) => `${sys}/class/thermal/${zone}`)
    .map((dir) => ({ name: text(`${dir}/type`) ?? dir.slice(dir.lastIndexOf('/') + 1), path: `${dir}/temp` }));
  const chips = list(`${sys}/class/hwmon`).flatMap((chip) => {
    const dir = `${sys}/class/hwmon/${chip}`;
    const name = text(`${dir}/name`) ?? chip;
    const inputs = list(dir).filter((file) => /^temp\d+_input$/.test(file));
    return inputs.map((input) => {
      const label = text(`${dir}/${input.replace('_input', '_label')}`);
      return { name: label === undefined ? name : `${name} ${label}`, path: `${dir}/${input}` };
    });
  });
  const supplies = list(`${sys}/class/power_supply`).map((name) => ({
    name,
    dir: `${sys}/class/power_supply/${name}`,
  }));
  return {
    temperatures: [...zones, ...chips],
    batteries: supplies.filter(({ dir }) => text(`${dir}/type`) === 'Battery'),
    hasWireless: text(`${proc}/net/wireless`) !== undefined,
  };
}

function temperatures({ number }: Reader, sensors: Found['temperatures']): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { name, path } of sensors) {
    if (name in found || Object.keys(found).length >= SENSORS_MAX) continue;
    const degrees = Math.round((number(path) ?? Number.NaN) / 100) / 10;
    if (degrees > TEMPERATURE_C.min && degrees < TEMPERATURE_C.max) found[name] = degrees;
  }
  return found;
}

function batteries({ number, text }: Reader, all: Found['batteries']): Readonly<Record<string, BatteryReading>> {
  const found: Record<string, BatteryReading> = {};
  for (const { name, dir } of all) {
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
function signals(reader: Reader, proc: string): ReadonlyMap<string, number> {
  const rows = (reader.text(`${proc}/net/wireless`) ?? '').matchAll(/^\s*(\S+):\s+\S+\s+\S+\s+(-\d+)/gm);
  return new Map([...rows].map(([, name = '', level]) => [name, Number(level)] as const));
}

/** Source: /proc/net/dev, by column: bytes and errors received are the first and the third, those sent the ninth and the eleventh. */
const DEVICE = /^\s*(\S+):\s*(\d+)\s+\d+\s+(\d+)(?:\s+\d+){5}\s+(\d+)\s+\d+\s+(\d+)/gm;

function networks(
  reader: Reader,
  { sys, proc }: SensorPlaces,
  hasWireless: boolean,
): Readonly<Record<string, NetworkReading>> {
  const levels = hasWireless ? signals(reader, proc) : new Map<string, number>();
  const found: Record<string, NetworkReading> = {};
  const rows = (reader.text(`${proc}/net/dev`) ?? '').matchAll(DEVICE);
  for (const [, name = '', received, receiveErrors, sent, sendErrors] of rows) {
    if (name === 'lo' || Object.keys(found).length >= SENSORS_MAX) continue;
    const state = reader.text(`${sys}/class/net/${name}/operstate`);
    const [received_bytes, sent_bytes] = [Number(received), Number(sent)];
    // A dummy or an interface of a sleeping modem: nothing to tell.
    if (state === 'down' && received_bytes + sent_bytes === 0) continue;
    found[name] = {
      up: state === 'up' || state === 'unknown',
      ...{ received_bytes, sent_bytes, errors: Number(receiveErrors) + Number(sendErrors) },
      ...present({ signal_dbm: levels.get(name) }),
    };
  }
  return found;
}

/** Ticks of all processors since boot. Source: /proc/stat, proc(5). */
function processorTimes({ text }: Reader): { readonly cores: number; readonly busy: number; readonly all: number } {
  const lines = text('/proc/stat') ?? '';
  const sums = /^cpu +(.*)$/m.exec(lines)?.[1]?.split(' ').slice(0, 8).map(Number) ?? [];
  const all = sums.reduce((sum, ticks) => sum + ticks, 0);
  const [, , , idle = 0, waiting = 0] = sums;
  return { cores: Math.max(1, lines.match(/^cpu\d/gm)?.length ?? 0), busy: all - idle - waiting, all };
}

function statDisk(path: string): MachineReading['disk'] {
  try {
    const { blocks, bavail, bsize } = fs.statfsSync(path);
    return { total_bytes: blocks * bsize, available_bytes: bavail * bsize };
  } catch {
    return undefined;
  }
}

/** What systeminformation says of memory and swap. */
type Sizes = Awaited<ReturnType<typeof Memory.mem>>;

/**
 * The sensors of this machine. Of systeminformation only what starts no process (memory); it runs shells for load, temperature, disk
 * and network, so those are read from the kernel itself. It is loaded at the first reading.
 * `statePath`: a path on the file system that is told about.
 */
export function hostSensors(statePath: string, places: SensorPlaces = { sys: '/sys', proc: '/proc' }): Sensors {
  const reader = openReader();
  let before = processorTimes(reader);
  const sizes: { readMs: number; ram: Sizes | null } = { readMs: 0, ram: null };
  const list: { readMs: number; found: Found | null } = { readMs: 0, found: null };
  const isOld = (readMs: number, maxMs: number) => performance.now() - readMs >= maxMs;
  const readSizes = async (): Promise<Sizes> => {
    const { default: source } = await import('systeminformation/lib/memory.js');
    sizes.readMs = performance.now();
    sizes.ram = await source.mem();
    return sizes.ram;
  };
  const listed = (): Found => {
    if (list.found !== null && !isOld(list.readMs, LIST_MAX_MS)) return list.found;
    list.found = find(places);
    list.readMs = performance.now();
    return list.found;
  };
  const readAll = (ram: Sizes): MachineReading => {
    const now = processorTimes(reader);
    const [busy, all] = [now.busy - before.busy, now.all - before.all];
    before = now;
    const { temperatures: sensors, batteries: supplies, hasWireless } = listed();
    const left = reader.text(`${places.proc}/meminfo`) ?? '';
    const leftBytes = (what: RegExp, else_: number) => 1024 * Number(what.exec(left)?.[1] ?? else_ / 1024);
    return {
      cores: now.cores,
      ...(all > 0 ? { busy_percent: Math.round((busy / all) * 1000) / 10 } : {}),
      load_1m: Number.parseFloat(reader.text('/proc/loadavg') ?? '') || 0,
      memory: { total_bytes: ram.total, available_bytes: leftBytes(/^MemAvailable: +(\d+)/m, ram.available) },
      ...(ram.swaptotal > 0
        ? { swap: { total_bytes: ram.swaptotal, free_bytes: leftBytes(/^SwapFree: +(\d+)/m, ram.swapfree) } }
        : {}),
      agent_rss_bytes: process.memoryUsage.rss(),
      ...present<Pick<MachineReading, 'disk' | 'temperature_c' | 'battery' | 'network'>>({
        disk: statDisk(statePath),
        temperature_c: some(temperatures(reader, sensors)),
        battery: some(batteries(reader, supplies)),
        network: some(networks(reader, places, hasWireless)),
      }),
    };
  };
  return {
    read() {
      const { ram } = sizes;
      return ram === null || isOld(sizes.readMs, SIZES_MAX_MS) ? readSizes().then(readAll) : readAll(ram);
    },
  };
}
