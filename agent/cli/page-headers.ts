import { createHash } from 'node:crypto';
import { SCRIPT } from '../page/script.ts';
import { STYLE } from '../page/style.ts';

/** The one style and the one script of the page by their digests: the browser takes no other, and asks nobody else. */
function policy(): string {
  const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'",
    `style-src ${hash(STYLE)}`,
    `script-src ${hash(SCRIPT)}`,
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

/** What goes before every answer of the page. */
export function pageHeaders(): Readonly<Record<string, string>> {
  return {
    'content-security-policy': policy(),
    'cache-control': 'no-store',
    'cross-origin-resource-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
}
