/** A piece of a page, ready to be sent. */
export interface Markup {
  readonly markup: string;
}

/** What can stand in a page: text is escaped, markup is not. */
export type Content = string | number | null | Markup | readonly Markup[];

const SIGNS: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Makes a text harmless inside an element or a quoted attribute. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => SIGNS[sign] ?? '');
}

function flat(content: Content): string {
  if (content === null) return '';
  if (typeof content === 'string' || typeof content === 'number') return escapeHtml(String(content));
  return 'markup' in content ? content.markup : content.map(({ markup }) => markup).join('');
}

/** Markup with everything put in escaped: html`<p>${text}</p>`. */
export function html(parts: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  const pieces = parts.map((part, index) => part + (index < contents.length ? flat(contents[index] ?? null) : ''));
  return { markup: pieces.join('') };
}
