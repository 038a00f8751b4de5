/** A measured value, in the form in which docs/proof.md takes it up. `name` and `unit` have no space in them. */
export function figure(name: string, value: number | string, unit: string): void {
  console.log(`# FIGURE ${name} ${value} ${unit}`);
}

/** Two values of one run and their ratio beside the goal: up to 1.5 times the goal it is missed, beyond that it is a defect. */
export function ratio(name: string, what: string, ours: number, theirs: number, goal: number): void {
  const value = ours / theirs;
  const verdict = value <= goal ? 'within the goal' : value <= goal * 1.5 ? 'above the goal' : 'a defect';
  console.log(
    `RATIO ${what}: ${ours.toFixed(2)} / ${theirs.toFixed(2)} = ${value.toFixed(2)} (goal ${goal}: ${verdict})`,
  );
  figure(name, value.toFixed(2), 'x');
}
