import type { PageData } from './data.ts';
import { html, type Markup } from './html.ts';
import { nowSection } from './now.ts';
import { SCRIPT } from './script.ts';
import { historySection, logSection, pictureSection } from './stories.ts';
import { STYLE } from './style.ts';

/** The part of the page that is asked for anew. */
export function pagePart(data: PageData): Markup {
  return html`${nowSection(data)}${pictureSection(data)}${historySection(data)}${logSection(data)}`;
}

/** The whole page: one document that asks nobody else for anything. */
export function pageDocument(data: PageData): Markup {
  const { device, clock } = data.status;
  const opened = `${clock.now.slice(0, 19).replace('T', ' ')} UTC`;
  const raw = (text: string): Markup => ({ markup: text });
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${device}: Locksmith</title><link rel="icon" href="data:,"><style>${raw(STYLE)}</style></head>
<body><header><div><h1>${device}</h1><span class="soft">opened ${opened}</span>
<span id="stale" class="pill bad">no answer from the device</span></div></header>
<main>${pagePart(data)}</main><script>${raw(SCRIPT)}</script></body></html>
`;
}
