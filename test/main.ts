import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Terminal } from '../agent/cli/command.ts';
import { main } from '../agent/main.ts';

function terminal(columns: number | null) {
  const said = { out: '', err: '' };
  const it: Terminal = {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    live: false,
    colour: false,
    columns,
    env: {},
  };
  return { said, it };
}

const ask = (...argv: string[]) => askAt(null, ...argv);

/** Asks on a terminal that is so wide; null: in a pipe. */
async function askAt(columns: number | null, ...argv: string[]) {
  const { said, it } = terminal(columns);
  return { code: await main(argv, it), ...said };
}

t.test('help names every command, on stdout', async (t) => {
  const { code, out, err } = await ask('--help');
  t.equal(code, 0);
  t.equal(err, '');
  for (const name of [
    'run',
    'check',
    'status',
    'locks',
    'hold',
    'history',
    'apply',
    'keys',
    'sign',
    'push',
    'withdraw',
  ]) {
    t.match(out, new RegExp(`^ {2}${name} `, 'm'), name);
  }
});

t.test('every command explains itself, with an example', async (t) => {
  const { out } = await ask('help');
  const names = [...out.matchAll(/^ {2}([a-z]+) /gm)].map(([, name = '']) => name);
  for (const name of names) {
    const { code, out: help, err } = await ask(name, '--help');
    t.equal(code, 0, name);
    t.match(help, new RegExp(`^Usage: locksmith ${name}\\b`), `${name} starts with its usage`);
    t.match(help, /^Examples?:/m, `${name} has an example`);
    t.ok(help.endsWith('\n') && err === '', `${name} says it on stdout`);
  }
});

t.test('help fits a terminal of 80 columns, but for an example to copy', async (t) => {
  const { out } = await askAt(80, 'help');
  for (const name of ['', ...[...out.matchAll(/^ {2}([a-z]+) /gm)].map(([, command = '']) => command)]) {
    const { out: help } = await askAt(80, ...`${name} --help`.trim().split(' '));
    const [prose = ''] = help.split(/^Examples?:/m);
    t.strictSame(
      prose.split('\n').filter((line) => line.length > 80),
      [],
      name,
    );
  }
});

t.test('every command refuses an option it does not know: exit 2, one line, and a way out', async (t) => {
  const { out } = await ask('help');
  for (const [, name = ''] of out.matchAll(/^ {2}([a-z]+) /gm)) {
    const { code, err } = await ask(name, '--no-such-option');
    t.equal(code, 2, name);
    t.match(err, /^locksmith: [^\n]+\nTry: locksmith [^\n]+\n$/, err);
  }
});

t.test('a command that is none, also one with a name every object has', async (t) => {
  for (const name of ['nonsense', 'constructor', '__proto__', 'toString']) {
    const { code, out, err } = await ask(name);
    t.equal(code, 2, name);
    t.equal(out, '');
    t.equal(err, `locksmith: there is no command '${name}'\nTry: locksmith --help\n`);
  }
});

t.test('what only root may read: the remedy is to be root, not to check the settings', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'main-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  chmodSync(dir, 0o755);
  const journal = join(dir, 'journal');
  const settings = join(dir, 'agent.yaml');
  const own = `trust: { keys: ${dir}/keys.json }\npaths: { state: ${dir}, run: ${dir}/run }\n`;
  const config = `configs: { a: { files: [ { path: /nowhere/a.conf } ] } }\n`;
  writeFileSync(settings, `device: { id: d }\nbroker: { urls: [embedded] }\n${own}${config}`);
  writeFileSync(journal, '', { mode: 0 });
  await ask('history', '--help');
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65534);
  const { code, err } = await ask('history', '--settings', settings).finally(() => root && process.seteuid?.(0));
  t.equal(code, 1);
  t.equal(
    err,
    `locksmith: ${journal}: journal.open: EACCES (no-permission)\nTry: the same as root, or as the user of the agent\n`,
  );
});

t.test('settings that are not there: exit 2 and what to do', async (t) => {
  const { code, err } = await ask('check', '--settings', '/nowhere/agent.yaml');
  t.equal(code, 2);
  t.match(err, /\/nowhere\/agent\.yaml/);
  t.match(err, /\nTry: /);
});
