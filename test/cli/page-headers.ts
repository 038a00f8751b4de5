import t from 'tap';
import { pageHeaders } from '../../agent/cli/page-headers.ts';

t.test('nothing but its own style and script, and nothing is kept', async (t) => {
  const headers = pageHeaders();
  const policy = headers['content-security-policy'] ?? '';
  t.match(policy, /^default-src 'none'; style-src 'sha256-\S{44}'; script-src 'sha256-\S{44}'; connect-src 'self'/);
  for (const closed of ['base-uri', 'form-action', 'frame-ancestors']) t.match(policy, `${closed} 'none'`);
  t.notMatch(policy, /unsafe|\*|https?:/);
  t.match(headers, {
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
});
