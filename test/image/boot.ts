import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { buildPackage, debianTarball, nextPackage, withoutImages } from '../fixtures/image/debian.ts';
import { bootMachine, type Machine } from '../fixtures/image/machine.ts';
import { openProof } from '../fixtures/proof.ts';

const WATCHDOG_S = 3;
const SETTINGS = `device: { id: /etc/machine-id, groups: [canary] }
broker: { urls: ["mqtt://127.0.0.1:1883"], backoff: { first_s: 0.1, cap_s: 0.5 } }
trust: { keys: /etc/locksmith/keys.json }
configs:
  aim:
    files: [{ path: /etc/aim/aim.conf }]
    writers: [aim.service]
`;
/** A service that writes the config now and then. */
const CONSUMER = `[Service]
ExecStart=/usr/bin/sleep infinity
`;
/** One that has the config to itself while it works. Its mistake: what it starts inherits the lock, and outlives it. */
const LEAKING = `[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/usr/bin/perl /srv/leaking
KillMode=process
Restart=on-failure
`;
const LEAKING_PROGRAM = `use Fcntl ':flock';
$^F = 99;
sleep 3;
open my $config, '<', '/etc/aim/aim.conf' or die;
flock $config, LOCK_EX | LOCK_NB or die "aim.conf is locked\\n";
fork or exec 'sleep', '1000';
wait;
`;
const PUSH = 'locksmith push aim /srv/aim.conf --to all --key /srv/ops.key.json --broker mqtt://127.0.0.1:1883';
const DROP_INS = '/etc/systemd/system/locksmith-agent.service.d';
const MAIN_PID = 'systemctl show -P MainPID locksmith-agent';
const IS_ACTIVE = 'systemctl is-active locksmith-agent';

/** Pushes this content and waits for the answer of the one device. */
const push = (content: string, more = '--wait 1 --within 20s') =>
  `printf '${content}\\n' > /srv/aim.conf; ${PUSH} ${more}`;

/** The same, where it is not applied: `push` then has exit code 1 and says why. */
async function pushed(machine: Machine, content: string): Promise<string> {
  const { out, err } = await machine.sh(push(content, '--wait 1 --within 5s'));
  return out + err;
}

/** What the agent last told the fleet of the lock. */
async function toldLock(machine: Machine): Promise<unknown> {
  const id = await machine.must('cat /etc/machine-id');
  return JSON.parse(await machine.must(`mosquitto_sub -h 127.0.0.1 -W 5 -C 1 -t fleet/v1/dev/${id}/lock/aim`));
}

/** What was said, without the breaks for a narrow screen. */
const flat = (said: string) => said.replaceAll(/\s+/g, ' ');

/** Files that only a step under way has. */
const leftovers = (machine: Machine) =>
  machine.must("find /etc/aim /var/lib/locksmith /run/locksmith -name '*.locksmith' -o -name '*.tmp'");

