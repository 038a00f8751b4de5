import t from 'tap';
import { command } from '../../agent/cli/refresh.ts';
import { runCommand } from '../fixtures/command.ts';

t.test('help says what it does and how', async (t) => {
  t.match(command.help, /^Usage: locksmith refresh \[CONFIG\] --device ID/);
  t.match(command.help, /Example:\n {2}locksmith refresh/);
});

t.test('one config at most, and a device', async (t) => {
  t.match(await runCommand(command, ['a', 'b']), { code: 2, err: /takes CONFIG, or nothing, got 2/ });
  t.match(await runCommand(command, ['aim']), { code: 2, err: /which device/ });
});
