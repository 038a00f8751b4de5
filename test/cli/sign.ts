import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command as keys } from '../../agent/cli/keys.ts';
import { command as sign } from '../../agent/cli/sign.ts';
import { hostEd25519 } from '../../agent/host/ed25519.ts';
import { parseKeys } from '../../agent/trust/keys.ts';
import { verifyUpdate } from '../../agent/trust/verify.ts';
import { runCommand } from '../fixtures/command.ts';

t.test('sign', async (t) => {
  const dir = t.testdir({ 'a.conf': 'x = 1\n', big: 'x'.repeat(100_000) });
  await runCommand(keys, ['new', 'ops', '--out', dir]);
  const env = { LOCKSMITH_KEY: join(dir, 'ops.key.json') };
  const path = join(dir, 'a.conf');
  const ring = parseKeys(readFileSync(join(dir, 'ops.pub.json'), 'utf8'), 'keys');
  const nowS = Math.floor(Date.now() / 1000);
  const verify = (jws: string) => verifyUpdate(jws.trim(), ring, { nowS, clock: 'ok', ed25519: hostEd25519() });
  const words = ['aim', path, '--to', 'dev/d7', '--version', '42'];

  t.match(await verify((await runCommand(sign, words, env)).out), {
    kind: 'update',
    update: {
      aud: 'dev/d7',
      config: 'aim',
      layer: 'base',
      version: 42,
      files: [{ name: 'a.conf', content: 'x = 1\n' }],
    },
  });
  const out = join(dir, 'u.jws');
  const digest = `sha256:${'0'.repeat(64)}`;
  const more = ['--layer', 'shadow', '--until', '4h', '--exp', '2999-01-01T00:00:00Z', '--note', 'n', '--out', out];
  const night = ['--window', '0 2 * * *', '--window-minutes', '60', '--vehicle', 'safe'];
  const expect = ['--expect-digest', digest, '--expect-token', '17', ...night];
  const shadow = ['aim', `other.conf=${path}`, ...words.slice(2), ...more, ...expect];
  t.match(await runCommand(sign, shadow, env), {
    code: 0,
    out: '',
    err: /^wrote .*u\.jws: aim version 42 \(shadow\) for dev\/d7/,
  });
  const signed = await verify(readFileSync(out, 'utf8'));
  if (signed.kind !== 'update') throw new Error(signed.reason);
  t.match(signed.update, { layer: 'shadow', exp: 32_472_144_000, note: 'n', expect: { digest, token: 17 } });
  t.match(signed.update.when, { window: { cron: '0 2 * * *', minutes: 60, tz: 'UTC' }, vehicle: 'safe' });
  t.match(signed.update.files, [{ name: 'other.conf' }]);
  t.equal((signed.update.until ?? 0) - signed.update.iat, 4 * 3600);

  const less = await verify((await runCommand(sign, [...words, '--absent', 'b.conf', '--absent', 'c'], env)).out);
  if (less.kind !== 'update') throw new Error(less.reason);
  t.match(less.update.files, [{ name: 'a.conf' }, { name: 'b.conf', absent: true }, { name: 'c', absent: true }]);
  const none = await verify((await runCommand(sign, ['aim', ...words.slice(2), '--absent', 'b.conf'], env)).out);
  t.match(none, { kind: 'update', update: { files: [{ name: 'b.conf', absent: true }] } });

  const wrong: readonly (readonly [readonly string[], number, RegExp])[] = [
    [words.slice(0, 4), 2, /which version\?/],
    [[...words, '--version', '0'], 2, /--version: expected a whole number from 1/],
    [['aim', '--to', 'all', '--version', '1'], 2, /which files\?/],
    [[...words, '--to', 'everybody'], 2, /--to: expected/],
    [[...words, '--layer', 'top'], 2, /--layer: expected base or shadow/],
    [[...words, '--until', '4h'], 2, /--until is for --layer shadow/],
    [[...words, '--layer', 'shadow', '--until', 'soon'], 2, /--until: expected a duration/],
    [[...words, '--layer', 'shadow', '--until', '2001-01-01T00:00:00Z'], 2, /is not in the future/],
    [[...words, '--exp', '2026-13-01T00:00:00Z'], 2, /--exp: expected a duration/],
    [[...words, '--expect-digest', 'abc'], 2, /--expect-digest: expected/],
    [[...words, '--expect-token', '-1'], 2, /expect-token/],
    [[...words, '--key', join(dir, 'ops.pub.json')], 2, /a set of public keys cannot sign/],
    [[...words, '--out', join(dir, 'no', 'where')], 1, /cannot be written: ENOENT/],
    [['aim', join(dir, 'big'), ...words.slice(2)], 1, /more than the 131072 \(128 KiB\)/],
    [[...words, '--absent', 'a.conf'], 2, /files\[1\]\.name: a\.conf is listed twice/],
    [[...words, '--absent', 'b/a.conf'], 2, /expected a base name, found a path/],
    [[...words, '--colour'], 2, /Unknown option/],
  ];
  for (const [argv, code, err] of wrong)
    t.match(await runCommand(sign, argv, env), { code, err }, argv.slice(-2).join(' '));
  t.match(await runCommand(sign, words), { code: 2, err: /which key\?/ });
});
