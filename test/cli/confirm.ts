import t from 'tap';
import { command } from '../../agent/cli/confirm.ts';
import { runCommand } from '../fixtures/command.ts';

t.test('a config and a device', async (t) => {
  t.match(command.help, /^Usage: locksmith confirm CONFIG --device ID/);
  t.match(await runCommand(command, []), { code: 2, err: /takes CONFIG, got 0/ });
  t.match(await runCommand(command, ['a.b', '--device', 'd7']), { code: 2, err: /expected a config/ });
  t.match(await runCommand(command, ['aim']), { code: 2, err: /which device/ });
});
