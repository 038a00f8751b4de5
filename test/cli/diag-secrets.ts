import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { knownSecrets } from '../../agent/cli/diag-secrets.ts';
import { readSettings } from '../../agent/settings.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

t.test('the password, the lines of the key, what stands in an address', async (t) => {
  const device = loneDevice(t);
  const [password, key] = [join(device.dir, 'password'), join(device.dir, 'key.pem')];
  writeFileSync(password, 'hunter2\r\n');
  writeFileSync(key, '-----BEGIN PRIVATE KEY-----\nMC4CAQ\nabc\n-----END PRIVATE KEY-----\n');
  const settings = readSettings(device.settings);
  const broker = {
    ...settings.broker,
    urls: ['mqtt://jo:s3cret@h', 'mqtt://h'],
    password_file: password,
    tls: { key },
  };
  t.same(knownSecrets({ ...settings, broker }), ['hunter2', 'MC4CAQ', 'abc', 'jo:s3cret', 's3cret']);
  t.same(knownSecrets({ ...settings, broker: { ...broker, password_file: '/nowhere', tls: {}, urls: [] } }), []);
});
