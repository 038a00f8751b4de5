import t from 'tap';
import { whyNoFetchUrl } from '../../agent/values/fetch-url.ts';

t.test('https anywhere, http only to this very machine', async (t) => {
  const good = [
    'https://files.example/a/b.bin?x=1&y=%20',
    'https://10.0.0.1:8443/a',
    'http://127.0.0.1:8080/a',
    'http://127.9.9.9/a',
    'http://localhost/a',
    'http://[::1]:8080/a',
  ];
  for (const url of good) t.equal(whyNoFetchUrl(url), null, url);
  const bad: readonly (readonly [string, RegExp])[] = [
    ['http://files.example/a', /^expected https:\/\//],
    ['http://127.0.0.1.evil.example/a', /^expected https:\/\//],
    ['http://localhost.evil.example/a', /^expected https:\/\//],
    ['http://[::2]/a', /^expected https:\/\//],
    ['file:///etc/shadow', /^expected https:\/\//],
    ['data:,x', /^expected https:\/\//],
    ['/etc/shadow', /^expected an address/],
    ['', /^expected an address/],
    ['https://a b/', /^expected an address/],
    ['https://a/b\n', /^expected an address/],
    ['https://ä.example/', /^expected an address/],
    ['https://user@host/a', /^expected no user/],
    ['https://:secret@host/a', /^expected no user/],
    ['https://host/a#b', /^expected no #/],
    [`https://host/${'a'.repeat(2048)}`, /^longer than 2048/],
  ];
  for (const [url, why] of bad) t.match(whyNoFetchUrl(url), why, url.slice(0, 60));
});
