import t from 'tap';
import { capabilitiesOf, unitFacts, writablePaths } from '../../agent/host/unit-facts.ts';
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

t.test('where a unit may write; systemctl does not print what has a blank in it', async (t) => {
  const before = process.env.PATH;
  t.teardown(() => {
    process.env.PATH = before;
  });
  const systemctl = fakeSystemctl(t, []);
  process.env.PATH = systemctl.path;
  const asked = (ReadWritePaths: string) => writablePaths('x-y.service', { ReadWritePaths });
  t.same(await writablePaths('x-y.service', {}), []);
  t.same(await asked('-/a -+/b /c'), ['/a', '/b', '/c']);
  systemctl.busSays('{"type":"as","data":["-/a b","/c"]}');
  t.same(await asked('[unprintable] /c'), ['/a b', '/c']);
  systemctl.busSays('{"type":"s","data":"x"}');
  t.equal(await asked('[unprintable]'), null);
  systemctl.busSays('Failed to connect to bus');
  t.equal(await asked('[unprintable]'), null);
});

t.test('capabilities of a process', async (t) => {
  t.type(capabilitiesOf(process.pid), 'bigint');
  t.equal(capabilitiesOf(2 ** 22 + 1), null);
});
