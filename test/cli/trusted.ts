import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import { hostFiles } from '../../agent/host/files.ts';
import { keepTrust } from '../../agent/trust/kept.ts';
import { loneDevice } from '../fixtures/lone-device.ts';
import { opensslKey } from '../fixtures/openssl.ts';
import { entry, trustDocument } from '../fixtures/trust.ts';

t.test('whose signatures count is said with the trust document in force', { timeout: 180_000 }, async (t) => {
  const device = loneDevice(t);
  const root = opensslKey(join(device.dir, 'root'), 'root');
  const seed = { keys: [entry(root, 'root'), { ...entry(device.key), may: { end_holder: true } }] };
  writeFileSync(join(device.dir, 'keys.json'), JSON.stringify(seed));
  const { kid } = device.key;
  const seen = async () => {
    const [check, doctor, status] = await Promise.all([
      device.locksmith(['check']),
      device.locksmith(['doctor', 'keys']),
      device.locksmith(['status', '--json']),
    ]);
    return { check: check.stdout, doctor: doctor.stdout, status: JSON.parse(status.stdout) };
  };
  t.match(await seen(), {
    check: new RegExp(`keys ${root.kid} ${kid}\n$`),
    doctor: new RegExp(`2 known: ${root.kid}, ${kid}$`, 'm'),
    status: { trust_version: null },
  });

  t.strictSame(JSON.parse((await device.locksmith(['check', '--json'])).stdout).end_holder, [kid]);

  const text = trustDocument({ v: 1, version: 7, keys: [entry(root, 'root')] }, [root]);
  await keepTrust(hostFiles(), sha256, device.state, { text, seed: '' });
  t.match(await seen(), {
    check: new RegExp(`keys ${root.kid} \\(by trust document version 7\\)\n$`),
    doctor: new RegExp(`1 known: ${root.kid} \\(by trust document version 7\\)$`, 'm'),
    status: { trust_version: 7 },
  });
  t.match(JSON.parse((await device.locksmith(['check', '--json'])).stdout), { trust: 7, end_holder: [] });
  t.match((await device.locksmith(['status'])).stdout, /^keys {5}those of trust document version 7$/m);
});
