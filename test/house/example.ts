import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { examineSettings } from '../../agent/settings.ts';

t.test('the settings that come with the package are right as they stand, but for who the device is', async (t) => {
  const path = join(import.meta.dirname, '..', '..', 'scripts', 'deb', 'agent.yaml.example');
  const text = readFileSync(path, 'utf8');
  t.match(text, /^ {2}id: \/etc\/machine-id /m);
  // A machine that has no id of its own yet is none to try this on.
  const reading = examineSettings(text.replace('id: /etc/machine-id', 'id: drone-7'), path);
  t.match(reading, { kind: 'settings', settings: { device: { id: 'drone-7' }, configs: { aim_lock_config: {} } } });
});
