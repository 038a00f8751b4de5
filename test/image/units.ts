import t, { type Test } from 'tap';
import { withoutImages } from '../fixtures/image/debian.ts';
import { installedMachine, pushLine, settingsWithConfigs, settle } from '../fixtures/image/installed.ts';

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
/** Kills the agent as soon as the first file is new. No program is started between a look and the kill. */
const KILLER = `pid=$1
while read -r content < /etc/aim/${FILES[0]} && [ "$content" = old ]; do :; done
kill -9 "$pid"
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
      await sh(`sh /srv/killer ${pid} & ${pushLine('aim', '/srv/new/*.conf', '')}; wait`);
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

    // With nothing to do it is as content.
    await must(`rm ${DROP_INS}/10-test.conf; systemctl daemon-reload`);
    await must('systemctl stop locksmith-agent; systemctl restart locksmith-recover; systemctl start locksmith-agent');
    t.match(await must('journalctl -o cat -u locksmith-recover'), 'nothing was cut off');
    t.equal(await must('systemctl is-active locksmith-recover'), 'active');
  });
});
