import t from 'tap';
import { parseKeys, type TrustKey } from '../../agent/trust/keys.ts';
import { lifeOf, mayCommand, mayHalt, mayTrust, mayUpdate } from '../../agent/trust/may.ts';
import type { Command } from '../../agent/values/command.ts';
import type { Update } from '../../agent/values/update.ts';

const UPDATE: Update = {
  v: 1,
  id: 'u',
  aud: 'grp/canary',
  config: 'aim',
  layer: 'base',
  version: 1,
  iat: 1000,
  withdraw: true,
  files: [],
};
const OK = { nowS: 1000, clock: 'ok' } as const;

function key(change: object): TrustKey {
  const jwk = { kty: 'OKP', crv: 'Ed25519', kid: 'k', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo', ...change };
  const found = parseKeys(JSON.stringify({ keys: [jwk] }), 'k').find('k');
  if (found === null) throw new Error('no key');
  return found;
}

t.test('a push key without limits may', async (t) => {
  t.equal(mayUpdate(key({}), UPDATE, OK), null);
});

t.test('a root key may not', async (t) => {
  t.match(mayUpdate(key({ role: 'root' }), UPDATE, OK), { code: 'key-not-allowed', reason: /root key/ });
});

t.test('addresses and configs', async (t) => {
  const may = (limits: object) => mayUpdate(key({ may: limits }), UPDATE, OK)?.reason ?? null;
  t.equal(may({ addresses: ['all', 'grp/canary'], configs: ['aim'] }), null);
  t.equal(may({ addresses: ['grp/*'] }), null);
  t.match(may({ addresses: ['dev/*', 'all'] }), /may not sign for grp\/canary/);
  t.match(may({ addresses: ['grp/can'] }), /may not sign for grp\/canary/);
  t.match(may({ addresses: [] }), /may not sign for grp\/canary/);
  t.match(may({ configs: ['other'] }), /may not sign for config aim/);
  t.equal(mayUpdate(key({ may: { addresses: ['dev/*'] } }), { ...UPDATE, aud: 'dev/d7' }, OK), null);
});

t.test('the life of a key: by the clock if it can be trusted, by the time of signing always', async (t) => {
  const young = key({ nbf: 2000 });
  const old = key({ exp: 1000 });
  t.match(mayUpdate(young, UPDATE, OK), { code: 'key-not-allowed', reason: /not valid before/ });
  t.match(mayUpdate(old, { ...UPDATE, iat: 999 }, OK), { code: 'key-not-allowed', reason: /not valid since/ });
  t.equal(mayUpdate(old, { ...UPDATE, iat: 999 }, { nowS: 5000, clock: 'untrusted' }), null);
  t.match(mayUpdate(old, UPDATE, { nowS: 1, clock: 'untrusted' }), { code: 'key-not-allowed' });
  t.match(
    mayUpdate(young, { ...UPDATE, iat: 3000 }, OK),
    { code: 'key-not-allowed' },
    'a date of signing in the future helps nobody',
  );
});

t.test('commands: a key may sign what it is for, and nothing else', async (t) => {
  const release: Command = {
    ...{ v: 1, id: 'c', aud: 'dev/d7', cmd: 'release', config: 'aim', token: 3, reason: 'r', iat: 1000, exp: 1100 },
  };
  const refresh: Command = { v: 1, id: 'c', aud: 'dev/d7', cmd: 'refresh', iat: 1000, exp: 1100 };
  const may = (command: Command, change: object) => mayCommand(key(change), command, OK)?.reason ?? null;
  t.equal(may(release, {}), null, 'without limits everything');
  t.match(mayCommand(key({ role: 'root' }), release, OK), { code: 'key-not-allowed', reason: /root key/ });
  t.equal(may(release, { may: { commands: ['release'], configs: ['aim'], addresses: ['dev/*'] } }), null);
  t.match(may(refresh, { may: { commands: ['release'] } }), /may not sign refresh commands/);
  t.match(may(release, { may: { commands: [] } }), /may not sign release commands/);
  t.match(may(release, { may: { configs: ['radio'] } }), /may not sign for config aim/);
  t.equal(may(refresh, { may: { configs: ['radio'] } }), null, 'a refresh of everything tells nothing new');
  t.match(may({ ...refresh, config: 'aim' }, { may: { configs: ['radio'] } }), /may not sign for config aim/);
  t.match(may(release, { may: { addresses: ['grp/*', 'dev/d8'] } }), /may not sign for dev\/d7/);
  const ending: Command = { ...release, end_holder: true, holder: { pid: 7, start: 9 } };
  t.match(may(ending, {}), /may not have a holder ended/, 'not even without limits');
  t.match(may(ending, { may: { end_holder: false } }), /may not have a holder ended/);
  t.equal(may(ending, { may: { end_holder: true } }), null);
  t.equal(may({ ...ending, end_holder: false }, {}), null);
  t.match(may(release, { exp: 900 }), /not valid since/);
  t.match(may(release, { nbf: 2000 }), /not valid before/);
});

t.test('halts: a key may hold back what it may change', async (t) => {
  const halt = { v: 1, id: 'h', aud: 'grp/canary', version: 1, iat: 1000 } as const;
  const may = (change: object, more: object = {}) => mayHalt(key(change), { ...halt, ...more }, OK)?.reason ?? null;
  t.equal(may({}), null);
  t.match(may({ role: 'root' }), /root key, which signs no halts/);
  t.match(may({ may: { addresses: ['all'] } }), /may not sign for grp\/canary/);
  const narrow = { may: { configs: ['aim', 'radio'] } };
  t.equal(may(narrow, { configs: ['aim'] }), null);
  for (const more of [{}, { rollout: 'spring' }, { lift: true }, { configs: ['aim', 'gimbal'] }]) {
    t.match(may(narrow, more), /may sign for configs aim, radio only/);
  }
  t.match(may({ exp: 1000 }), /not valid since/);
});

t.test('trust documents: addresses, and a life without a time of signing', async (t) => {
  t.equal(mayTrust(key({ role: 'root' }), 'all'), null);
  t.equal(mayTrust(key({ role: 'root', may: { addresses: ['dev/*'] } }), 'dev/d7'), null);
  t.match(mayTrust(key({ role: 'root', may: { addresses: ['dev/*'] } }), 'all'), { code: 'key-not-allowed' });
  t.match(lifeOf(key({ exp: 1000 }), null, OK), { code: 'key-not-allowed' });
  t.equal(lifeOf(key({ exp: 1000 }), null, { ...OK, clock: 'untrusted' }), null);
});
