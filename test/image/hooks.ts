import t, { type Test } from 'tap';
import { withoutImages } from '../fixtures/image/debian.ts';
import { firstBoot, pushLine, settingsWithConfigs } from '../fixtures/image/installed.ts';
import type { Machine } from '../fixtures/image/machine.ts';

const DROP_INS = '/etc/systemd/system/locksmith-agent.service.d';
const STATUS = 'systemctl show -P StatusText locksmith-agent';
const CONFIGS = `  radio:
    files: [{ path: /etc/radio/radio.conf }]
    check: { argv: [sh, /srv/hook, check, "{staged}"] }
    reload: { argv: [sh, /srv/hook, reload] }
    health: { argv: [sh, /srv/hook, health] }
  camera:
    files: [{ path: /etc/camera/camera.conf }]
    reload: { unit: camera.service }
`;
/** The program of every hook: tells what it is, what it may, and what it was given; where it is to linger it never ends by itself. */
const HOOK = `{
  grep -E '^(Cap(Eff|Prm|Amb|Bnd)|NoNewPrivs|Seccomp):' /proc/self/status
  echo "group $(cut -d' ' -f5 /proc/$$/stat) of $$"
  [ -z "$2" ] || cat "$2"
} > /run/locksmith/said-$1
[ ! -e /srv/linger-$1 ] || exec perl /srv/linger
`;
/** Leaves a child in a group of its own, which only systemd can reach, and which writes down if it is asked to end. */
const LINGER = `use POSIX 'setsid';
sub note { open my $file, '>', "/run/locksmith/$_[0]" or die; print $file "$_[1]\\n"; close $file; }
if (fork == 0) {
  setsid;
  $SIG{TERM} = sub { note('asked', $$); exit 1 };
  note('lingers', getppid . ',' . $$);
}
sleep 1000;
`;
/** A service that reads its config when it starts, and again when it is told to. */
const CAMERA = `[Service]
ExecStart=/bin/sh -c 'cat /etc/camera/camera.conf > /srv/camera-reads; exec sleep infinity'
ExecReload=/bin/sh -c 'cat /etc/camera/camera.conf > /srv/camera-reads'
[Install]
WantedBy=multi-user.target
`;
const HOOKS = ['check', 'reload', 'health'] as const;

/** Pushes this content of a config and waits for the answer of the one device. */
const push = (config: string, content: string, more?: string) =>
  `printf '${content}\\n' > /srv/${config}.conf; ${pushLine(config, `/srv/${config}.conf`, more)}`;

/** Has all hooks run, and holds what they said against what a hook may have. `bound`: the capabilities the unit has at most. */
async function hooksRun(t: Test, { must }: Machine, content: string, bound: string): Promise<void> {
  await must('rm -f /run/locksmith/said-*');
  t.match(await must(push('radio', content)), '1 applied');
  t.equal(await must('cat /etc/radio/radio.conf'), content);
  const agent = await must('systemctl show -P MainPID locksmith-agent');
  for (const hook of HOOKS) {
    const said = await must(`cat /run/locksmith/said-${hook}`);
    for (const set of ['Eff', 'Prm', 'Amb']) t.match(said, new RegExp(`^Cap${set}:\\s0{16}$`, 'm'), `${hook} ${set}`);
    t.match(said, new RegExp(`^CapBnd:\\s${bound}$`, 'm'), `${hook} gets no more than the unit has`);
    t.match(said, /^NoNewPrivs:\s1$/m);
    t.match(said, /^Seccomp:\s2$/m, 'inside the sandbox');
    const [, group, pid] = /^group (\d+) of (\d+)$/m.exec(said) ?? [];
    t.equal(group, pid, 'a process group of its own');
    t.not(group, agent);
  }
  t.match(await must('cat /run/locksmith/said-check'), new RegExp(`^${content}$`, 'm'), 'it reads what was staged');
}

