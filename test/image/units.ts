import { readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import { makeAuthority } from '../fixtures/certs.ts';
import { withoutImages } from '../fixtures/image/debian.ts';
import { installedMachine, pushLine, settingsWithConfigs, settle } from '../fixtures/image/installed.ts';

const NODE = '/usr/lib/locksmith-agent/node';
const DROP_INS = '/etc/systemd/system/locksmith-agent.service.d';
/** So many that a kill finds the set half renamed. */
const FILES = Array.from({ length: 200 }, (_, index) => `part-${String(index).padStart(3, '0')}.conf`);
const CONFIGS = `  aim:
    files: [${FILES.map((name) => `{ path: /etc/aim/${name} }`).join(', ')}]
    writers: [aim.service]
`;
/** What is on disk, each content once. */
const CONTENTS = 'cat /etc/aim/*.conf | sort -u';
/** Writes down what it finds when it starts. */
const CONSUMER = `[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c '${CONTENTS} > /srv/seen'
`;
/** What a boot does, without the boot: everything in one go. */
const AGAIN = `[Unit]
Wants=aim.service locksmith-recover.service locksmith-agent.service
`;
/**
 * Sends the agent a signal as soon as the first file is new; then writes down what the last one was. No program is started between a
 * look and the signal.
 */
const KILLER = `pid=$1
while read -r content < /etc/aim/${FILES[0]} && [ "$content" = old ]; do :; done
kill "-$2" "$pid"
read -r content < /etc/aim/${FILES.at(-1)}
echo "$content" > /srv/last
`;

const ONE_FILE = `  aim:
    files: [{ path: /etc/aim/aim.conf }]
`;
const SECRET = '/run/credentials/locksmith-agent.service';
const SECRET_SETTINGS = `device: { id: drone-7 }
broker:
  urls: ["mqtts://127.0.0.1:8883"]
  username: drone-7
  password_file: ${SECRET}/broker-password
  tls: { ca: /etc/locksmith/ca.pem, cert: /etc/locksmith/device.pem, key: ${SECRET}/device-key }
trust: { keys: /etc/locksmith/keys.json }
configs:
${ONE_FILE}`;
const CREDENTIALS = `[Service]
LoadCredential=broker-password:/etc/secrets/password
LoadCredential=device-key:/etc/secrets/device.key
`;
const TLS_BROKER = `per_listener_settings true
listener 1883 127.0.0.1
allow_anonymous true
listener 8883 127.0.0.1
cafile /etc/broker/ca.pem
certfile /etc/broker/cert.pem
keyfile /etc/broker/key.pem
require_certificate true
allow_anonymous false
password_file /etc/broker/passwords
`;

t.test('what the package does around the agent', { skip: withoutImages() }, async (t) => {
  const machine = await installedMachine(t);
  const { must, sh, put, comesTo } = machine;
  /** Each step stands on the one before. */
  const step = async (name: string, run: (t: Test) => Promise<void>) => {
    if (t.passing()) await t.test(name, run);
  };

  await step('a set left half new is whole before its consumer starts', async (t) => {
    for (const name of FILES) {
      put(`/etc/aim/${name}`, 'old\n');
      put(`/srv/old/${name}`, 'old\n');
      put(`/srv/new/${name}`, 'new\n');
    }
    put('/etc/systemd/system/aim.service', CONSUMER);
    put('/etc/systemd/system/again.target', AGAIN);
    put('/srv/killer', KILLER);
    // What has been killed is left as it is.
    put(`${DROP_INS}/10-test.conf`, '[Service]\nRestart=no\n');
    await must('systemctl daemon-reload');
    await settle(machine, settingsWithConfigs(CONFIGS));
    t.equal(await must('systemctl is-enabled locksmith-recover'), 'enabled');

    const half = async (attempt: number): Promise<void> => {
      const pid = await must('systemctl show -P MainPID locksmith-agent');
      await sh(`sh /srv/killer ${pid} KILL & ${pushLine('aim', '/srv/new/*.conf', '')}; wait`);
      await comesTo(/^(failed|inactive)$/m, 'systemctl is-active locksmith-agent');
      if ((await must(CONTENTS)) === 'new\nold') return;
      if (attempt === 10) throw new Error('not once half new');
      await must('systemctl start locksmith-agent');
      await must(pushLine('aim', '/srv/old/*.conf'));
      await half(attempt + 1);
    };
    await half(1);
    await must('systemctl start again.target');
    t.equal(await must('cat /srv/seen'), 'new', 'the consumer saw one set');
    t.equal(await must('systemctl show -P Result locksmith-recover'), 'success');
    t.match(await must('journalctl -o cat -u locksmith-recover'), 'completed: all its files are new');
    await comesTo('connected and subscribed', 'systemctl show -P StatusText locksmith-agent');

    // Asked to end just then, the agent ends the step it is in.
    const asked = async (attempt: number): Promise<void> => {
      await must(pushLine('aim', '/srv/old/*.conf'));
      const pid = await must('systemctl show -P MainPID locksmith-agent');
      await sh(`sh /srv/killer ${pid} TERM & ${pushLine('aim', '/srv/new/*.conf', '')}; wait`);
      await comesTo(/^inactive$/m, 'systemctl is-active locksmith-agent');
      if ((await must('cat /srv/last')) === 'old') return;
      if (attempt === 10) throw new Error('not once half new when it was asked to end');
      await must('systemctl start locksmith-agent');
      await asked(attempt + 1);
    };
    await asked(1);
    t.equal(await must(CONTENTS), 'new');
    t.equal(await must('systemctl show -P Result locksmith-agent'), 'success');
    t.equal(await must('cat /run/locksmith/locks/aim/state'), 'COLD');
    t.equal(await must("find /etc/aim /var/lib/locksmith /run/locksmith -name '*.locksmith' -o -name '*.tmp'"), '');
    await must('systemctl start locksmith-agent');

    // With nothing to do it is as content.
    await must(`rm ${DROP_INS}/10-test.conf; systemctl daemon-reload`);
    await must('systemctl stop locksmith-agent; systemctl restart locksmith-recover; systemctl start locksmith-agent');
    t.match(await must('journalctl -o cat -u locksmith-recover'), 'nothing was cut off');
    t.equal(await must('systemctl is-active locksmith-recover'), 'active');
  });

  await step('secrets that only root can read come to the agent as credentials', async (t) => {
    const authority = makeAuthority();
    const hand = (path: string, from: string, mode = 0o644) => put(path, readFileSync(from, 'utf8'), mode);
    const broker = authority.issue({ commonName: 'broker', names: 'IP:127.0.0.1' });
    const device = authority.issue({ commonName: 'drone-7' });
    hand('/etc/broker/ca.pem', authority.ca);
    hand('/etc/broker/cert.pem', broker.cert);
    hand('/etc/broker/key.pem', broker.key);
    put('/etc/mosquitto/conf.d/tls.conf', TLS_BROKER);
    hand('/etc/locksmith/ca.pem', authority.ca);
    hand('/etc/locksmith/device.pem', device.cert);
    hand('/etc/secrets/device.key', device.key, 0o600);
    put('/etc/secrets/password', 'hunter2', 0o600);
    put(`${DROP_INS}/secrets.conf`, CREDENTIALS);
    put('/etc/aim/aim.conf', 'old\n');
    await must('mosquitto_passwd -b -c /etc/broker/passwords drone-7 hunter2; chmod 644 /etc/broker/passwords');
    await must('chmod 700 /etc/secrets; systemctl restart mosquitto; systemctl daemon-reload');
    await settle(machine, SECRET_SETTINGS);
    t.equal(await must('locksmith check >/dev/null; echo $?'), '0');
    t.match(await must('locksmith doctor broker'), /^ok +broker/);
    const asAgent = 'setpriv --reuid=locksmith --regid=locksmith --clear-groups cat';
    t.match((await sh(`${asAgent} /etc/secrets/password`)).err, 'Permission denied');
    await must('systemctl stop locksmith-agent');
    t.match((await sh('locksmith check')).out, 'there is no such file while the unit is down');
    await must(`rm ${DROP_INS}/secrets.conf; systemctl daemon-reload`);
  });

  await step('without capabilities: what root did before hinders nothing, and what is lost is said', async (t) => {
    await must(`cp /usr/share/locksmith-agent/without-capabilities.conf ${DROP_INS}/; systemctl daemon-reload`);
    // As on a new device, on which root is at work before the agent ever was.
    await must('rm -rf /var/lib/locksmith /run/locksmith/*; chown -R locksmith:locksmith /etc/aim');
    await must('install -d -o locksmith -g locksmith -m 750 /var/lib/locksmith');
    put('/etc/locksmith/agent.yaml', settingsWithConfigs(ONE_FILE));
    put('/srv/aim.conf', 'by hand\n');
    await must('cd /srv; locksmith sign aim aim.conf --to all --version 1 --key ops.key.json --out aim.jws');
    await must('locksmith hold aim --reason "by root" -- true; locksmith recover || [ $? = 4 ]');
    await must('locksmith apply /srv/aim.jws');
    t.equal(await must('find /var/lib/locksmith /run/locksmith /etc/aim ! -user locksmith'), '');
    await settle(machine, settingsWithConfigs(ONE_FILE));
    put('/srv/aim.conf', 'pushed\n');
    t.match(await must(pushLine('aim', '/srv/aim.conf')), '1 applied');
    t.equal(await must('cat /etc/aim/aim.conf'), 'pushed');
    const said = (await must('COLUMNS=400 locksmith doctor unit')).replaceAll(/\s+/g, ' ');
    t.match(said, /warning unit: .*cannot: replace files that are not its own .*; name the holder of a lock/);
    await must(`rm ${DROP_INS}/without-capabilities.conf; systemctl daemon-reload; systemctl restart locksmith-agent`);
    t.notMatch(await must('locksmith doctor unit'), 'capabilities');
  });

  await step('the page is there when somebody enables it, and not before', async (t) => {
    t.equal((await sh('systemctl is-enabled locksmith-page')).out.trim(), 'disabled');
    t.equal((await sh('systemctl is-active locksmith-page')).out.trim(), 'inactive');
    await must('systemctl enable --now locksmith-page');
    const ask = (path: string) =>
      comesTo(
        /^HTTP.* 200/,
        `${NODE} -e "fetch('http://127.0.0.1:8631${path}').then(async (a) => console.log('HTTP', a.status, await a.text()))"`,
      );
    t.match(await ask('/metrics'), /locksmith_link_connected 1/);
    t.match(await ask('/'), '<h3>aim</h3>');
    await must('systemctl disable --now locksmith-page');
  });
});
