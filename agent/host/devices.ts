import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { DeviceReading, Devices } from '../ports/sensors.ts';
import type { BatteryReading } from '../values/machine.ts';

/** Sensors named at most: a server board has dozens, and a heartbeat is no inventory. */
const SENSORS_MAX = 8;
/** Sensors asked at most: some of them are not connected, and stand in nobody's way. */
const ASKED_MAX = 16;
/** How old the list of sensors may be. Effect: one that is plugged in is told of within it. */
const LIST_MAX_MS = 300_000;
/** Readings outside are of a sensor that is not connected. Source: the range parts are rated for. */
const TEMPERATURE_C = { min: -60, max: 150 } as const;
/** A value that is there this soon is in memory or close by. Effect: the loop stands still for so long at most. */
const QUICK_MS = 5;
/** One that a thread has brought this soon is tried by the loop. Reason: on a busy machine a thread takes its time, but a slow bus takes far more. */
const SOON_MS = 50;
/** What has not answered by then is absent this time. Effect: a heartbeat waits so long for it. */
const PATIENCE_MS = 1_500;
/** Slow values asked at once. Reason: each that hangs keeps one of four threads, and the disk needs the others. */
const SLOW_MAX = 2;

function text(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    // Absent, or it does not answer now: both are no reading.
    return undefined;
  }
}

function list(dir: string): readonly string[] {
  try {
    return readdirSync(dir).sort();
  } catch {
    return [];
  }
}

/** Values by path, as far as there are any. */
type Values = ReadonlyMap<string, string>;

/**
 * Reads values that a device is asked for. Behind a slow bus one takes most of a second, and on one that hangs it never comes: the loop asks
 * only those itself that have answered quickly before, until one does not. One that was slow once is asked from a thread for good.
 */
function openValues(): (paths: readonly string[]) => Values | Promise<Values> {
  const quick = new Set<string>();
  const slow = new Set<string>();
  const owing = new Set<string>();
  const here = (path: string) => {
    const startMs = performance.now();
    const value = text(path);
    if (performance.now() - startMs > QUICK_MS) {
      quick.delete(path);
      slow.add(path);
    }
    return value;
  };
  const there = async (path: string) => {
    owing.add(path);
    const startMs = performance.now();
    const value = await readFile(path, 'utf8').then(
      (found) => found.trim(),
      () => undefined,
    );
    owing.delete(path);
    if (performance.now() - startMs <= SOON_MS && !slow.has(path)) quick.add(path);
    return value;
  };
  return (paths) => {
    const found = new Map<string, string>();
    const put = (path: string, value: string | undefined) => value !== undefined && found.set(path, value);
    const late: string[] = [];
    let stood = false;
    for (const path of paths) {
      if (quick.has(path) && !stood) {
        put(path, here(path));
        stood = slow.has(path);
        continue;
      }
      // What hangs is a bus, with all that is on it: whatever else was quick has to show it anew.
      quick.delete(path);
      if (!owing.has(path)) late.push(path);
    }
    if (late.length === 0) return found;
    return new Promise((resolve) => {
      const state = { over: false, asked: 0 };
      const end = () => {
        state.over = true;
        clearTimeout(timer);
        resolve(found);
      };
      const timer = setTimeout(end, PATIENCE_MS).unref();
      const next = () => {
        if (state.over) return;
        const path = owing.size < SLOW_MAX ? late.shift() : undefined;
        if (path === undefined) return state.asked === 0 ? end() : undefined;
        state.asked += 1;
        void there(path).then((value) => {
          state.asked -= 1;
          if (!state.over) put(path, value);
          next();
        });
      };
      for (let n = 0; n < SLOW_MAX; n += 1) next();
    });
  };
}

/** What there is to read, each with the name it is told by: what hardly ever changes. */
interface Found {
  readonly temperatures: readonly { readonly name: string; readonly path: string }[];
  /** Directories. */
  readonly batteries: readonly { readonly name: string; readonly dir: string }[];
}

function find(sys: string): Found {
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
    temperatures: [...zones, ...chips].slice(0, ASKED_MAX),
    batteries: supplies.filter(({ dir }) => text(`${dir}/type`) === 'Battery').slice(0, SENSORS_MAX),
  };
}

function numberIn(values: Values, path: string): number | undefined {
  const found = values.get(path);
  return found === undefined || !/^-?\d+$/.test(found) ? undefined : Number(found);
}

function temperatures(values: Values, sensors: Found['temperatures']): Readonly<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const { name, path } of sensors) {
    if (name in found || Object.keys(found).length >= SENSORS_MAX) continue;
    const degrees = Math.round((numberIn(values, path) ?? Number.NaN) / 100) / 10;
    if (degrees > TEMPERATURE_C.min && degrees < TEMPERATURE_C.max) found[name] = degrees;
  }
  return found;
}

function batteries(values: Values, all: Found['batteries']): Readonly<Record<string, BatteryReading>> {
  const found: Record<string, BatteryReading> = {};
  for (const { name, dir } of all) {
    const [percent, micro] = [numberIn(values, `${dir}/capacity`), numberIn(values, `${dir}/voltage_now`)];
    const status = values.get(`${dir}/status`);
    const reading: BatteryReading = {
      ...(percent === undefined ? {} : { percent }),
      ...(micro === undefined ? {} : { volts: Math.round(micro / 10_000) / 100 }),
      ...(status === undefined ? {} : { status }),
    };
    if (Object.keys(reading).length > 0) found[name] = reading;
  }
  return found;
}

/** What devices of this machine measure: thermometers and batteries. `sys`: where the kernel shows them; another place in tests. */
export function hostDevices(sys = '/sys'): Devices {
  const valuesAt = openValues();
  const known: { readMs: number; found: Found | null } = { readMs: 0, found: null };
  const listed = (): Found => {
    if (known.found !== null && performance.now() - known.readMs < LIST_MAX_MS) return known.found;
    known.readMs = performance.now();
    known.found = find(sys);
    return known.found;
  };
  return {
    read() {
      const found = listed();
      const parts = ['capacity', 'voltage_now', 'status'];
      const ofBatteries = found.batteries.flatMap(({ dir }) => parts.map((part) => `${dir}/${part}`));
      const told = (values: Values): DeviceReading => {
        const [warm, full] = [temperatures(values, found.temperatures), batteries(values, found.batteries)];
        return {
          ...(Object.keys(warm).length > 0 ? { temperature_c: warm } : {}),
          ...(Object.keys(full).length > 0 ? { battery: full } : {}),
        };
      };
      const values = valuesAt([...found.temperatures.map(({ path }) => path), ...ofBatteries]);
      return values instanceof Promise ? values.then(told) : told(values);
    },
  };
}