t.test('the package on a booted Debian, from the first start to the purge', { skip: withoutImages() }, async (t) => {
  const proof = openProof(t);
  const work = mkdtempSync(join(tmpdir(), 'locksmith-boot-'));
  t.teardown(() => rmSync(work, { recursive: true, force: true }));
  const deb = buildPackage(work);
  const machine = await bootMachine(t, debianTarball());
  const { must, sh, comesTo, put } = machine;
  /** Each step stands on the one before: after a failed one the rest would only say so again. */
  const step = async (name: string, run: (t: Test) => Promise<void>) => {
    if (t.passing()) await t.test(name, run);
  };
  /** Leaves the lock to a process whose parents are gone; its pid. */
  const orphan = async (): Promise<number> => {
    // A command under hold is killed together with it; what it has started in the background keeps the lock.
    put('/srv/survey', 'echo $PPID $$ > /srv/parents; sleep 1000 & echo $! > /srv/heir; wait\n');
    await must(
      'rm -f /srv/heir; (locksmith hold aim --reason survey -- sh /srv/survey >/dev/null 2>&1) >/dev/null 2>&1 &',
    );
    const heir = await comesTo(/^\d+$/m, 'cat /srv/heir');
    await comesTo(/^HOT$/m, 'cat /run/locksmith/locks/aim/state');
    await must('kill -9 $(cat /srv/parents)');
    return Number(heir);
  };
  /** The command that has the device release its lock, from far away. */
  const far = async () =>
    `locksmith release aim --device ${await must('cat /etc/machine-id')} --reason stuck --key /srv/ops.key.json --broker mqtt://127.0.0.1:1883`;
  copyFileSync(deb, join(machine.root, 'first.deb'));
  copyFileSync(nextPackage(work, deb), join(machine.root, 'upgrade.deb'));

  await step('install: it waits for its settings and starts by itself when they arrive', async (t) => {
    await must('dpkg -i /first.deb');
    t.equal((await sh(IS_ACTIVE)).out, 'inactive\n');
    t.equal(await must('systemctl is-active locksmith-agent.path'), 'active');
    put('/etc/aim/aim.conf', 'hold_ms = 500\n');
    put('/etc/systemd/system/aim.service', CONSUMER);
    put('/etc/systemd/system/locksmith-agent.service.d/10-test.conf', `[Service]\nWatchdogSec=${WATCHDOG_S}\n`);
    await must('systemctl daemon-reload; cd /srv; locksmith keys new ops; cp ops.pub.json /etc/locksmith/keys.json');
    put('/etc/locksmith/new', SETTINGS.replace('groups', 'gruops'));
    await must('mv /etc/locksmith/new /etc/locksmith/agent.yaml');
    await comesTo("device.gruops: unknown key 'gruops' (did you mean 'groups'?)", 'systemctl status locksmith-agent');
    put('/etc/locksmith/agent.yaml', SETTINGS);
    // Whoever corrects the settings fits the unit to them.
    await must('locksmith check --unit');
    await comesTo(/^active$/m, IS_ACTIVE);
    t.match(await must('systemctl show -P StatusText locksmith-agent'), 'connected and subscribed; all locks COLD');
    t.match(await must(`ps -o user= -p $(${MAIN_PID})`), 'locksmith');
  });

  await step('push: a file of root is replaced and stays one of root', async (t) => {
    t.match(await must(push('one')), '1 applied');
    t.equal(await must('cat /etc/aim/aim.conf'), 'one');
    t.equal(await must('stat -c %U:%G:%a /etc/aim/aim.conf'), 'root:root:644');
    const entry = await must('journalctl -u locksmith-agent -o json LOCKSMITH_EVENT=applied | tail -1');
    t.match(JSON.parse(entry), { PRIORITY: '5', LOCKSMITH_CONFIG: 'aim', _SYSTEMD_UNIT: 'locksmith-agent.service' });
  });

  await step('HOT: the true holder of an orphan is named, and the update waits', async (t) => {
    const heir = await orphan();
    t.match(await pushed(machine, 'two'), /lock mismatch: aim\.conf HOT/);
    t.match(await toldLock(machine), {
      state: 'HOT',
      verdict: 'orphaned',
      holder: { pid: heir, command: 'sleep', user: 'root' },
    });
    t.match(
      await must('systemctl show -P StatusText locksmith-agent'),
      'HOT: aim.conf (orphaned); 1 waiting (for lock)',
    );
    const refusal = await must('journalctl -u locksmith-agent -o json LOCKSMITH_CODE=lock-mismatch | tail -1');
    t.match(JSON.parse(refusal), { PRIORITY: '4', LOCKSMITH_EVENT: 'refused' });
    t.equal(await must('cat /etc/aim/aim.conf'), 'one');
  });

  await step('release: by root on the device; the update that waited is applied by itself', async (t) => {
    // The update that waited may already be at its commit when `release` looks once more.
    t.match(
      (await sh('locksmith release aim --yes --end-holder --reason "its parent is gone"')).out,
      /ended pid \d+ sleep/,
    );
    await comesTo('two', 'cat /etc/aim/aim.conf');
    await comesTo(/all locks COLD$/m, 'systemctl show -P StatusText locksmith-agent');
  });

  await t.test(
    'release from far away: the writer is stopped and started through polkit, and nothing else can be',
    async (t) => {
      await must('systemctl start aim.service');
      const before = await must('systemctl show -P InvocationID aim.service');
      await must('locksmith hold aim --for 1h --reason "taken away for repair"');
      t.match(await pushed(machine, 'three'), /HOT \(held by/);
      const released = await sh(await far());
      t.equal(released.code, 0, released.out + released.err);
      await comesTo('three', 'cat /etc/aim/aim.conf');
      await comesTo(/^active$/m, 'systemctl is-active aim.service');
      t.not(await must('systemctl show -P InvocationID aim.service'), before, 'it was stopped and started');
      const denied = await sh(
        'setpriv --reuid=locksmith --regid=locksmith --clear-groups systemctl stop mosquitto.service',
      );
      t.not(denied.code, 0, 'the agent’s user has no power over other services');
      await must('systemctl stop aim.service');
    },
  );

  await step('an orphan, from far away: refused at once; with end-holder.conf it is ended', async (t) => {
    const [key] = JSON.parse(await must('cat /srv/ops.pub.json')).keys;
    put('/etc/locksmith/keys.json', JSON.stringify({ keys: [{ ...key, may: { end_holder: true } }] }));
    await must('systemctl restart locksmith-agent; systemctl start aim.service');
    const before = await must('systemctl show -P InvocationID aim.service');
    t.match(flat(await must('locksmith doctor unit')), /warning .* ended from far away.*CAP_KILL/);
    const heir = await orphan();
    t.match(await pushed(machine, 'four'), /HOT \(orphaned/);
    const release = `${await far()} --end-holder`;
    const refused = await sh(release);
    t.equal(refused.code, 3);
    t.match(refused.out, /refused \(end-not-allowed\): .*user locksmith may not end that process without CAP_KILL$/m);
    t.match(refused.err, /^Try: .*locksmith release aim --end-holder.*end-holder\.conf/m);
    t.equal(await must('systemctl show -P InvocationID aim.service'), before, 'no writer was stopped');
    t.match(await must(`ps -o comm= -p ${heir}`), 'sleep', 'it lives');

    await must(
      `cp /usr/share/locksmith-agent/end-holder.conf ${DROP_INS}/; systemctl daemon-reload
      systemctl restart locksmith-agent`,
    );
    await comesTo('connected and subscribed', 'systemctl show -P StatusText locksmith-agent');
    t.notMatch(await must('locksmith doctor unit'), 'CAP_KILL');
    await comesTo('"orphaned"', 'locksmith locks aim --json');
    const released = await sh(release);
    t.equal(released.code, 0, released.out + released.err);
    t.equal((await sh(`ps -o comm= -p ${heir}`)).out, '', 'it has ended');
    await comesTo('four', 'cat /etc/aim/aim.conf');
    t.match(
      flat(await must('locksmith history aim')),
      new RegExp(`released aim: .*ended pid ${heir} sleep, user root`),
    );
    await comesTo(/^active$/m, 'systemctl is-active aim.service');
    t.not(await must('systemctl show -P InvocationID aim.service'), before);
    await must(
      `systemctl stop aim.service; rm ${DROP_INS}/end-holder.conf; systemctl daemon-reload
      systemctl restart locksmith-agent`,
    );
  });

  await step('rescue: an orphan of a service, and no network; as the README tells it', async (t) => {
    put('/srv/leaking', LEAKING_PROGRAM);
    put('/etc/systemd/system/aim.service', LEAKING);
    await must('systemctl daemon-reload; systemctl start aim.service');
    await comesTo(/^HOT$/m, 'cat /run/locksmith/locks/aim/state');
    await must(push('rescued', ''));
    await comesTo('for lock; it is applied by itself', 'locksmith status');
    await must('ip link set lo down; systemctl stop mosquitto; systemctl kill -s KILL --kill-whom=main aim.service');

    const status = await comesTo('orphaned', 'locksmith status');
    const [, heir] = /held\s+by\s+pid\s+(\d+)\s+sleep,\s+user\s+root,\s+aim\.service,\s+left/.exec(status) ?? [];
    const [, waits] =
      /^ {2}waits {2}base version (\d+) for all, for lock; it is applied by itself$/m.exec(status) ?? [];
    t.ok(waits, status);
    t.match(status, new RegExp(`end\\s+it\\s+\\(kill\\s+${heir}\\)`), 'stopping the unit would leave the orphan alone');
    t.match(await must('locksmith release aim --end-holder'), /again: base version \d+ for all$/, 'the plan');
    const release = 'locksmith release aim --end-holder --yes --reason "left over by the night shift"';
    // As above, the update may already be at its commit.
    t.match((await sh(release)).out, new RegExp(`^stopped aim\\.service\nended pid ${heir} sleep(.*\n)*started aim`));
    await comesTo('rescued', 'cat /etc/aim/aim.conf');
    t.equal(await must('systemctl is-active aim.service'), 'active');
    const why = `left over by the night shift \\(ended pid ${heir} sleep, user root, aim\\.service\\); token \\d+ → \\d+`;
    await comesTo(new RegExp(`released aim: released by root: ${why}`), 'locksmith log');
    await comesTo(new RegExp(`applied aim base version ${waits} for all$`, 'm'), 'locksmith log');

    put('/etc/systemd/system/aim.service', CONSUMER);
    await must('systemctl stop aim.service; pkill -x sleep; systemctl daemon-reload');
    await must('ip link set lo up; systemctl start mosquitto');
    await comesTo('all locks COLD', 'systemctl show -P StatusText locksmith-agent');
  });

  await step('watchdog: a silenced agent is another one within WatchdogSec + 2 s', async (t) => {
    const silenced = await must(MAIN_PID);
    t.not(silenced, '0');
    const atS = Number(await must(`kill -STOP ${silenced}; cut -d' ' -f1 /proc/uptime`));
    const next = await comesTo(new RegExp(`^(?!${silenced}$)[1-9]\\d*$`, 'm'), MAIN_PID);
    const startedS = Number(await must('systemctl show -P ExecMainStartTimestampMonotonic locksmith-agent')) / 1e6;
    const took = startedS - atS;
    t.ok(took <= WATCHDOG_S + 2, `${took.toFixed(2)} s`);
    proof.figure('watchdog', Math.round(took * 100) / 100, 's');
    t.not(next, silenced);
    await comesTo(/^active$/m, IS_ACTIVE);
    t.equal(await must('systemctl show -P Result locksmith-agent'), 'success');
  });

  await step('a network that is gone for 10 x WatchdogSec restarts nothing', async (t) => {
    const pid = await must(MAIN_PID);
    const restarts = await must('systemctl show -P NRestarts locksmith-agent');
    await must(`ip link set lo down; systemctl stop mosquitto; sleep ${10 * WATCHDOG_S}`);
    t.equal(await must(MAIN_PID), pid);
    t.equal(await must('systemctl show -P NRestarts locksmith-agent'), restarts);
    await must('ip link set lo up; systemctl start mosquitto');
    await comesTo('connected and subscribed', 'systemctl show -P StatusText locksmith-agent');
  });

  await step('stopped at random while updates come: no temporary file, no HOT lock, all old or all new', async (t) => {
    for (let round = 1; round <= proof.rounds(4, 40); round += 1) {
      const pauseS = (proof.below(1500) / 1000).toFixed(3);
      const pushes = `for n in 1 2 3; do ${push(`round-${round}-$n`, '')}; done`.replaceAll("'", '"');
      await must(`(${pushes}) >/dev/null 2>&1 & sleep ${pauseS}; systemctl stop locksmith-agent; wait`);
      t.equal(await must('systemctl show -P Result locksmith-agent'), 'success', `after ${pauseS} s`);
      t.equal(await leftovers(machine), '');
      t.equal(await must('cat /run/locksmith/locks/aim/state'), 'COLD');
      t.match(await must('cat /etc/aim/aim.conf'), /^(rescued|round-\d+-\d)$/);
      await must('systemctl start locksmith-agent');
    }
    await comesTo(/^round-\d+-3$/m, 'cat /etc/aim/aim.conf');
  });

  await step('upgrade: a hold taken before still excludes after it, and the hold ends as it should', async (t) => {
    await must(
      'locksmith hold aim --reason calibration -- sh -c "sleep 1000 & echo \\$! > /srv/held; wait" >/srv/hold.log 2>&1 &',
    );
    await comesTo(/^HOT$/m, 'cat /run/locksmith/locks/aim/state');
    const before = await must(MAIN_PID);
    await must('dpkg -i /upgrade.deb');
    await comesTo(/^active$/m, IS_ACTIVE);
    t.not(await must(MAIN_PID), before);
    t.match(await pushed(machine, 'upgraded'), /HOT \(held by pid \d+ sh, user root, .*"calibration"\)/);
    await must('kill $(cat /srv/held)');
    await comesTo('upgraded', 'cat /etc/aim/aim.conf');
    t.equal(await must('cat /srv/hold.log'), '');
  });

  await step('without capabilities: what is its own is replaced, what is lost is said', async (t) => {
    await must(
      `cp /usr/share/locksmith-agent/without-capabilities.conf ${DROP_INS}/
      systemctl daemon-reload; systemctl restart locksmith-agent`,
    );
    t.match(await pushed(machine, 'not-allowed'), /no-permission/);
    await must('chown -R locksmith:locksmith /etc/aim');
    t.match(await must(push('own')), '1 applied');
    t.equal(await must('cat /etc/aim/aim.conf'), 'own');
    await must('flock /run/locksmith/locks/aim/lock sleep 1000 >/dev/null 2>&1 & sleep 0.5');
    t.match(await pushed(machine, 'own-two'), /HOT \((unseen|held)/);
    await must(
      `pkill -x sleep; rm ${DROP_INS}/without-capabilities.conf; systemctl daemon-reload; systemctl restart locksmith-agent`,
    );
    await comesTo('own-two', 'cat /etc/aim/aim.conf');
  });

  await step('remove keeps settings and state, purge leaves nothing', async (t) => {
    await must('dpkg -r locksmith-agent');
    await must(
      'test -f /etc/locksmith/agent.yaml && test -s /var/lib/locksmith/journal && test ! -e /etc/polkit-1/rules.d/50-locksmith.rules',
    );
    await must('dpkg -i /first.deb');
    await comesTo(/^active$/m, IS_ACTIVE);
    t.match(await must('locksmith status'), /version \d+ for all/, 'it goes on where it was');
    await must('dpkg -P locksmith-agent');
    const left = await sh(
      `ls -d /etc/locksmith /var/lib/locksmith /run/locksmith /usr/lib/locksmith-agent
      find /etc /usr /var/lib -iname '*locksmith*' ! -path '${DROP_INS}*'`,
    );
    t.equal(left.out, '');
    t.equal(await must('systemctl --failed --no-legend'), '');
  });
});
