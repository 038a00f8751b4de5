import { join } from 'node:path';
import t from 'tap';
import { command as keys } from '../../agent/cli/keys.ts';
import { command as withdraw } from '../../agent/cli/withdraw.ts';
import { runCommand } from '../fixtures/command.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';

t.test('a shadow is taken back by a tombstone that needs no end', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const dir = t.testdir();
  await runCommand(keys, ['new', 'ops', '--out', dir]);
  const env = { LOCKSMITH_BROKER: broker.url, LOCKSMITH_KEY: join(dir, 'ops.key.json'), XDG_STATE_HOME: dir };
  const words = ['aim', '--to', 'all', '--layer', 'shadow'];
  t.match(await runCommand(withdraw, [...words, '--note', 'over', '--json'], env), { code: 0, out: /"withdraw":true/ });
  const watch = await mosquittoSub(t, broker, ['fleet/v1/all/desired/aim/shadow']);
  const { payload } = await watch.next(({ retain }) => retain);
  t.match(JSON.parse(Buffer.from(payload.toString().split('.')[1] ?? '', 'base64url').toString()), {
    layer: 'shadow',
    withdraw: true,
    version: 1,
    note: 'over',
  });
  t.match(await runCommand(withdraw, words.slice(0, 3), env), { code: 2, err: /which layer\?/ });
  t.match(await runCommand(withdraw, ['aim', 'file', ...words.slice(1)], env), { code: 2, err: /takes CONFIG, got 2/ });
});
