import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { command } from '../../agent/cli/check.ts';
import { unitFiles } from '../../agent/cli/unit-files.ts';
import { readSettings } from '../../agent/settings.ts';
import { runCommand } from '../fixtures/command.ts';
import { settingsWith } from '../fixtures/settings.ts';

const DROP_IN = '/etc/systemd/system/locksmith-agent.service.d/50-settings.conf';
const RECOVER_DROP_IN = '/etc/systemd/system/locksmith-recover.service.d/50-settings.conf';
const PAGE_DROP_IN = '/etc/systemd/system/locksmith-page.service.d/50-settings.conf';
const POLKIT_RULE = '/etc/polkit-1/rules.d/50-locksmith.rules';

/** Settings with one config of this file, and a root to fit. */
function device(owner: { teardown(fn: () => void): void }) {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-unit-'));
  owner.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const settings = join(dir, 'agent.yaml');
  const write = (path: string, more = '') =>
    writeFileSync(
      settings,
      `device: { id: d7 }
broker: { urls: ["mqtt://h"] }
trust: { keys: /etc/locksmith/keys.json }
configs:
  aim:
    files: [{ path: ${JSON.stringify(path)} }]
    ${more}
`,
    );
  write('/etc/aim/aim.conf');
  const files = (real = (path: string) => path) => unitFiles(readSettings(settings), settings, real);
  const root = join(dir, 'root');
  return { write, files, root, fit: () => runCommand(command, ['--unit', '--root', root, '--settings', settings]) };
}

