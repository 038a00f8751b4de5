import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { sha256 } from '../host/chance.ts';
import { tarGz } from '../host/tar.ts';
import { examineSettings, readText } from '../settings.ts';
import type { Settings } from '../settings-schema.ts';
import { EXIT, SaidError } from '../values/errors.ts';
import { redact } from '../values/redact.ts';
import { messageOf } from '../values/thrown.ts';
import { rfc3339 } from '../values/units.ts';
import { type Command, readArgs, SETTINGS_PATH } from './command.ts';
import { commandParts, configParts, type Part, settingsPart, systemParts } from './diag-parts.ts';
import { knownSecrets, secretsNamedIn } from './diag-secrets.ts';

const README = `A diagnostic bundle of Locksmith, made on the device itself.

settings.yaml        the settings, secrets taken out
status, locks, doctor, history, log, check, track
                     what these commands say: .txt for people, .json for machines
configs.json         every managed file: whose it is, its size and digest; its content is in contents/ where everybody on the
                     device may read it anyway, or where root asked for it (--contents)
track.gpx            the last flight, where there is one
system.json          kernel, memory, disks, network addresses, clock, locks of the kernel
systemd.txt, systemd-journal.txt, timedatectl.txt
                     what systemd says of the agent, its log and the clock, where there is a systemd
manifest.json        every file with its digest, and what could not be read and why

Left out on purpose: private keys, passwords, arguments named like a secret and the user part of addresses, environment and
arguments of every process, the agent's own memory (it holds contents), and the content of files that not everybody may read.
`;

/** The settings if they can be read; the bundle is made without them as well. */
function settingsOf(path: string): { readonly text: string | null; readonly settings: Settings | null } {
  try {
    const text = readText(path);
    const reading = examineSettings(text, path);
    return { text, settings: reading.kind === 'settings' ? reading.settings : null };
  } catch (error) {
    if (error instanceof SaidError) return { text: null, settings: null };
    throw error;
  }
}

/** Writes a new file that only its owner may read; nothing is left of one that could not be written whole. */
function writeNew(path: string, bytes: Uint8Array): void {
  try {
    const fd = openSync(path, 'wx', 0o600);
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    } catch (error) {
      rmSync(path, { force: true });
      throw error;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const why = messageOf(error);
    const remedy = /EEXIST/.test(why)
      ? 'another name; nothing is written over'
      : 'a directory you may write to, with room';
    throw new SaidError(/EEXIST/.test(why) ? EXIT.usage : EXIT.failed, `diag: ${path}: ${why}`, remedy);
  }
}

/** `locksmith diag`. */
export const command: Command = {
  help: `Usage: locksmith diag FILE [--contents] [--settings FILE]

Makes one bundle for support (tar.gz): settings, status, locks, history, log, what the doctor says, digests of the managed
files, facts of the system. Secrets are left out. Works with the daemon dead, without a network, and with settings that are wrong.
  --contents   also the content of managed files that not everybody may read (root)
Exit code: 0; 1 if FILE cannot be written, 2 if it exists already.

Example: locksmith diag /media/usb/drone-7.tar.gz`,
  async run(argv, terminal) {
    const options = {
      settings: { type: 'string', default: SETTINGS_PATH },
      contents: { type: 'boolean', default: false },
    } as const;
    const { values, positionals } = readArgs('diag', argv, options, { min: 1, max: 1, names: 'one FILE' });
    if (values.contents && process.getuid?.() !== 0) {
      throw new SaidError(EXIT.refused, 'diag: --contents is for root', 'without --contents, or as root');
    }
    const nowMs = Date.now();
    const { text, settings } = settingsOf(values.settings);
    const secrets = settings === null ? secretsNamedIn(text ?? '') : knownSecrets(settings);
    const troubles: string[] = [];
    const parts: Part[] = [{ name: 'README.txt', text: README }];
    if (text === null) troubles.push(`${values.settings}: cannot be read`);
    else parts.push(settingsPart(text, settings));
    parts.push(...(await commandParts(values.settings, Object.keys(settings?.configs ?? {}), troubles)));
    if (settings !== null) parts.push(...configParts(settings, values.contents, troubles));
    parts.push(...(await systemParts(settings, troubles)));

    const folder = `locksmith-${settings?.device.id ?? hostname()}`.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 60);
    const safe = parts.map((part) => ({ name: part.name, text: redact(part.text, secrets) }));
    const files = safe.map((part) => ({ name: part.name, sha256: sha256(part.text), characters: part.text.length }));
    const manifest = { made: rfc3339(nowMs), files, troubles: troubles.map((trouble) => redact(trouble, secrets)) };
    safe.push({ name: 'manifest.json', text: `${JSON.stringify(manifest, null, 2)}\n` });
    const encode = new TextEncoder();
    const entries = safe.map((part) => ({ name: `${folder}/${part.name}`, bytes: encode.encode(part.text) }));
    const path = positionals[0] ?? '';
    const bytes = tarGz(entries, nowMs);
    writeNew(path, bytes);
    terminal.out(`${path}: ${entries.length} files, ${Math.ceil(bytes.length / 1024)} KiB; secrets are left out\n`);
    for (const trouble of manifest.troubles) terminal.err(`not in it: ${trouble}\n`);
    if (troubles.length > 0 && process.getuid?.() !== 0) terminal.err('Root would add what only root may read.\n');
    return EXIT.done;
  },
};
