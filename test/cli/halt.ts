import { join } from 'node:path';
import t from 'tap';
import { command as halt } from '../../agent/cli/halt.ts';
import { command as keys } from '../../agent/cli/keys.ts';
import { runCommand } from '../fixtures/command.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';

t.test('a halt is published, not replaced by mistake, and lifted', { timeout: 60_000 }, async (t) => {
  const broker = await startMosquitto(t);
  const dir = t.testdir();
  await runCommand(keys, ['new', 'ops', '--out', dir]);
  const env = { LOCKSMITH_BROKER: broker.url, LOCKSMITH_KEY: join(dir, 'ops.key.json') };
  const to = (...more: string[]) => runCommand(halt, ['--to', 'grp/canary', ...more], env);
  const watch = await mosquittoSub(t, broker, ['fleet/v1/grp/canary/halt']);
  const said = (payload: Buffer) =>
    JSON.parse(Buffer.from(payload.toString().split('.')[1] ?? '', 'base64url').toString());
  const kept = async (fits: (halt: { rollout?: string; configs?: string[]; lift?: boolean }) => boolean) =>
    said((await watch.next(({ payload }) => fits(said(payload)))).payload);
  t.match(await to('--rollout', 'spring', '--exp', '4h', '--note', 'gimbals turn'), {
    code: 0,
    out: /^roll-out spring for grp\/canary: version \d+\n$/,
  });
  const first = await kept(({ rollout }) => rollout !== undefined);
  t.match(first, { aud: 'grp/canary', rollout: 'spring', note: 'gimbals turn', exp: Number });
  t.match(await to('--config', 'aim'), {
    code: 1,
    err: /for grp\/canary there is one already .* of roll-out spring, .*\nTry: add --replace/,
  });
  t.match(await to('--config', 'aim', '--config', 'radio', '--replace', '--json'), {
    code: 0,
    out: /"configs":\["aim","radio"\]/,
  });
  const second = await kept(({ configs }) => configs !== undefined);
  t.ok(second.version > first.version);
  t.match(await to(), { code: 0, out: /^all updates/ }, 'what stops everything stops that too');
  t.match(await to('--lift'), { code: 0, out: /^lifted for grp\/canary/ });
  t.match(await kept(({ lift = false }) => lift), { lift: true, version: second.version + 2 });
  t.match(await to(), { code: 0, out: /^all updates for grp/ });
  t.match(await to('--wait', '1', '--within', '1s'), { code: 1 }, 'nobody answers');
});

t.test('wrong words', async (t) => {
  const env = { LOCKSMITH_BROKER: 'mqtt://127.0.0.1:1', LOCKSMITH_KEY: '/nowhere' };
  for (const argv of [
    [],
    ['--to', 'canary'],
    ['--to', 'all', '--exp', 'soon'],
    ['--to', 'all', '--exp', '2020-01-01T00:00:00Z'],
    ['--to', 'all', '--lift', '--rollout', 'x'],
    ['--to', 'all', 'aim'],
    ['--to', 'all'],
  ]) {
    t.match(await runCommand(halt, argv, env), { code: 2, out: '', err: /\nTry: / }, argv.join(' '));
  }
});
