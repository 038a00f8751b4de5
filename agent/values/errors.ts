/** How a code reads to a person: what happened, why it can happen, what to do. */
export interface CodeText {
  readonly meaning: string;
  readonly cause: string;
  readonly remedy: string;
}

/**
 * THE code table: every code a refusal or a failure can carry, on the wire, in the log and in the docs.
 * New ones may be added, none renamed.
 */
export const CODES = {
  malformed: {
    meaning: 'The document is not a well-formed signed document.',
    cause: 'It was cut short, edited by hand, or never made by `locksmith sign`.',
    remedy: 'Sign it again with `locksmith sign` and push the new document.',
  },
  'too-large': {
    meaning: 'The message is larger than 128 KiB, or the files to be fetched are larger than 8 MiB together.',
    cause: 'The files do not fit into one signed message, or into the memory of a small device.',
    remedy: 'Sign large files with `--url`, make them smaller, or split the config in the settings.',
  },
  'unknown-field': {
    meaning: 'The document has a field this version does not know.',
    cause: 'A typing error, or a sender newer than this agent.',
    remedy: 'Remove the field, or bring the agent up to date.',
  },
  'unsupported-format': {
    meaning: 'The document has a format version this agent does not read.',
    cause: 'The sender is newer than this agent.',
    remedy: 'Bring the agent up to date, or sign with `"v": 1`.',
  },
  'not-supported': {
    meaning: 'The document asks for something this agent cannot do yet.',
    cause: 'The feature is named in the format but not built in this version.',
    remedy: 'Leave the field out, or bring the agent up to date.',
  },
  'bad-type': {
    meaning: 'The document is signed as another kind of document.',
    cause: 'The `typ` in its header is not the one this topic or command takes.',
    remedy: 'Sign it as the kind it is: `locksmith-update+jwt` for an update.',
  },
  'bad-algorithm': {
    meaning: 'The document is not signed with Ed25519.',
    cause: 'Its header names another algorithm, or none.',
    remedy: 'Sign it with an Ed25519 key (`alg: EdDSA`).',
  },
  'unknown-key': {
    meaning: 'The device does not know the key that signed the document.',
    cause:
      'The key is not in `trust.keys` or not in the trust document in force, was revoked, or the header names the wrong key id.',
    remedy:
      'Look at `locksmith keys list FILE` on the device, FILE being what `trust.keys` names; sign with a key it knows, or have a trust document add the key.',
  },
  'bad-signature': {
    meaning: 'The signature does not fit the document.',
    cause: 'The document was changed after it was signed, or signed with another key of the same id.',
    remedy: 'Sign it again; if nobody changed it on purpose, look at who can write to the broker.',
  },
  'key-not-allowed': {
    meaning: 'The key is known but may not sign this.',
    cause: 'Its entry in `trust.keys` does not cover this address, config or kind of document.',
    remedy: 'Sign with a key that may, or widen what this key may sign.',
  },
  'no-root': {
    meaning: 'The trust document would leave the device without a root key that is valid.',
    cause: 'No key in it has the role `root`, or each is past its `exp` or before its `nbf`.',
    remedy: 'Compose it with at least one root key that is valid; the keys in force stay in force.',
  },
  'wrong-audience': {
    meaning: 'The document is meant for somebody else.',
    cause: 'Its `aud` is not the address it was published to, or not an address of this device.',
    remedy: 'Push it to the address it was signed for, or sign it for this one.',
  },
  'wrong-topic': {
    meaning: 'The document was published on the topic of another config or layer.',
    cause: 'Its `config` or `layer` is not the one in the topic.',
    remedy: 'Publish it with `locksmith push`, which picks the topic from the document.',
  },
  'not-managed': {
    meaning: 'This device does not manage the config.',
    cause: 'The config is not declared in the settings; a document cannot add one.',
    remedy: 'Declare the config under `configs` in the settings of the device, or push to fewer devices.',
  },
  incomplete: {
    meaning: 'The document does not list exactly the files of the config.',
    cause: 'A file of the config is missing from it, is listed twice, or is not one of its files.',
    remedy: 'Sign all files of the config together, once each, by their base names.',
  },
  'digest-mismatch': {
    meaning: 'The content of a file is not what its digest says.',
    cause: 'The document was put together wrongly.',
    remedy: 'Sign it again with `locksmith sign`.',
  },
  replayed: {
    meaning: 'The version is lower than one already seen for this address, config and layer.',
    cause: 'An old document was published again, by mistake or by somebody who kept it.',
    remedy: 'To go back, sign the old content with a higher version.',
  },
  'version-reused': {
    meaning: 'A different document with the same version was seen before.',
    cause: 'Two senders picked the same version, or somebody is trying something.',
    remedy: 'Sign it again with a higher version; find out who the other sender is.',
  },
  expired: {
    meaning: 'The time in which the document could be applied is over.',
    cause: 'Its `exp` (or the `until` of a shadow) has passed before it could take effect.',
    remedy: 'Push it again with a later time; see in `history` what it waited for.',
  },
  'from-future': {
    meaning: 'The document says it was signed in the future.',
    cause: 'The clock of the sender, or of this device, is wrong.',
    remedy: 'Set both clocks right and sign it again.',
  },
  'lock-mismatch': {
    meaning: 'The lock of the config is HOT, or its token or the digest on disk is not what the update expected.',
    cause: 'Somebody holds the lock, or the config has changed since the sender last looked.',
    remedy: 'See `locksmith locks NAME` for who holds it; a HOT update is applied by itself when the lock turns COLD.',
  },
  'known-bad': {
    meaning: 'This content failed on this device before.',
    cause: 'A check, reload or health probe failed with it.',
    remedy: 'Push other content, or the same with a higher version and `retry: true`.',
  },
  halted: {
    meaning: 'A halt is in force for this config or roll-out.',
    cause: 'The operator stopped changes.',
    remedy: 'Lift the halt, or use `--despite-halt --reason` on the device.',
  },
  'not-safe': {
    meaning: 'The vehicle is not shown to be safe.',
    cause: 'It is armed, in the air, or its state is unknown.',
    remedy: 'Land and disarm; the update is applied by itself afterwards.',
  },
  schema: {
    meaning: 'The content does not fit the schema of the config.',
    cause: 'A value is missing, misspelt or out of range, or the file cannot be parsed.',
    remedy: 'Correct the place that the reason names and push a higher version.',
  },
  'check-failed': {
    meaning: 'The check command of the config refused the new content.',
    cause: 'The program that reads the config would not accept it.',
    remedy: 'Read the output of the command in the report, correct the content, push a higher version.',
  },
  'reload-failed': {
    meaning: 'The program that reads the config could not be reloaded.',
    cause: 'Its reload command failed or took too long.',
    remedy: 'Look at the log of that program; the old content is back in place.',
  },
  'health-failed': {
    meaning: 'The health probe failed with the new content.',
    cause: 'The program that reads the config does not work with it.',
    remedy: 'Look at the log of that program; the old content is back in place.',
  },
  unconfirmed: {
    meaning: 'The change was not confirmed in time.',
    cause: 'The device did not reach its broker, or the fleet did not confirm.',
    remedy: 'See whether the change cut the device off; push a higher version to try again.',
  },
  inconsistent: {
    meaning: 'A rollback failed: what is on disk is neither the old nor the new content.',
    cause: 'The disk or a hook failed twice.',
    remedy: 'Run `locksmith doctor`, mend what it names, then `locksmith rollback NAME`.',
  },
  'unsafe-path': {
    meaning: 'The path of the file is not safe to write.',
    cause: 'A directory on it can be written by others, or it is a symlink, a hard link or no regular file.',
    remedy: 'Mend owner and mode of what the reason names; `locksmith check` shows all such places.',
  },
  'disk-full': {
    meaning: 'There is no space left on the disk.',
    cause: 'The file system of the config or of the state directory is full.',
    remedy: 'Free some space; the update is tried again by itself.',
  },
  'read-only': {
    meaning: 'The file system is read-only.',
    cause: 'It is mounted so, or the kernel made it so after an error.',
    remedy: 'Mount it read-write, and look at the kernel log for disk errors.',
  },
  'no-permission': {
    meaning: 'The agent may not write there.',
    cause: 'The user of the agent lacks the right, or the unit does not list the directory.',
    remedy: 'Give the agent the right; under systemd look at `ReadWritePaths`.',
  },
  io: {
    meaning: 'Reading or writing failed.',
    cause: 'The disk or the file system reports an error.',
    remedy: 'Look at the kernel log; the disk may be dying.',
  },
  'missing-directory': {
    meaning: 'The directory of the file does not exist.',
    cause: 'It was removed, or its file system is not mounted.',
    remedy: 'Create or mount it; the update is tried again by itself.',
  },
  'download-failed': {
    meaning: 'A file given by address could not be fetched.',
    cause: 'The server is away, or sent something else than was signed.',
    remedy: 'Look at the server and at the way to it; it is tried again by itself, and whenever the link comes back.',
  },
  'clock-untrusted': {
    meaning: 'The clock of the device cannot be trusted.',
    cause: 'It is earlier than times this device has already seen.',
    remedy: 'Let the device set its clock (GPS, NTP), then look at `locksmith status`.',
  },
  'no-such-update': {
    meaning: 'The command names an update that is not the one it would be about.',
    cause: 'Another one runs, or waits to be confirmed, by now; or none does.',
    remedy: 'Look at `reported` for what runs and what waits, and send the command for that.',
  },
  'too-many-moves': {
    meaning: 'The update was put in place 20 times within ten minutes without coming to rest.',
    cause:
      'Something keeps changing what should be in force, or the files: a clock that jumps, documents that take turns, a program that writes there too.',
    remedy:
      'Look at `history` for what took turns; push a higher version. One that had been applied before is put in place again when the ten minutes are over.',
  },
  'end-not-allowed': {
    meaning: 'The agent may not end the process that has the lock.',
    cause: 'It belongs to another user, and the unit as it comes does not give the agent CAP_KILL.',
    remedy:
      'As root on the device: `locksmith release NAME --end-holder`. To allow it from far away: `/usr/share/locksmith-agent/end-holder.conf`, which says how.',
  },
  interrupted: {
    meaning: 'The agent ended between taking a command and answering it.',
    cause: 'It was restarted, or the device lost power, just then.',
    remedy: 'Look whether it was carried out (`locksmith locks`, `locksmith log`); if not, send a new command.',
  },
} as const satisfies Record<string, CodeText>;