t.test(
  'hooks under the unit, on a machine that nobody has touched since its first boot',
  {
    skip: withoutImages(),
  },
  async (t) => {
    const machine = await firstBoot(t, {
      '/etc/locksmith/agent.yaml': settingsWithConfigs(CONFIGS),
      '/etc/radio/radio.conf': 'as delivered\n',
      '/etc/camera/camera.conf': 'as delivered\n',
      '/srv/hook': HOOK,
      '/srv/linger': LINGER,
      '/etc/systemd/system/camera.service': CAMERA,
    });
    const { must, comesTo } = machine;
    /** Each step stands on the one before. */
    const step = async (name: string, run: (t: Test) => Promise<void>) => {
      if (t.passing()) await t.test(name, run);
    };

    await step('the boot has fitted the unit to the settings', async (t) => {
      await comesTo('connected and subscribed', STATUS);
      t.equal(await must('systemctl show -P Result locksmith-unit'), 'success');
      t.match(await must('systemctl show -P ReadWritePaths locksmith-agent'), '/etc/camera');
      t.match(await must('cat /etc/polkit-1/rules.d/50-locksmith.rules'), '"camera.service"');
      t.equal(await must('systemctl show -P NRestarts locksmith-agent'), '0', 'before its first start');
    });

    await step('check, reload and health run, without capabilities and in a group of their own', (t) =>
      // CHOWN, DAC_OVERRIDE, FOWNER, SYS_PTRACE.
      hooksRun(t, machine, 'one', '000000000008000b'),
    );

    await step('a service is reloaded through polkit, and reads the new content', async (t) => {
      await must('systemctl start camera.service');
      await comesTo('as delivered', 'cat /srv/camera-reads');
      const before = await must('systemctl show -P InvocationID camera.service');
      t.match(await must(push('camera', 'wide')), '1 applied');
      t.equal(await must('cat /srv/camera-reads'), 'wide');
      t.equal(await must('systemctl show -P InvocationID camera.service'), before, 'reloaded, not started again');
    });

    for (const hook of HOOKS) {
      await step(
        `stopped while a ${hook} runs: it ends, nothing is left, and the content is not to blame`,
        async (t) => {
          const before = await must('cat /etc/radio/radio.conf');
          await must(`rm -f /run/locksmith/lingers; touch /srv/linger-${hook}`);
          await must(push('radio', `through-${hook}`, ''));
          const pids = await comesTo(/^\d+,\d+$/m, 'cat /run/locksmith/lingers');
          await must('systemctl stop locksmith-agent');
          t.equal(await must('systemctl show -P Result locksmith-agent'), 'success');
          // Asked by systemd, too, a hook could fail before the agent knew why.
          t.equal((await machine.sh('cat /run/locksmith/asked')).out, '', 'systemd asks nobody but the agent');
          t.equal((await machine.sh(`ps -o pid= -p ${pids}`)).out, '', 'all of it has ended');
          t.equal(
            await must("find /etc/radio /var/lib/locksmith /run/locksmith -name '*.locksmith' -o -name '*.tmp'"),
            '',
            'no temporary file',
          );
          t.equal(await must('cat /run/locksmith/locks/radio/state'), 'COLD');
          const after = await must('cat /etc/radio/radio.conf');
          t.equal(after, hook === 'check' ? before : `through-${hook}`, 'all old before the rename, all new after it');
          await must(`rm /srv/linger-${hook}; systemctl start locksmith-agent`);
          if (hook === 'check') await comesTo(/^through-check$/m, 'cat /etc/radio/radio.conf');
          else {
            await comesTo(
              /rolled-back radio .*\(unconfirmed\)/,
              "locksmith history radio | tail -n 5 | tr -s ' \\n' ' '",
            );
            t.equal(await must('cat /etc/radio/radio.conf'), before);
            t.match(await must(push('radio', `through-${hook}`)), '1 applied', 'not marked as bad');
          }
        },
      );
    }

    await step('they run without capabilities of the unit, too', async (t) => {
      await must(
        `cp /usr/share/locksmith-agent/without-capabilities.conf ${DROP_INS}/; chown -R locksmith:locksmith /etc/radio
      systemctl daemon-reload; systemctl restart locksmith-agent`,
      );
      await hooksRun(t, machine, 'two', '0{16}');
    });
  },
);
