import { sha256 } from '../host/chance.ts';
import { isForEverybody } from '../host/everybody.ts';
import { hostFiles } from '../host/files.ts';
import { replayJournal } from '../host/journal.ts';
import { lineHunks } from '../host/line-diff.ts';
import { hostTargets } from '../host/targets.ts';
import { readSettings } from '../settings.ts';
import type { ConfigSettings, Settings } from '../settings-schema.ts';
import { readContents } from '../update/commit.ts';
import { differences, type FileDifference, type FileFacts } from '../update/difference.ts';
import { type Keeper, openKeeper } from '../update/keep.ts';
import { createLedger, type Ledger } from '../update/ledger.ts';
import { type Change, changesBy, lastChange, runningSide, type Side } from '../update/sides.ts';
import { withFiles } from '../update/stage.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { hunkHead } from '../values/hunks.ts';
import { paint, type Style } from '../values/layout.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';
import { knownConfig } from './lock-room.ts';

/** What is on disk now, and which of its files everybody may read. */
interface Disk {
  readonly side: Side;
  readonly readable: ReadonlySet<string>;
}

function readDisk(settings: ConfigSettings): Promise<Disk> {
  return withFiles(hostTargets(), settings, async (open) => {
    const { digest, contents } = readContents(open, sha256);
    const readable = open.filter((file) => isForEverybody(file.settings.path));
    return {
      side: { title: 'on disk now', at: null, digest, contents: () => contents },
      readable: new Set(readable.map(({ name }) => name)),
    };
  });
}

/** The two sides a person asked for. */
function choose(name: string, versions: readonly string[], disk: Side, ledger: Ledger, keeper: Keeper): Change {
  const [first, second] = versions;
  const remedy = `locksmith history ${name}`;
  const nothing = (what: string) => new SaidError(EXIT.nothing, `diff: ${what}`, remedy);
  const changeBy = (text: string): Change => {
    if (!/^\d{1,15}$/.test(text)) {
      throw new SaidError(EXIT.usage, `diff: expected a version, found '${text}'`, 'locksmith diff --help');
    }
    // Of several documents with one version the one that came last is the one people talk of.
    const change = changesBy(ledger, keeper, name, Number(text)).at(-1);
    if (change === undefined) throw nothing(`no content of ${name} version ${text} is kept`);
    return change;
  };
  if (first !== undefined && second !== undefined) {
    const after = second === 'disk' ? disk : changeBy(second).after;
    return { before: changeBy(first).after, after };
  }
  if (first !== undefined) {
    const change = changeBy(first);
    return change.before === null ? { before: change.after, after: disk } : change;
  }
  const running = runningSide(ledger, keeper, name);
  if (running === null) throw nothing(`${name} is as it was before Locksmith`);
  if (running.digest !== disk.digest) return { before: running, after: disk };
  return lastChange(ledger, keeper, name) ?? { before: running, after: disk };
}

function sayFacts(facts: FileFacts | null): string {
  return facts === null ? 'absent' : `${facts.digest} (${facts.bytes} bytes)`;
}

const WHY = {
  binary: 'not text',
  hidden: 'not everybody may read this file, so its lines are shown to root only',
  large: 'almost every line differs',
} as const;
const LINE_STYLE: Readonly<Record<string, Style>> = { '-': 'red', '+': 'green', '\\': 'dim' };

/** Shows what could move a cursor or turn writing around as what it is; a tab stays. */
function visible(line: string): string {
  return line.replace(/[^\P{Cc}\t]|[\p{Cf}\p{Cs}\u2028\u2029]/gu, (char) => {
    const code = (char.codePointAt(0) ?? 0).toString(16);
    return char === '\r' ? '\\r' : `\\u{${code}}`;
  });
}

