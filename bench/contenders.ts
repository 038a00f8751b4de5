import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type makeKey, signUpdate, type World, writeSettings } from './world.ts';

/** Somebody who puts a config in place when it is pushed. */
export interface Contender {
  readonly name: string;
  /** As it calls itself at the broker. */
  readonly client: string;
  readonly argv: readonly string[];
  readonly topic: string;
  readonly report: string;
  /** What a report of this version has in it. */
  said(version: number): string;
  /** What is pushed; its content begins with the version and a space, and ends with ` end`. */
  message(version: number): Promise<string>;
  /** Where the content ends up. */
  readonly file: string;
  /** What it does for it, for the table. */
  readonly does: string;
}

/** What contenders are started with. */
export interface Ground {
  readonly world: World;
  readonly port: number;
  readonly key: Awaited<ReturnType<typeof makeKey>>;
  /** Directory of the bundled programs, and of the shell script. */
  readonly programs: string;
  readonly scripts: string;
  readonly locksmith: string;
  /** Where packages were installed; null: the registry did not serve them. */
  readonly modules: { readonly aws: string | null; readonly nodeRed: string | null };
}

/** One line of 600 bytes, whole or not to be told by its end. */
export function contentOf(version: number): string {
  return `${version} ${'#'.repeat(590 - String(version).length)} end`;
}

function dirOf({ world, key }: Ground, name: string): string {
  const dir = join(world.dir, name);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'key.json'), JSON.stringify(key.jwk));
  return dir;
}

function signed({ key }: Ground) {
  return (version: number) => {
    const content = contentOf(version);
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    return signUpdate(key.privateKey, { version, digest, content });
  };
}

function shell(ground: Ground, sync: 'yes' | 'no'): Contender {
  const name = `shell-sync-${sync}`;
  const dir = dirOf(ground, name);
  const [topic, report] = [`beside/${name}/desired`, `beside/${name}/reported`];
  return {
    ...{
      name: `mosquitto_sub + shell, ${sync === 'yes' ? 'with' : 'without'} sync`,
      client: `beside-shell-${sync}`,
      topic,
      report,
    },
    argv: ['sh', join(ground.scripts, 'beside.sh'), '127.0.0.1', `${ground.port}`, dir, topic, report, sync],
    said: String,
    message: async (version) => contentOf(version),
    file: join(dir, 'config'),
    does: sync === 'yes' ? 'temp file, sync, mv, sync' : 'temp file, mv',
  };
}

function aws(ground: Ground, modules: string, sync: 'yes' | 'no'): Contender {
  const name = `aws-sync-${sync}`;
  const dir = dirOf(ground, name);
  const [topic, report] = [`beside/${name}/desired`, `beside/${name}/reported`];
  const program = join(ground.programs, 'beside-aws.mjs');
  return {
    ...{
      name: `aws-iot-device-sdk-v2, ${sync === 'yes' ? 'with' : 'without'} fsync`,
      client: `beside-aws-${sync}`,
      topic,
      report,
    },
    argv: [process.execPath, program, modules, '127.0.0.1', `${ground.port}`, dir, topic, report, sync],
    said: String,
    message: signed(ground),
    file: join(dir, 'config'),
    does: sync === 'yes' ? 'signature, journal, temp file, rename, 4 syncs' : 'signature, journal, temp file, rename',
  };
}

function nodeRed(ground: Ground, modules: string): Contender {
  const dir = dirOf(ground, 'node-red');
  const [topic, report, file] = ['beside/red/desired', 'beside/red/reported', join(dir, 'config')];
  const broker = { id: 'b', type: 'mqtt-broker', broker: '127.0.0.1', port: `${ground.port}`, clientid: 'beside-red' };
  const flow = [
    { id: 't', type: 'tab', label: 'config' },
    { ...broker, autoConnect: true, usetls: false, protocolVersion: '4', keepalive: '30', cleansession: false },
    { id: 'i', z: 't', type: 'mqtt in', topic, qos: '1', datatype: 'utf8', broker: 'b', inputs: 0, wires: [['f']] },
    {
      ...{ id: 'f', z: 't', type: 'file', filename: file, filenameType: 'str', appendNewline: false },
      ...{ createDir: false, overwriteFile: 'true', encoding: 'utf8', wires: [['v']] },
    },
    {
      ...{ id: 'v', z: 't', type: 'function', outputs: 1, wires: [['o']] },
      func: "msg.payload = msg.payload.split(' ')[0]; return msg;",
    },
    { id: 'o', z: 't', type: 'mqtt out', topic: report, qos: '1', retain: 'false', broker: 'b', wires: [] },
  ];
  writeFileSync(join(dir, 'flow.json'), JSON.stringify(flow));
  const settings = {
    httpAdminRoot: false,
    httpNodeRoot: false,
    uiHost: '127.0.0.1',
    uiPort: 0,
    telemetry: { enabled: false },
  };
  writeFileSync(join(dir, 'settings.cjs'), `module.exports = ${JSON.stringify(settings)};`);
  const program = join(modules, 'node_modules', 'node-red', 'red.js');
  return {
    ...{ name: 'Node-RED', client: 'beside-red', topic, report, file, said: String },
    argv: [process.execPath, program, '-u', dir, '-s', join(dir, 'settings.cjs'), join(dir, 'flow.json')],
    message: async (version) => contentOf(version),
    does: 'writes over the file',
  };
}

function locksmith(ground: Ground): Contender {
  const settings = writeSettings(ground.world, `mqtt://127.0.0.1:${ground.port}`);
  return {
    ...{
      name: 'Locksmith',
      client: 'bench',
      topic: 'fleet/v1/dev/bench/desired/aim/base',
      report: 'fleet/v1/dev/bench/reported/aim',
    },
    argv: [process.execPath, ground.locksmith, 'run', '--settings', settings],
    said: (version) => `"running":{"version":${version},`,
    message: signed(ground),
    file: join(ground.world.dir, 'etc', 'aim.conf'),
    does: 'signature, lock, journal, temp file, rename, history, syncs',
  };
}

function floor(ground: Ground): Contender {
  const dir = dirOf(ground, 'floor');
  const [topic, report] = ['beside/floor/desired', 'beside/floor/reported'];
  const argv = [join(ground.programs, 'floor.mjs'), `mqtt://127.0.0.1:${ground.port}`, dir, topic, report];
  return {
    ...{ name: 'the same durable steps and no more (`bench/floor.ts`)', client: 'floor', topic, report },
    argv: [process.execPath, ...argv],
    said: (version) => `"running":{"version":${version}}`,
    message: signed(ground),
    file: join(dir, 'config'),
    does: 'signature, journal, temp file, rename, 4 syncs',
  };
}

/** All of them. */
export function contendersOn(ground: Ground): readonly Contender[] {
  const { aws: sdk, nodeRed: red } = ground.modules;
  return [
    locksmith(ground),
    floor(ground),
    ...(['yes', 'no'] as const).map((sync) => shell(ground, sync)),
    ...(sdk === null ? [] : (['yes', 'no'] as const).map((sync) => aws(ground, sdk, sync))),
    ...(red === null ? [] : [nodeRed(ground, red)]),
  ];
}
