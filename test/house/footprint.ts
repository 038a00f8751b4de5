import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { mqttBroker } from '../../agent/host/mqtt.ts';
import { connectWish } from '../../agent/link/wish.ts';
import { readSettings } from '../../agent/settings.ts';
import { LOCKSMITH, start } from '../fixtures/locksmith.ts';
import { type LoneDevice, loneDevice } from '../fixtures/lone-device.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { until } from '../fixtures/until.ts';

// What an agent loads that is connected, has applied an update and beats: memory is measured in bench/, its causes are held here.

/** Words that stand in one thing only that the program can do, and that an agent does not need before it is asked for it. */
const MARKS = {
  schemas: 'Error compiling schema',
  toml: 'Invalid TOML document',
  page: 'Usage: locksmith page',
  doctor: 'Usage: locksmith doctor',
  rollouts: 'Usage: locksmith rollout',
  'embedded broker': 'heartbeatInterval',
} as const;
/** Parts of Node that cost memory, and are for TLS, for downloads and for hooks over the web. */
const NODE = ['tls', 'https', 'http', 'http2', 'worker_threads', 'zlib', 'inspector'];
/** Of our own files and packages. Reason: about 920,000 are loaded; whatever else is taken in at the start is seen. Effect: some 5 bytes of memory each. */
const LOADED_MAX_BYTES = 1_050_000;

/** What was loaded when the agent ended. */
interface Loaded {
  readonly files: readonly string[];
  readonly builtin: readonly string[];
}

/** Runs an agent until it has applied an update and said so in its heartbeat. */
async function loadedBy(device: LoneDevice, text: string): Promise<Loaded> {
  const [coverage, list] = [join(device.dir, 'coverage'), join(device.dir, 'builtin')];
  const code = `import { writeFileSync } from 'node:fs';
    process.on('exit', () => writeFileSync(${JSON.stringify(list)}, process.moduleLoadList.join('\\n')));`;
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(code)}`;
  const env = { NODE_V8_COVERAGE: coverage, NODE_OPTIONS };
  const agent = start(['run', '--settings', device.settings], { env });
  await agent.line('connected and subscribed');
  const applied = await device.locksmith(['apply', '-'], device.sign({ version: 1, files: { 'aim.conf': text } }).jws);
  if (applied.code !== 0) throw new Error(JSON.stringify(applied));
  const status = () => JSON.parse(readFileSync(join(device.run, 'status.json'), 'utf8'));
  await until('a heartbeat that tells of it', () => status().heartbeat?.counters.applied === 1);
  await agent.stop();
  const [found = ''] = readdirSync(coverage);
  const { result }: { result: readonly { readonly url: string }[] } = JSON.parse(
    readFileSync(join(coverage, found), 'utf8'),
  );
  const files = result.flatMap(({ url }) => (url.startsWith('file:') ? [fileURLToPath(url)] : []));
  const names = readFileSync(list, 'utf8').split('\n');
  return { files, builtin: names.map((name) => name.replace(/^NativeModule /, '')) };
}

const textOf = (path: string) => readFileSync(path, 'utf8');

t.test('an agent loads what it needs, and the rest when it needs it', async (t) => {
  const broker = await startMosquitto(t);
  const chunks = join(dirname(LOCKSMITH), 'chunks');
  const all = readdirSync(chunks).map((name) => textOf(join(chunks, name)));
  for (const [what, mark] of Object.entries(MARKS))
    t.ok(
      all.some((text) => text.includes(mark)),
      `${what} can be told by its mark`,
    );

  const plain = await loadedBy(loneDevice(t, { url: broker.url, heartbeatS: 0.2 }), 'hold = 1\n');
  const early = plain.files.flatMap((path) => {
    const text = textOf(path);
    return Object.entries(MARKS).flatMap(([what, mark]) => (text.includes(mark) ? [`${what} in ${path}`] : []));
  });
  t.same(early, []);
  t.same(
    NODE.filter((name) => plain.builtin.includes(name)),
    [],
  );
  const bytes = plain.files.reduce((sum, path) => sum + statSync(path).size, 0);
  t.ok(bytes < LOADED_MAX_BYTES, `${bytes} bytes of ${plain.files.length} files`);

  const formats = { 'aim.conf': { format: 'json', schema: '' } };
  const dir = t.testdir({ 'schema.json': '{ "type": "object" }' });
  formats['aim.conf'].schema = join(dir, 'schema.json');
  const id = 'drone-8';
  const checked = await loadedBy(loneDevice(t, { id, url: broker.url, heartbeatS: 0.2, formats }), '{}');
  t.ok(
    checked.files.some((path) => textOf(path).includes(MARKS.schemas)),
    'a config with a schema has it checked',
  );
});

t.test('the MQTT packets are written without a cache of every number there is', async (t) => {
  const broker = await startMosquitto(t);
  const settings = readSettings(loneDevice(t, { url: broker.url }).settings);
  await new Promise<void>((resolve, reject) => {
    const connection = mqttBroker.connect(connectWish(settings, broker.url, null), {
      connected() {
        connection.close();
        resolve();
      },
      frame: async () => {},
      roundTrip: () => {},
      ended: ({ message }) => reject(new Error(message)),
    });
  });
  const ask = createRequire(createRequire(import.meta.url).resolve('mqtt'));
  t.equal(ask('mqtt-packet').writeToStream.cacheNumbers, false);
});
