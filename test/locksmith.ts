import t from 'tap';
import { LOCKSMITH, run, start } from './fixtures/locksmith.ts';

t.test('runs from any directory and explains itself', async (t) => {
  const { code, stdout, stderr } = await run(['--help'], { cwd: '/' });
  t.equal(code, 0);
  t.match(stdout, /locksmith COMMAND --help/);
  t.equal(stderr, '');
});

t.test('a wrong command is one line and a way out', async (t) => {
  const { code, stdout, stderr } = await run(['nonsense']);
  t.equal(code, 2);
  t.equal(stdout, '');
  t.match(stderr, /^locksmith: there is no command 'nonsense'\nTry: locksmith --help\n$/);
});

t.test('no command: the help, and exit 2', async (t) => {
  const { code, stdout } = await run([]);
  t.equal(code, 2);
  t.match(stdout, /locksmith COMMAND/);
});

t.test('a reader that leaves early is no error', async (t) => {
  const program = start(['--help'], { under: ['sh', '-c', '"$@" | true; echo "pipe $?" >&2', 'sh'] });
  await program.line('pipe 0');
  t.notMatch(program.stderr(), /EPIPE|Error/);
  t.equal((await program.ended).code, 0);
});

t.test('the entry can be started by its name', async (t) => {
  const program = start(['--help'], { under: ['sh', '-c', 'shift; "$@"', 'sh'] });
  t.equal((await program.ended).code, 0, `${LOCKSMITH} has a first line that names its interpreter, and the run bit`);
});

t.test('-h, help COMMAND, --version, and a command that was nearly right', async (t) => {
  t.match(await run(['-h']), { code: 0, stdout: /locksmith COMMAND --help/ });
  const { stdout } = await run(['push', '--help']);
  t.match(stdout, /Example:/);
  t.match(await run(['push', '-h']), { code: 0, stdout });
  t.match(await run(['help', 'push']), { code: 0, stdout });
  t.match(await run(['--version']), { code: 0, stdout: /^locksmith \d+\.\d+\.\d+\n$/ });
  t.match(await run(['pusj']), { code: 2, stderr: /there is no command 'pusj' \(did you mean 'push'\?\)/ });
  t.match(await run(['__proto__']), { code: 2, stderr: /there is no command '__proto__'\nTry: / });
});

t.test('a bug is told by its stack, without the line of the bundle it is in', async (t) => {
  const broken = 'String.prototype.padEnd = () => { throw new TypeError("boom"); }';
  const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(broken)}`;
  const { code, stderr } = await run(['--help'], { env: { NODE_OPTIONS } });
  t.equal(code, 1);
  t.match(stderr, /^locksmith: a bug of ours: TypeError: boom\n +at .*[\s\S]*\nTry: .*\n$/);
  t.ok(stderr.length < 4000, `${stderr.length} characters`);
});
