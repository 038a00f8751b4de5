import t from 'tap';
import { command } from '../../agent/cli/rollback.ts';
import { runCommand } from '../fixtures/command.ts';

t.test('a config, a device and a reason', async (t) => {
  t.match(
    command.help,
    /^Usage: locksmith rollback NAME \[--yes --reason R\].*\n.* locksmith rollback NAME --device ID/,
  );
  t.match(await runCommand(command, []), { code: 2, err: /takes one NAME, got 0/ });
  t.match(await runCommand(command, ['aim', '--device', 'd7']), { code: 2, err: /why\? give --reason/ });
});
