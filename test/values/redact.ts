import t from 'tap';
import { redact } from '../../agent/values/redact.ts';

t.test('what has the shape of a secret goes, wherever it stands', async (t) => {
  for (const [text, safe] of [
    ['urls: ["mqtts://jo:hunter2@broker:8883"]', 'urls: ["mqtts://***@broker:8883"]'],
    ['http://tok3n@host/x', 'http://***@host/x'],
    ['password: hunter2', 'password: ***'],
    ['{"password":"hunter 2","x":1}', '{"password":***,"x":1}'],
    ['mqtt_password = hunter2', 'mqtt_password = ***'],
    ["api-key='hunter2'", 'api-key=***'],
    ['Authorization: Bearer abc.def', 'Authorization: ***'],
    ['{"kty":"OKP","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}', '{"kty":"OKP","d":"***"}'],
    ['a\n-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----\nb', 'a\n(private key: ***)\nb'],
    ['argv: [aim-check, --token, hunter2, --strict]', 'argv: [aim-check, --token, ***, --strict]'],
    ['argv:\n  - --api-token\n  - hunter2\n  - x', 'argv:\n  - --api-token\n  - ***\n  - x'],
    ['["--auth-token",\n "hunter 2"]', '["--auth-token",\n ***]'],
    ['sh -c "aim --secret=hunter2 -v"', 'sh -c "aim --secret=*** -v"'],
    ['http://127.0.0.1/health?x=1&token=hunter2&y=1', 'http://127.0.0.1/health?x=1&token=***&y=1'],
    ['AUTH_TOKEN=hunter2', 'AUTH_TOKEN=***'],
    ['-----BEGIN PRIVATE KEY-----\nMHc cut short', '(private key: ***)'],
  ])
    t.equal(redact(text ?? ''), safe);
});

t.test('what a support needs stays', async (t) => {
  for (const text of [
    'password_file: /etc/locksmith/password',
    'locksmith release aim --token 17 --reason x',
    'locksmith push --password-file /etc/p',
    'http://127.0.0.1/health?monkey=1',
    'lock: token 17, token: 17, "token":17',
    'the broker refuses the user name or password',
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    'mqtts://broker:8883 mail jo@example',
    '{"d":"short"}',
  ])
    t.equal(redact(text), text);
});

t.test('secrets that are known go as they are, the longest first; too short ones would blot out words', async (t) => {
  t.equal(redact('x hunter22 y hunter2 z', ['hunter2', 'hunter22']), 'x *** y *** z');
  t.equal(redact('a cat', ['a', '']), 'a cat');
});

t.test('a secret is found however it is spelt: in JSON, in an address', async (t) => {
  const secret = 'hun"ter\\2 é';
  const text = [secret, JSON.stringify({ said: `login with ${secret} failed` }), encodeURIComponent(secret)].join('\n');
  t.equal(redact(text, [secret]), '***\n{"said":"login with *** failed"}\n***');
});
