import * as fs from 'node:fs';
import type Memory from 'systeminformation/lib/memory.js';
import type { DeviceReading, Devices, Sensors } from '../ports/sensors.ts';
import type { MachineReading, NetworkReading } from '../values/machine.ts';

/** Where the kernel shows its sensors; another place in tests. */
export interface SensorPlaces {
  readonly sys: string;
  readonly proc: string;
}

/** Interfaces named at most: a heartbeat is no inventory. */
const NETWORKS_MAX = 8;
/** How old the sizes of memory and swap may be. Reason: systeminformation reads them eight times over, as much work as all else. */
const SIZES_MAX_MS = 600_000;
/** So often it is looked whether there is a radio. */
const LIST_MAX_MS = 300_000;
/** More than what the kernel says of all its processors before it comes to their interrupts. */
const TEXT_MAX_BYTES = 32_768;

/** Reads small files of the kernel. */
interface Reader {
  /** Undefined: it is absent, or does not answer now; both are no reading. */
  text(path: string): string | undefined;
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
      if (known !== undefined) fs.closeSync(known);
      open.delete(path);
      return undefined;
    }
  };
  return { text };
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

/** Signal by interface. Source: /proc/net/wireless, fourth column; below zero it is in dBm. */
function signals(reader: Reader, proc: string): ReadonlyMap<string, number> {
  const rows = (reader.text(`${proc}/net/wireless`) ?? '').matchAll(/^\s*(\S+):\s+\S+\s+\S+\s+(-\d+)/gm);
  return new Map([...rows].map(([, name = '', level]) => [name, Number(level)] as const));
}

/**
 * Opened anew each time: what was unplugged and is plugged in again is another one under the same name, and on a machine with containers
 * names come and go all day.
 */
function stateOf(path: string): string | undefined {
  try {
    return fs.readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
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
    if (name === 'lo' || Object.keys(found).length >= NETWORKS_MAX) continue;
    const state = stateOf(`${sys}/class/net/${name}/operstate`);
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
export function hostSensors(
  statePath: string,
  devices: Devices,
  places: SensorPlaces = { sys: '/sys', proc: '/proc' },
): Sensors {
  const reader = openReader();
  let before = processorTimes(reader);
  const sizes: { readMs: number; ram: Sizes | null } = { readMs: 0, ram: null };
  const radio: { readMs: number; is: boolean | null } = { readMs: 0, is: null };
  const isOld = (readMs: number, maxMs: number) => performance.now() - readMs >= maxMs;
  const readSizes = async (): Promise<Sizes> => {
    const { default: source } = await import('systeminformation/lib/memory.js');
    sizes.readMs = performance.now();
    sizes.ram = await source.mem();
    return sizes.ram;
  };
  const hasRadio = (): boolean => {
    if (radio.is !== null && !isOld(radio.readMs, LIST_MAX_MS)) return radio.is;
    radio.readMs = performance.now();
    radio.is = reader.text(`${places.proc}/net/wireless`) !== undefined;
    return radio.is;
  };
  const readAll = (ram: Sizes, measured: DeviceReading): MachineReading => {
    const now = processorTimes(reader);
    const [busy, all] = [now.busy - before.busy, now.all - before.all];
    before = now;
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
      ...measured,
      ...present<Pick<MachineReading, 'disk' | 'network'>>({
        disk: statDisk(statePath),
        network: some(networks(reader, places, hasRadio())),
      }),
    };
  };
  return {
    read() {
      const { ram } = sizes;
      const measured = devices.read();
      const isKnown = ram !== null && !isOld(sizes.readMs, SIZES_MAX_MS);
      if (isKnown && !(measured instanceof Promise)) return readAll(ram, measured);
      return Promise.all([isKnown ? ram : readSizes(), measured]).then(([known, told]) => readAll(known, told));
    },
  };
}
