/** Longest address of a file. Source: what servers and proxies take. */
const URL_MAX_CHARS = 2048;

/** This very machine: what goes there is on no network. */
function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Why a text is no address a file can be fetched from; null if it is one: https, or http to this very machine. */
export function whyNoFetchUrl(text: string): string | null {
  if (text.length > URL_MAX_CHARS) return `longer than ${URL_MAX_CHARS} characters`;
  // URL parsers remove spaces and line ends; what is signed is what is asked for.
  if (!/^[\x21-\x7e]+$/.test(text) || !URL.canParse(text)) return 'expected an address like https://host/file';
  const { protocol, hostname, username, password, hash } = new URL(text);
  if (username !== '' || password !== '') return 'expected no user or password: what is in an update is not secret';
  if (hash !== '') return 'expected no # in it';
  if (protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname))) return null;
  return 'expected https:// (http:// only to 127.0.0.1, ::1 or localhost)';
}
