import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { command as keys } from '../../agent/cli/keys.ts';
import { hostEd25519 } from '../../agent/host/ed25519.ts';
import { parseKeys } from '../../agent/trust/keys.ts';
import { verifyTrust } from '../../agent/trust/verify-trust.ts';
import { runCommand } from '../fixtures/command.ts';
import { startMosquitto } from '../fixtures/mosquitto.ts';
import { mosquittoSub } from '../fixtures/mosquitto-clients.ts';

t.test('two people change the keys: composed here, signed there, published', { timeout: 60_000 }, async (t) => {
  const dir = t.testdir();
  const at = (name: string) => join(dir, name);
  const run = (...argv: string[]) => runCommand(keys, argv, { LOCKSMITH_BROKER: broker.url });
  const broker = await startMosquitto(t);
  for (const name of ['old', 'new']) await run('new', name, '--root', '--out', dir);
  for (const name of ['ops', 'night']) await run('new', name, '--out', dir);
  const jwk = (name: string) => JSON.parse(readFileSync(at(`${name}.pub.json`), 'utf8')).keys[0];
  const seed = JSON.stringify({ keys: [jwk('old'), jwk('ops')] });
  writeFileSync(at('keys.json'), seed);
  const draft = at('draft.json');
  const compose = [
    'compose',
    draft,
    '--from',
    at('keys.json'),
    '--add',
    at('new.pub.json'),
    '--add',
    at('night.pub.json'),
  ];
  const { kid } = jwk('ops');
  const composed = await run(...compose, '--remove', kid, '--remove', jwk('old').kid, '--note', 'spring');
  t.match(composed, { code: 0, out: /version 1 for all: spring\n {2}root {2}new-.*\n {2}push {2}night-/ });
  t.match(await run(...compose), { code: 1, err: /is there already/ });
  t.match(await run('push', draft), { code: 3, err: /nobody has signed it\nTry: locksmith keys sign/ });
  t.match(await run('sign', draft, '--key', at('ops.key.json')), { code: 2, err: /is a push key/ });
  t.match(await run('sign', draft, '--key', at('old.key.json')), {
    code: 0,
    out: /gone {2}old-.* signed\nsigned by old-.*: a root key that goes/,
  });
  t.match(await run('push', draft, '--wait', '1', '--within', '1s', '--json'), {
    code: 1,
    err: /new-.* has not signed/,
  });
  t.match(await run('sign', draft, '--key', at('new.key.json')), { code: 0, out: /root {2}new-\S+ {2}signed/ });
  await run('sign', draft, '--key', at('new.key.json'));
  const verified = verifyTrust(readFileSync(draft, 'utf8').trim(), {
    ring: parseKeys(seed, 'keys.json'),
    ...{ nowS: 1_795_298_400, clock: 'ok', ed25519: hostEd25519(), address: 'all', addresses: ['all'] },
  });
  t.match(verified, { kind: 'trust', document: { version: 1, note: 'spring' }, kids: [jwk('old').kid] });
  const watch = await mosquittoSub(t, broker, ['fleet/v1/all/trust']);
  t.match(await run('push', draft), { code: 0, out: 'published for all: version 1\n', err: '' });
  const { payload } = await watch.next((message) => JSON.parse(message.payload.toString()).signatures.length === 2);
  t.equal(payload.toString(), readFileSync(draft, 'utf8').trim());
  t.match(await run('list', draft), { code: 0, out: /new-.*public root.*\n.*night-.*public push/ });
  t.match(await run('compose', at('next.json'), '--from', draft), { code: 0, out: /version 2 for all/ });
});

t.test('wrong words', async (t) => {
  const dir = t.testdir({ junk: 'junk' });
  for (const argv of [
    ['compose', join(dir, 'x')],
    ['compose', '--from', join(dir, 'junk')],
    ['compose', join(dir, 'x'), '--from', join(dir, 'junk')],
    ['compose', join(dir, 'x'), '--from', join(dir, 'junk'), '--to', 'x'],
    ['sign', join(dir, 'junk')],
    ['sign', join(dir, 'junk'), '--key', join(dir, 'junk')],
    ['push', join(dir, 'junk')],
    ['push'],
  ]) {
    t.match(await runCommand(keys, argv), { code: 2, out: '', err: /\nTry: / }, argv.join(' '));
  }
});
