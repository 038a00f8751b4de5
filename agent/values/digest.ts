/**
 * The digest of a config from the digests of its files: one file, its own; several, the SHA-256 of what `sha256sum` prints for
 * the names in order, absent files left out.
 */
export function configDigest(
  files: readonly { readonly name: string; readonly digest: string | null }[],
  sha256: (text: string) => string,
): string {
  const only = files.length === 1 ? files[0] : undefined;
  if (only !== undefined && only.digest !== null) return only.digest;
  const lines = files
    .filter(({ digest }) => digest !== null)
    .map(({ name, digest }) => ({ name, hex: (digest ?? '').slice('sha256:'.length) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    // As sha256sum does it: a name with a backslash has it doubled, and its line begins with one.
    .map(({ name, hex }) =>
      name.includes('\\') ? `\\${hex}  ${name.replaceAll('\\', '\\\\')}\n` : `${hex}  ${name}\n`,
    );
  return `sha256:${sha256(lines.join(''))}`;
}
