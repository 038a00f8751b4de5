import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { buildPackage, debianTarball } from '../fixtures/image/debian.ts';
import { cloudKernel, makeDisk, powerOn, withoutQemu } from '../fixtures/image/qemu.ts';
import { openProof } from '../fixtures/proof.ts';

const CONFIGS = ['one', 'two'];
const SETTINGS = `device: { id: drone-7 }
broker: { urls: ["mqtt://127.0.0.1:1883"], backoff: { first_s: 0.1, cap_s: 0.5 } }
trust: { keys: /etc/locksmith/keys.json }
paths: { run: RUN }
configs:
  aim:
    files: [${CONFIGS.map((name) => `{ path: /etc/aim/${name}.conf }`).join(', ')}]
`;

/**
 * What the machine does by itself: says on the console how it came up, then pushes sets of two files for ever. The agent is looked at
 * before that, when it has been at work for itself.
 */
const STORY = `#!/bin/sh
exec >/dev/console 2>&1
until systemctl is-active --quiet locksmith-agent; do sleep 0.2; done
say() { echo "STORY $1: $(eval "$2" | tr '\\n' ' ')"; }
say agent 'systemctl is-active locksmith-agent; systemctl show -P NRestarts locksmith-agent'
say files 'cat /etc/aim/one.conf /etc/aim/two.conf'
say locks 'locksmith locks'
say leftovers 'find /etc/aim /var/lib/locksmith -name "*.locksmith" -o -name "*.tmp"'
say boot 'cat /proc/sys/kernel/random/boot_id'
echo "STORY loop"
n=$(date +%s)
while :; do
  n=$((n + 1))
  mkdir -p /srv/set
  echo "set $n" > /srv/set/one.conf
  echo "set $n" > /srv/set/two.conf
  locksmith push aim /srv/set/one.conf /srv/set/two.conf --to all --key /srv/ops.key.json --broker mqtt://127.0.0.1:1883 || sleep 1
  echo "STORY pushed $n"
done
`;
const STORY_UNIT = `[Unit]
After=multi-user.target
[Service]
ExecStart=/bin/sh /srv/story
[Install]
WantedBy=multi-user.target
`;

/** The image with the package and the story in it, on a disk. */
function device(dir: string, run = '/run/locksmith'): string {
  const root = join(dir, 'root');
  mkdirSync(root);
  execFileSync('tar', ['-xf', debianTarball(), '-C', root]);
  const deb = buildPackage(dir);
  cpSync(deb, join(root, 'agent.deb'));
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const name of CONFIGS) put(`/etc/aim/${name}.conf`, 'set 0\n');
  put('/srv/story', STORY);
  put('/etc/systemd/system/story.service', STORY_UNIT);
  const clean = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/srv', 'sh', '-c'];
  const inside = (script: string) =>
    execFileSync('chroot', [root, ...clean, script], { stdio: ['ignore', 'pipe', 'pipe'] });
  inside('dpkg -i /agent.deb && rm /agent.deb && systemctl enable story.service && echo drone-7 > /etc/hostname');
  inside('cd /srv && locksmith keys new ops && cp ops.pub.json /etc/locksmith/keys.json');
  put('/etc/locksmith/agent.yaml', SETTINGS.replace('RUN', run));
  const disk = join(dir, 'disk.raw');
  makeDisk(root, disk);
  rmSync(root, { recursive: true });
  return disk;
}

t.test('the power goes at any instant of an apply loop', { skip: withoutQemu(), timeout: 4 * 3600_000 }, async (t) => {
  const proof = openProof(t);
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-power-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const disk = device(dir);
  const kernel = cloudKernel();
  const cuts = proof.rounds(1, 20);
  const seen = new Set<string>();
  for (let round = 0; round <= cuts; round += 1) {
    const machine = powerOn(t, kernel, disk);
    const say = async (what: string) => (await machine.line(`STORY ${what}`)).replace(/^.*STORY \w+: ?/, '');
    t.match(await say('agent'), /^active 0/, `boot ${round}: the agent is back by itself`);
    const files = await say('files');
    t.match(files, /^set (\d+) set \1$/, 'all old or all new');
    seen.add(files);
    t.match(await say('locks'), /COLD/, 'nothing is HOT');
    t.equal(await say('leftovers'), '');
    await machine.line('STORY loop');
    if (round === cuts) break;
    await machine.line(/STORY pushed/);
    await pause(proof.below(4000));
    await machine.cut();
  }
  t.ok(seen.size > 1, 'updates were applied between the cuts');
  proof.figure('cuts', cuts, 'cuts');
});
