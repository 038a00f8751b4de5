// One row of docs/proof.md: what was found, where, and how to find it again.

/** Variables that change what a proof, or a bench it runs, finds: whoever repeats a row has to set them as they were. */
export const TELLING = [
  'BENCH_IDLE_S',
  'BENCH_ROUNDS',
  'BENCH_SECONDS',
  'BENCH_STARTS',
  'BESIDE_KILLS',
  'BESIDE_ROUNDS',
  'SCALE',
  'SWEEP_PATHS',
  'TMPDIR',
];

const quoted = (value) => (/^[\w./,:@%+-]+$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`);

/** The command that repeats a proof as it was run. */
export function commandOf(name, env, seed) {
  const set = TELLING.filter((variable) => env[variable] !== undefined);
  return [
    ...set.map((variable) => `${variable}=${quoted(env[variable])}`),
    `SEED=${seed}`,
    './scripts/proof',
    name,
  ].join(' ');
}

/** The row of a figure. A bar would end the cell, even in code. */
export function rowOf({ figure, amount, date, machine, command }) {
  return `| \`${figure}\` | ${amount} | ${date} | ${machine} | \`${command.replaceAll('|', '\\|')}\` |`;
}
