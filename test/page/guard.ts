import t from 'tap';
import { decide } from '../../agent/page/guard.ts';

const ASKED = { method: 'GET', url: '/', host: '127.0.0.1:8631', site: null };

t.test('what is there', async (t) => {
  for (const [url, kind] of [
    ['/', 'page'],
    ['/?x', 'page'],
    ['/part', 'part'],
    ['/status.json', 'status'],
    ['/metrics', 'metrics'],
    ['/flight.gpx', 'gpx'],
  ] as const)
    t.same(decide({ ...ASKED, url }, false), { kind }, url);
  t.same(decide({ ...ASKED, url: '/diff?config=aim&version=3' }, false), { kind: 'diff', config: 'aim', version: '3' });
  for (const url of ['/x', '/../etc/passwd', 'http://[']) t.match(decide({ ...ASKED, url }, false), { kind: 'no' });
});

t.test('another name that leads here gets nothing, nor does the page of another site', async (t) => {
  for (const host of ['localhost', 'LOCALHOST:8631', '127.0.0.1', '[::1]:8631'])
    t.match(decide({ ...ASKED, host }, false), { kind: 'page' }, host);
  for (const host of ['evil.example', 'evil.example:8631', '127.0.0.1.evil.example', '10.0.0.7:8631', '', null])
    t.match(decide({ ...ASKED, host }, false), { kind: 'no', status: 421 }, String(host));
  t.match(decide({ ...ASKED, host: null }, true), { kind: 'page' }, 'a unix socket has no name');
  for (const site of ['cross-site', 'same-site']) t.match(decide({ ...ASKED, site }, false), { status: 403 }, site);
  for (const site of ['same-origin', 'none']) t.match(decide({ ...ASKED, site }, false), { kind: 'page' }, site);
});

t.test('it only shows', async (t) => {
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE'])
    t.match(decide({ ...ASKED, method }, false), { kind: 'no', status: 405 }, method);
  t.match(decide({ ...ASKED, method: 'HEAD' }, false), { kind: 'page' });
});
