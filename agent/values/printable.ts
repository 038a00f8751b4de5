/** A text from outside made fit for a log or a terminal: printable ASCII, cut at `max` characters. */
export function printable(text: string, max: number): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return cut.replace(/[^\x20-\x7e…]/g, '?');
}

/** A text from outside without what could move a cursor or turn writing around; other languages stay. Cut at `max` characters. */
export function harmless(text: string, max: number): string {
  const cut = text.length > max ? `${text.slice(0, max)}…` : text;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, '?');
}
