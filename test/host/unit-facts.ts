import t from 'tap';
import { capabilitiesOf, unitFacts } from '../../agent/host/unit-facts.ts';
import { fakeSystemctl } from '../fixtures/fake-systemctl.ts';

t.test('what systemd says, or null', async (t) => {
  const before = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = before;
  });
  const systemctl = fakeSystemctl(t, []);
  process.env.PATH = systemctl.path;
  t.equal(await unitFacts('x.service'), null, 'it has no answer');
  systemctl.shows({ ActiveState: 'active', ReadWritePaths: '/a=b /c' });
  t.same(await unitFacts('x.service'), { ActiveState: 'active', ReadWritePaths: '/a=b /c' });
  process.env.PATH = '/nowhere';
  t.equal(await unitFacts('x.service'), null, 'there is none');
});

t.test('capabilities of a process', async (t) => {
  t.type(capabilitiesOf(process.pid), 'bigint');
  t.equal(capabilitiesOf(2 ** 22 + 1), null);
});
