/** Where the files of one lock are. */
export interface LockPaths {
  /** `<run>/locks/NAME`: 0755, so that nobody but the agent can replace a file in it. */
  readonly dir: string;
  readonly guard: string;
  readonly sidecar: string;
  readonly record: string;
  /** The control surface: plain files to `cat`. */
  readonly bit: string;
  readonly state: string;
  readonly verdict: string;
  readonly holder: string;
  readonly since: string;
  readonly token: string;
  readonly refusals: string;
  /** `<state>/locks/NAME.token`: no token above it was ever given. */
  readonly ceiling: string;
}

/** The files of the lock of a config, below the run and the state directory. */
export function lockPaths(runDir: string, stateDir: string, config: string): LockPaths {
  const dir = `${runDir}/locks/${config}`;
  return {
    dir,
    guard: `${dir}/guard`,
    sidecar: `${dir}/lock`,
    record: `${dir}/record.json`,
    bit: `${dir}/conf_locked`,
    state: `${dir}/state`,
    verdict: `${dir}/verdict`,
    holder: `${dir}/holder`,
    since: `${dir}/since`,
    token: `${dir}/token`,
    refusals: `${dir}/refusals`,
    ceiling: `${stateDir}/locks/${config}.token`,
  };
}
