import t from 'tap';
import { examineSettings } from '../agent/settings.ts';
import { hookRules } from '../agent/settings-hook-rules.ts';

/** What is wrong with a config of these settings, `path: why`; its files are `a.conf`, and `b.conf` with `two`. */
function whys(config: object, two = false): readonly string[] {
  const files = [{ path: '/etc/x/a.conf' }, ...(two ? [{ path: '/etc/x/b.conf' }] : [])];
  const text = JSON.stringify({
    ...{ device: { id: 'd' }, broker: { urls: ['mqtt://h'] }, trust: { keys: '/k' } },
    configs: { c: { files, ...config } },
  });
  const reading = examineSettings(text, '/s.yaml');
  if (reading.kind === 'problems') return reading.problems.map(({ message }) => message);
  return hookRules(reading.settings).map(({ path, why }) => `${path.join('.')}: ${why}`);
}

t.test('a check is told where the new file is', async (t) => {
  const check = (argv: readonly string[], two = false) => whys({ check: { argv } }, two);
  t.same(check(['x', '{staged}']), []);
  t.same(check(['x', '--file={staged:a.conf}', '{staged:b.conf}'], true), []);
  t.match(check(['x']), [/check\.argv: nowhere says \{staged\}/]);
  t.match(check(['x', '{staged}'], true), [/could be any of several files/]);
  t.match(check(['x', '{staged:c.conf}'], true), [/\{staged:c\.conf\} is no file of this config/]);
});

t.test('one way to reload, one to look at the health', async (t) => {
  t.same(whys({ reload: { argv: ['x'] } }), []);
  t.same(whys({ reload: { unit: 'x.service' } }), []);
  t.match(whys({ reload: { argv: ['x'], unit: 'x.service' } }), [
    /reload: expected one of argv, unit, found argv and unit/,
  ]);
  t.match(whys({ reload: {} }), [/found none of them/]);
  t.match(whys({ reload: { unit: 'locksmith-agent.service' } }), [/reload\.unit: \S+ is Locksmith itself/]);
  t.match(whys({ health: { argv: ['x'], tcp: 'h:1' } }), [/health: expected one of argv, http, tcp/]);
});

t.test('the time for the health is long enough for all looks', async (t) => {
  const health = (more: object) => whys({ health: { tcp: '127.0.0.1:9', ...more } });
  t.same(health({}), []);
  t.same(health({ times: 3, every_s: 5, within_s: 15 }), []);
  t.match(health({ times: 3, every_s: 5, within_s: 14 }), [
    /health\.within_s: 3 looks, 5 s apart, need up to 15 s, but only 14/,
  ]);
  t.match(health({ within_s: 4 }), [/need up to 5 s/]);
});

t.test('addresses', async (t) => {
  t.same(whys({ health: { http: 'http://127.0.0.1:9000/healthz' } }), []);
  t.match(whys({ health: { http: 'ftp://x' } }), [/health\.http: 'ftp:\/\/x' is not a URL/]);
  for (const tcp of ['127.0.0.1:9', 'name:65000', '[::1]:9']) t.same(whys({ health: { tcp } }), [], tcp);
  for (const tcp of ['127.0.0.1', ':9', 'h:0', 'h:x', '::1:9']) t.match(whys({ health: { tcp } }), [/host:port/], tcp);
});