t.test('the unit may write where the configs are, and nowhere else', async (t) => {
  const { files, write } = device(t);
  t.equal(
    files().get(DROP_IN)?.split('\n').slice(1).join('\n'),
    '[Service]\nReadWritePaths="-/etc/aim"\nReadWritePaths="-/run/locksmith"\nReadWritePaths="-/var/lib/locksmith"\n',
  );
  t.match(files().get(DROP_IN), /^# Written by `locksmith check --unit` from .*agent\.yaml\. Not to be edited/);
  const linked = files((path) => path.replace('/etc/aim', '/data/aim'));
  t.match(linked.get(DROP_IN), /"-\/data\/aim"/, 'where a symlink leads');
  write('/etc/my "aim" 100%/a.conf');
  t.match(files().get(DROP_IN), 'ReadWritePaths="-/etc/my \\"aim\\" 100%%"\n');
});

t.test('what the unit hides by default is seen where the settings name it', async (t) => {
  const { files, write } = device(t);
  const said = () =>
    files()
      .get(DROP_IN)
      ?.match(/Protect.*|Private.*/g) ?? [];
  t.strictSame(said(), []);
  write(['', 'home', 'pilot', 'aim.conf'].join('/'));
  t.strictSame(said(), ['ProtectHome=no']);
  write('/var/tmp/aim.conf');
  t.strictSame(said(), ['PrivateTmp=no']);
  write('/homestead/aim.conf');
  t.strictSame(said(), []);
});

t.test('polkit lets the agent handle exactly the units of the settings', async (t) => {
  const { files, write } = device(t);
  t.equal(files().get(POLKIT_RULE), null, 'none, no rule');
  write('/etc/aim/aim.conf', 'writers: [aim.service, b.timer, aim.service]');
  t.throws(files, 'twice is a mistake');
  write('/etc/aim/aim.conf', 'writers: [b.timer, aim.service]\n    reload: { unit: c.service }');
  const Polkit = { Result: { YES: 'yes', NOT_HANDLED: 'not handled' } };
  type Asked = { readonly id: string; lookup(key: string): string };
  type Rule = (action: Asked, subject: { readonly user: string }) => string;
  const rules: Rule[] = [];
  new Function('polkit', files().get(POLKIT_RULE) ?? '')({ ...Polkit, addRule: (rule: Rule) => void rules.push(rule) });
  const ask = (unit: string, verb: string, user = 'locksmith', id = 'org.freedesktop.systemd1.manage-units') =>
    rules[0]?.({ id, lookup: (key) => (key === 'unit' ? unit : verb) }, { user });
  t.equal(ask('aim.service', 'stop'), 'yes');
  t.equal(ask('b.timer', 'start'), 'yes');
  t.equal(ask('c.service', 'reload-or-restart'), 'yes', 'a consumer that is reloaded');
  t.equal(ask('ssh.service', 'stop'), 'not handled');
  t.equal(ask('aim.service', 'kill'), 'not handled');
  t.equal(ask('aim.service', 'stop', 'pilot'), 'not handled');
  t.equal(ask('aim.service', 'stop', 'locksmith', 'org.freedesktop.systemd1.reload-daemon'), 'not handled');
});

t.test('recovery may write in the same places, and goes before the services of the settings', async (t) => {
  const { files, write } = device(t);
  const sections = (path: string) => files().get(path)?.split('\n').slice(1).join('\n') ?? '';
  t.equal(sections(RECOVER_DROP_IN), sections(DROP_IN), 'nobody to go before');
  write('/etc/aim/aim.conf', 'writers: [b.timer, aim@1.service]\n    reload: { unit: c.service }');
  t.equal(
    sections(RECOVER_DROP_IN),
    `[Unit]\nBefore=aim@1.service\nBefore=b.timer\nBefore=c.service\n${sections(DROP_IN)}`,
  );
  t.notMatch(sections(DROP_IN), 'Before=');
});

t.test('the page sees what lies below /tmp where the settings name it, and is left alone otherwise', async (t) => {
  const { files, fit, root, write } = device(t);
  t.equal(files().get(PAGE_DROP_IN), null);
  write('/var/tmp/aim.conf');
  t.match(files().get(PAGE_DROP_IN), /^# Written by [^\n]*\n\[Service\]\nPrivateTmp=no\n$/);
  t.match(await fit(), { code: 0, out: `wrote     ${root}${PAGE_DROP_IN}\n` });
  write('/etc/aim/aim.conf');
  t.match(await fit(), { code: 0, out: `removed   ${root}${PAGE_DROP_IN}\n` });
  t.notMatch((await fit()).out, 'locksmith-page');
});

t.test('on an image: written once, removed when not needed, never half', async (t) => {
  const { fit, root, write } = device(t);
  write('/etc/aim/aim.conf', 'writers: [aim.service]');
  t.match(await fit(), {
    code: 0,
    err: '',
    out: `wrote     ${root}${DROP_IN}\nwrote     ${root}${RECOVER_DROP_IN}\nleft out  ${root}${POLKIT_RULE}\n`,
  });
  mkdirSync(join(root, 'etc/polkit-1/rules.d'), { recursive: true });
  t.match(await fit(), {
    code: 0,
    out: `as it was ${root}${DROP_IN}\nas it was ${root}${RECOVER_DROP_IN}\nwrote     ${root}${POLKIT_RULE}\n`,
  });
  t.match(readFileSync(`${root}${POLKIT_RULE}`, 'utf8'), '["aim.service"]');
  write('/etc/other/aim.conf');
  t.match(await fit(), {
    code: 0,
    out: `wrote     ${root}${DROP_IN}\nwrote     ${root}${RECOVER_DROP_IN}\nremoved   ${root}${POLKIT_RULE}\n`,
  });
  t.notOk(existsSync(`${root}${POLKIT_RULE}`));
  t.match(readFileSync(`${root}${DROP_IN}`, 'utf8'), '/etc/other');
  t.strictSame(readdirSync(join(root, 'etc/systemd/system/locksmith-agent.service.d')), ['50-settings.conf']);
});

t.test('what cannot be done is said in one line', async (t) => {
  const { fit, root, write } = device(t);
  writeFileSync(root, 'a file in the way');
  t.match(await fit(), { code: 1, err: /50-settings\.conf: cannot be written \(ENOTDIR\)\nTry: sudo locksmith check/ });
  write('relative.conf');
  t.match(await fit(), { code: 2, err: /agent\.yaml:6:/ });
  t.match(await runCommand(command, ['--root', root]), { code: 2, err: /--root goes with --unit/ });
});

t.test('a serial line to the autopilot is the one device the unit sees', async (t) => {
  const settings = (mavlink: object) => settingsWith({ vehicle: { mavlink: { system: 1, ...mavlink } } });
  const said = (mavlink: object) =>
    unitFiles(settings(mavlink), '/etc/locksmith/agent.yaml', (path) => path)
      .get(DROP_IN)
      ?.match(/(Device|Private|Supplementary|Protect).*/g) ?? [];
  t.strictSame(said({ listen: 'udp://127.0.0.1:14550' }), []);
  t.strictSame(said({ serial: '/dev/ttyAMA0' }), [
    'PrivateDevices=no',
    'DeviceAllow=/dev/ttyAMA0 rw',
    'SupplementaryGroups=dialout',
  ]);
  t.strictSame(said({ file: '/var/tmp/flight.tlog' }), ['PrivateTmp=no']);
  const home = ['', 'home', 'pilot', 'mavlink.key'].join('/');
  t.strictSame(said({ listen: 'udp://127.0.0.1:14550', signing_key: home }), ['ProtectHome=no']);
});
