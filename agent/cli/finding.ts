/** How a thing stands: `unknown` where only root could look. */
export type Health = 'ok' | 'unknown' | 'warning' | 'bad';

/** One thing a check found. */
export interface Remark {
  readonly health: Health;
  readonly words: string;
  /** What to do; null where nothing is to be done. */
  readonly remedy: string | null;
}

/** What a named check found: as bad as the worst of its remarks. */
export interface Finding {
  readonly name: string;
  readonly health: Health;
  readonly remarks: readonly Remark[];
}

const SEVERITY: readonly Health[] = ['ok', 'unknown', 'warning', 'bad'];

/** The worst of several; `ok` for none. */
export function worst(healths: readonly Health[]): Health {
  return healths.reduce<Health>((a, b) => (SEVERITY.indexOf(b) > SEVERITY.indexOf(a) ? b : a), 'ok');
}

/** Makes a finding of its remarks; what is fine is not said beside what is not. */
export function finding(name: string, remarks: readonly Remark[]): Finding {
  const health = worst(remarks.map((remark) => remark.health));
  const shown = health === 'ok' ? remarks : remarks.filter((remark) => remark.health !== 'ok');
  return { name, health, remarks: shown };
}

/** A remark that all is well. */
export function fine(words: string): Remark {
  return { health: 'ok', words, remedy: null };
}
