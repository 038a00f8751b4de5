import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { withoutNamespaces } from '../fixtures/namespaces.ts';
import { until } from '../fixtures/until.ts';

// An outage as in the air: nothing gets through any more, and nobody is told. For a minute and a half the link still looks as if it were there.

const LIMIT_MS = 120_000;
/** Set in the process that has a network of its own. */
const INSIDE = 'LOCKSMITH_OWN_NETWORK';
const EVERY_MS = 100;
/** The last second, and what a busy machine adds. */
const LOST_MAX_MS = 2_000;

interface Beat {
  readonly seq: number;
  readonly at: string;
  readonly backlog: { readonly telemetry: { readonly count: number } };
}

const lo = (to: 'up' | 'down') => execFileSync('ip', ['link', 'set', 'lo', to]);

if (process.env[INSIDE] === 'yes') {
  t.test(
    'a kill in an outage that nobody has noticed costs the last second of heartbeats',
    { timeout: LIMIT_MS },
    async (t) => {
      lo('up');
      const world = await lineWorld(t);
      const device = lineDevice(t, world, { id: 'drone-silent', heartbeatS: EVERY_MS / 1000 });
      const topic = `${device.root}/v1/dev/${device.id}/hb`;
      const heard = () =>
        world.watcher.seen
          .filter((seen) => seen.topic === topic)
          .map((seen): Beat => JSON.parse(seen.payload.toString()));
      const status = () => JSON.parse(readFileSync(join(device.run, 'status.json'), 'utf8'));
      const beats = (): number => status().heartbeat?.seq ?? 0;

      const first = await device.start();
      await until('beats over the link', () => heard().length >= 5);
      lo('down');
      const cut = beats();
      await until('many beats that do not get through', () => beats() >= cut + 40);
      t.equal(status().link.state, 'connected', 'the link is still taken for one');
      const killed = beats();
      await first.stop('SIGKILL');
      const killedMs = Date.now();
      lo('up');
      const before = heard().length;
      await device.start();
      const isOfNext = ({ at }: { readonly at: string }) => Date.parse(at) > killedMs;
      await until('a beat of the next life that says that nothing waits', () =>
        heard()
          .slice(before)
          .some((beat) => isOfNext(beat) && beat.backlog.telemetry.count === 0),
      );
      const came = new Set(heard().flatMap((beat) => (isOfNext(beat) ? [] : [beat.seq])));
      const all = Array.from({ length: killed - Math.min(...came) + 1 }, (_, n) => n + Math.min(...came));
      const lost = all.filter((seq) => !came.has(seq));
      t.ok(lost.length <= LOST_MAX_MS / EVERY_MS, `${lost.length} beats of ${killed - cut} in the outage are lost`);
      t.same(lost, all.slice(all.length - lost.length), 'the last ones');
    },
  );
} else if (withoutNamespaces() === false) {
  const argv = ['--net', process.execPath, ...process.execArgv, join(import.meta.dirname, 'silent.ts')];
  t.spawn('unshare', argv, { env: { ...process.env, [INSIDE]: 'yes' }, timeout: LIMIT_MS }, 'in a network of our own');
} else t.comment(`no network of its own: ${withoutNamespaces()}`);
