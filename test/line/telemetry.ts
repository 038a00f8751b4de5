import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { lineDevice, lineWorld } from '../fixtures/line.ts';
import { start } from '../fixtures/locksmith.ts';
import { until } from '../fixtures/until.ts';

interface Beat {
  readonly seq: number;
  readonly at: string;
  readonly uptime_s: number;
  readonly link: { readonly sent_bytes_per_h: number };
  readonly backlog: { readonly telemetry: { readonly count: number } };
  readonly machine?: { readonly cores: number };
}

// What the device tells about itself, through the built program and a real broker.
t.test(
  'heartbeats of an hour without a broker come when it is back, the newest first, the rest in order, each once; a kill loses none',
  async (t) => {
    const world = await lineWorld(t);
    const device = lineDevice(t, world, { id: 'drone-hb', heartbeatS: 0.1 });
    const topic = `${device.root}/v1/dev/${device.id}/hb`;
    const heard = () =>
      world.watcher.seen
        .filter((seen) => seen.topic === topic)
        .map((seen): Beat & { readonly qos: number } => ({ ...JSON.parse(seen.payload.toString()), qos: seen.qos }));
    const beats = () => JSON.parse(readFileSync(join(device.run, 'status.json'), 'utf8')).heartbeat?.seq ?? 0;

    const first = await device.start();
    await until('beats over the link', () => heard().length >= 3);
    t.ok((heard()[0]?.machine?.cores ?? 0) > 0, 'with what its sensors say');
    t.ok(
      heard().every(({ qos }) => qos === 0),
      'live ones are not acknowledged',
    );
    await until('what the link costs', () => heard().some(({ link }) => link.sent_bytes_per_h > 0));
    await world.broker.kill9();
    await first.line('link: ');
    const before = beats();
    await until('beats without a link', () => beats() >= before + 5);
    const killed = beats();
    await first.stop('SIGKILL');

    const second = start(['run', '--settings', device.settings]);
    t.teardown(() => second.stop('SIGKILL'));
    await until('beats of the next life', () => beats() >= 5 && beats() < killed);
    await second.stop('SIGKILL');
    const killedAgain = beats();

    await world.broker.start();
    await world.watcher.granted(2);
    const third = await device.start();
    await until('beats that say that nothing waits', () => {
      const all = heard();
      const kept = all.findIndex(({ qos }) => qos === 1);
      return kept >= 0 && all.slice(kept).some(({ qos, backlog }) => qos === 0 && backlog.telemetry.count === 0);
    });
    const inOrder = <T>(list: readonly T[]) => [...list].sort();
    const cameWith = (qos: number) => heard().flatMap((beat) => (beat.qos === qos ? beat.at : []));
    const [newest = '', ...kept] = cameWith(1);
    t.same(kept, inOrder(kept), 'what was kept, in order');
    t.ok(
      kept.every((at) => at < newest),
      'the newest of it before that',
    );
    t.same(cameWith(0), inOrder(cameWith(0)), 'the others as they were said');
    // What a dying link may have swallowed comes once more.
    const byTime = new Map(heard().map((beat) => [beat.at, beat.seq]));
    const once = inOrder([...byTime.keys()]).map((at) => byTime.get(at) ?? 0);
    const upTo = (n: number, from = 1) => Array.from({ length: n - from + 1 }, (_, index) => from + index);
    const all = [...upTo(killed, once[0]), ...upTo(killedAgain)];
    t.same(once.slice(0, all.length), all, 'up to the very last before each kill');
    t.same(once.slice(all.length), upTo(once.length - all.length), 'and on');
    t.equal((await third.stop()).code, 0);
  },
);
