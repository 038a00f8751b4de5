import t from 'tap';
import { parseTime, readBroker } from '../../agent/cli/fleet-options.ts';

t.test('a time is a duration from now, or RFC 3339', async (t) => {
  t.equal(parseTime('4h', 1000), 1000 + 4 * 3600);
  t.equal(parseTime('1500ms', 1000), 1002, 'never shorter than asked for');
  t.equal(parseTime('1970-01-01T01:00:00Z', 0), 3600);
  t.equal(parseTime('1970-01-01T01:00:00+01:00', 0), 0);
  for (const text of ['', '4', 'h', 'tomorrow', '2026-12-01', '2026-12-01T06:00:00', '2026-02-30T25:00:00Z']) {
    t.equal(parseTime(text, 0), null, text);
  }
});

t.test('the broker', async (t) => {
  const values = { root: 'fleet', protocol: '3.1.1' };
  const read = (change: object, env = {}) => readBroker('push', { ...values, ...change }, env);
  t.match(read({ broker: 'mqtts://h:1', 'tls-ca': 'ca', user: 'u', 'password-file': 'p', protocol: '5' }), {
    url: 'mqtts://h:1',
    protocol: '5',
    username: 'u',
    passwordFile: 'p',
    tls: { ca: 'ca', cert: null },
  });
  t.match(read({}, { LOCKSMITH_BROKER: 'mqtt://env' }), { url: 'mqtt://env' });
  t.match(read({ broker: 'mqtt://flag' }, { LOCKSMITH_BROKER: 'mqtt://env' }), { url: 'mqtt://flag' });
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{}, /which broker\?/],
    [{ broker: 'http://h' }, /--broker: expected mqtt/],
    [{ broker: 'mqtt://u:p@h' }, /--broker: expected mqtt/],
    [{ broker: 'mqtt://h:99999' }, /--broker: expected mqtt/],
    [{ broker: 'mqtt://h', root: 'a/b' }, /--root/],
    [{ broker: 'mqtt://h', protocol: '4' }, /--protocol/],
    [{ broker: 'mqtt://h', 'password-file': 'p' }, /needs --user/],
    [{ broker: 'mqtt://h', 'tls-ca': 'ca' }, /for mqtts/],
    [{ broker: 'mqtts://h', 'tls-key': 'k' }, /come together/],
  ];
  for (const [change, message] of wrong) t.throws(() => read(change), { exit: 2, message });
});
