/** What `make` gives of some parts: made anew only when one of them is not the very one it was. */
export function whileSame<P extends readonly unknown[], T>(parts: () => P, make: (parts: P) => T): () => T {
  let known: { readonly of: P; readonly value: T } | null = null;
  return () => {
    const now = parts();
    if (known === null || now.length !== known.of.length || now.some((part, i) => !Object.is(part, known?.of[i]))) {
      known = { of: now, value: make(now) };
    }
    return known.value;
  };
}
