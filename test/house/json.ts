import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { flightsOf } from '../../agent/telemetry/flights.ts';
import { flockBy } from '../fixtures/lock-holders.ts';
import { run } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { until } from '../fixtures/until.ts';

// docs/json.md is held against what the commands really print: every key it names, and no other.

/** Keys of an object as the page writes them: `{a, b: [{c}]}`; null where it says nothing of what is inside. */
type Shape = { readonly [key: string]: Shape | null };

/** Reads one from its opening brace on. */
function parseShape(text: string): Shape {
  const words = text.match(/[a-z_0-9]+|[{}[\]:,]/gi) ?? [];
  const next = (): string => {
    const word = words.shift();
    if (word === undefined) throw new Error(`no end: ${text}`);
    return word;
  };
  const object = (): Shape => {
    const shape: Record<string, Shape | null> = {};
    for (let word = next(); word !== '}'; word = next()) {
      if (/^[,\]]$/.test(word)) continue;
      shape[word] = null;
      if (words[0] !== ':') continue;
      while (next() !== '{');
      shape[word] = object();
    }
    return shape;
  };
  if (next() !== '{') throw new Error(`no object: ${text}`);
  return object();
}

/** The rows of the tables below a heading, by the words in their first cell. */
function rows(page: string, heading: string): ReadonlyMap<string, string> {
  const part = page.split(/^(?=# |## )/m).find((text) => text.startsWith(heading)) ?? '';
  return new Map([...part.matchAll(/^\| `([^`]+)` \| (.*) \|$/gm)].map(([, key = '', words = '']) => [key, words]));
}

const page = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'json.md'), 'utf8');
const commands = rows(page, '# What');
const keys = rows(page, '## `status`');

/** The first shape in a cell. */
function shapeOf(table: ReadonlyMap<string, string>, row: string): Shape {
  const shape = /`(\{.*?\})`/.exec(table.get(row) ?? '')?.[1];
  if (shape === undefined) throw new Error(`docs/json.md shows no keys of ${row}`);
  return parseShape(shape);
}

function hold(t: Test, what: string, value: unknown, shape: Shape): void {
  if (typeof value !== 'object' || value === null) return void t.fail(`${what} is no object: ${JSON.stringify(value)}`);
  t.same(Object.keys(value).sort(), Object.keys(shape).sort(), what);
  for (const [key, inside] of Object.entries(value)) {
    const inner = shape[key] ?? null;
    if (inner === null || inside === null) continue;
    for (const one of Array.isArray(inside) ? inside : [inside]) hold(t, `${what}.${key}`, one, inner);
  }
}

t.test('every reading command prints the keys that stand there', async (t) => {
  const device = loneDevice(t, { heartbeatS: 0.2 });
  const apply = (version: number, text: string) =>
    device.locksmith(['apply', '-', '--json'], device.sign({ version, files: { 'aim.conf': text } }).jws);
  const json = async (...argv: readonly string[]) => JSON.parse((await device.locksmith([...argv, '--json'])).stdout);
  hold(t, 'apply', JSON.parse((await apply(1, 'one\n')).stdout), shapeOf(commands, 'apply FILE'));
  await apply(2, 'two\n');

  const agent = await device.daemon();
  const file = join(device.run, 'status.json');
  await until('its first heartbeat', () => existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).heartbeat);
  await flockBy(t, join(device.run, 'locks', 'aim', 'lock'));
  const status = await json('status');
  t.same(Object.keys(status).sort(), [...keys.keys()].sort(), 'a row for every key of status');
  hold(t, 'status', status, shapeOf(commands, 'status'));
  for (const key of ['clock', 'agent', 'link', 'backlog', 'counters'])
    hold(t, `status.${key}`, status[key], shapeOf(keys, key));
  hold(t, 'status.advice', status.advice.aim, shapeOf(keys, 'advice'));
  await agent.stop();

  hold(t, 'doctor', await json('doctor'), shapeOf(commands, 'doctor'));
  const check = await json('check');
  const { problems = null, ...shape } = shapeOf(commands, 'check');
  hold(t, 'check', check, { ...shape, problems });
  const diff = shapeOf(commands, 'diff NAME');
  const changed = await json('diff', 'aim', '2');
  t.same(Object.keys(changed).sort(), Object.keys(diff).sort(), 'diff');
  for (const side of ['before', 'after']) t.same(Object.keys(changed[side]).sort(), ['at', 'digest', 'what']);
  t.same(Object.keys(changed.files[0]).sort(), ['after', 'before', 'name', 'shown']);
  const explained: readonly unknown[] = JSON.parse((await run(['explain', 'lock-mismatch', '--json'])).stdout);
  for (const one of explained) hold(t, 'explain', one, shapeOf(commands, 'explain WORD'));
  for (const line of (await device.locksmith(['log', '--json'])).stdout.trim().split('\n')) {
    const entry: object = JSON.parse(line);
    const said = Object.keys(shapeOf(commands, 'log'));
    const more = [...(commands.get('log') ?? '').matchAll(/`([a-z]+)`/g)].map(([, key]) => key);
    t.same(Object.keys(entry).slice(0, 4), said, line);
    for (const key of Object.keys(entry)) t.ok(said.includes(key) || more.includes(key), `log: ${key}`);
  }

  writeFileSync(device.settings, '{ device: 1 }');
  const bad = await json('check');
  t.same(Object.keys(bad).sort(), ['ok', 'problems', 'settings']);
  hold(t, 'check', { problems: bad.problems }, { problems });
});

t.test('track', async (t) => {
  const coordinates = [
    [8, 47, 10, 0],
    [8, 47, 10, 5000],
  ] as const;
  const properties = { flight: 'a', seq: 1, error_m: 1, raw_points: 10, largest_correction_m: null, boot_ms: 0 };
  const [flight] = flightsOf(
    [
      {
        type: 'Feature',
        geometry: { type: 'LineString', coordinates },
        properties: { ...properties, gaps_ms: [], end: 'time' },
      },
    ],
    null,
    1,
  );
  const { lines: _, ...printed } = flight ?? { lines: [] };
  hold(t, 'track', printed, shapeOf(commands, 'track'));
});