/** One of the codes in {@link CODES}. */
export type Code = keyof typeof CODES;

/** Which part of an expectation was not met by a `lock-mismatch`. */
export type Mismatch = 'hot' | 'token' | 'digest';

/** An update not taken, as a value. `final: false` means it stays pending and is tried again by itself. */
export interface Refusal {
  readonly kind: 'refusal';
  readonly code: Code;
  /** One line in plain words: what, where, why. */
  readonly reason: string;
  readonly final: boolean;
  readonly mismatch?: Mismatch;
}

/** Makes a final refusal. */
export function refuse(code: Code, reason: string): Refusal {
  return { kind: 'refusal', code, reason, final: true };
}

/** A failure of the outside world: which code, which operation, on which path, and whether trying again can help. */
export class Failure extends Error {
  override readonly name = 'Failure';
  readonly code: Code;
  readonly op: string;
  readonly path: string;
  /** True where the same call may succeed later without anybody changing the request. */
  readonly retry: boolean;
  constructor(code: Code, op: string, path: string, message: string, options: { retry: boolean; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.code = code;
    this.op = op;
    this.path = path;
    this.retry = options.retry;
  }
}

/** Exit codes of every command. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3, nothing: 4 } as const;

/** An error that is shown to the person at the terminal as one line and a `Try:` line, with an exit code. */
export class SaidError extends Error {
  override readonly name = 'SaidError';
  readonly exit: number;
  readonly remedy: string;
  constructor(exit: number, message: string, remedy: string) {
    super(message);
    this.exit = exit;
    this.remedy = remedy;
  }
}