function sayFile({ name, before, after, shown }: FileDifference, change: Change, colour: boolean): string {
  const head = (sign: string, facts: FileFacts | null, side: Side | null) => {
    const when = side?.at == null ? '' : `, ${side.at.slice(0, 19).replace('T', ' ')} UTC`;
    return paint(colour, 'bold', `${sign} ${facts === null ? '/dev/null' : name}\t${side?.title}${when}`);
  };
  const lines = [head('---', before, change.before), head('+++', after, change.after)];
  if (shown.kind === 'lines') {
    for (const hunk of shown.hunks) {
      lines.push(paint(colour, 'dim', hunkHead(hunk)));
      for (const line of hunk.lines) {
        const style = LINE_STYLE[line[0] ?? ''];
        lines.push(style === undefined ? visible(line) : paint(colour, style, visible(line)));
      }
    }
  } else lines.push(`${sayFacts(before)} → ${sayFacts(after)}: ${WHY[shown.kind]}`);
  return `${lines.join('\n')}\n`;
}

/** Compares the two sides a person asked for; `isRoot`: lines of every file may be shown. Throws {@link SaidError}. */
async function compare(settings: Settings, name: string, versions: readonly string[], isRoot: boolean) {
  const config = settings.configs[name];
  if (config === undefined) throw new Error(`config ${name} is known and is not there`);
  const files = hostFiles();
  const ledger = createLedger((one) => settings.configs[one]?.generations);
  replayJournal(files, sha256, `${settings.paths.state}/journal`, [ledger]);
  const keeper = openKeeper(files, sha256, `${settings.paths.state}/kept`);
  const disk = await readDisk(config);
  const change = choose(name, versions, disk.side, ledger, keeper);
  const mayShow = (file: string) => isRoot || disk.readable.has(file);
  const { before, after } = change;
  const found = differences(before?.contents() ?? [], after.contents(), { sha256, hunks: lineHunks, mayShow });
  return { change, found };
}

/** What a version changed, as text for whoever is not known: lines only of files that everybody may read. Throws {@link SaidError}. */
export async function diffForAnybody(settings: Settings, given: string, version: string): Promise<string> {
  const name = knownConfig('diff', settings, 'the settings', given);
  const { change, found } = await compare(settings, name, [version], false);
  if (found.length === 0) return 'no difference';
  return found.map((file) => sayFile(file, change, false)).join('');
}

/** `locksmith diff`. */
export const command: Command = {
  help: `Usage: locksmith diff NAME [VERSION [VERSION|disk]] [--settings FILE] [--json]

What changed in config NAME. Without a version: what was edited by hand since Locksmith put it there; if nothing was, what the
update that runs has changed. With one: what that version changed, or would change while it waits; 0 is what was there before
Locksmith. With two: from the first to the second, or to what is on disk. Works with the daemon dead.
Lines are shown of files that everybody may read, and to root; of others, and of what is not text, digest and size.
Exit code: 0 something differs, 4 nothing does, or no such content is kept.

Example: locksmith diff aim_lock_config 42`,
  async run(argv, terminal) {
    const { values, positionals } = readArgs(
      'diff',
      argv,
      { settings: { type: 'string', default: SETTINGS_PATH }, json: { type: 'boolean', default: false } },
      { min: 1, max: 3, names: 'a NAME and at most two versions' },
    );
    const settings = readSettings(values.settings);
    const [given = '', ...versions] = positionals;
    const name = knownConfig('diff', settings, values.settings, given);
    const { change, found } = await compare(settings, name, versions, process.geteuid?.() === 0);
    const { before, after } = change;
    if (values.json) {
      const side = (of: Side | null) => of && { what: of.title, at: of.at, digest: of.digest };
      terminal.out(`${JSON.stringify({ config: name, before: side(before), after: side(after), files: found })}\n`);
    } else for (const file of found) terminal.out(sayFile(file, change, terminal.colour));
    if (found.length === 0) terminal.err(`no difference: ${before?.title ?? 'nothing'} → ${after.title}\n`);
    return found.length === 0 ? EXIT.nothing : EXIT.done;
  },
};
