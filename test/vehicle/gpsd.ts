import t from 'tap';
import type { PositionSample, WireEvents } from '../../agent/ports/vehicle.ts';
import { type GpsdInput, openGpsd } from '../../agent/vehicle/gpsd.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

const VERSION = '{"class":"VERSION","release":"3.22","proto_major":3}\n';
const TPV = {
  ...{ class: 'TPV', mode: 3, time: '2026-05-01T10:00:00.000Z', lat: 47.4, lon: 8.5, altMSL: 500.5, alt: 550 },
  ...{ speed: 2, track: 90, climb: -0.5, eph: 5 },
};

function scene(more: Partial<GpsdInput> = {}) {
  const clock = manualClock();
  const opened: WireEvents[] = [];
  const sent: string[] = [];
  const wire = {
    ...{ name: 'tcp://127.0.0.1:2947', datagrams: false },
    open(events: WireEvents) {
      opened.push(events);
      events.opened();
      return () => {};
    },
  };
  const source = openGpsd({ clock, wire, unit: () => 0, device: null, cannotMove: false, ...more });
  const samples: PositionSample[] = [];
  source.feed.onSample((sample) => void samples.push(sample));
  source.start(() => {});
  const say = (text: string, size = 1000) => {
    const bytes = new TextEncoder().encode(text);
    for (let at = 0; at < bytes.length; at += size) {
      opened.at(-1)?.bytes(bytes.subarray(at, at + size), (reply) => void sent.push(new TextDecoder().decode(reply)));
    }
  };
  const tell = (report: object) => say(`${JSON.stringify(report)}\n`);
  return { clock, opened, sent, source, samples, say, tell };
}

t.test('it is asked to watch once it has said which version it is', async (t) => {
  const { say, sent } = scene();
  t.same(sent, []);
  say(VERSION, 7);
  t.same(sent, ['?WATCH={"enable":true,"json":true};\n']);
  const one = scene({ device: '/dev/ttyS1' });
  one.say(VERSION);
  t.same(one.sent, ['?WATCH={"enable":true,"json":true,"device":"/dev/ttyS1"};\n']);
});

t.test('a position, at the pace of its own time', async (t) => {
  const { samples, tell, source } = scene();
  tell(TPV);
  tell({ ...TPV, time: '2026-05-01T10:00:01.500Z', track: undefined, eph: undefined, altMSL: undefined });
  const [first, second] = samples;
  t.match(first, {
    bootMs: Date.UTC(2026, 4, 1, 10),
    unixMs: Date.UTC(2026, 4, 1, 10),
    latDeg: 47.4,
    lonDeg: 8.5,
    altM: 500.5,
    accuracyM: 2.5,
  });
  t.ok(Math.abs(first?.velocity?.eastMps ?? 0 - 2) > 1.99 && Math.abs(first?.velocity?.northMps ?? 1) < 1e-9);
  t.equal(first?.velocity?.downMps, 0.5);
  t.match(second, {
    bootMs: Date.UTC(2026, 4, 1, 10, 0, 1, 500),
    velocity: null,
    accuracyM: null,
    altM: 550,
    headingDeg: null,
  });
  tell({ ...TPV, time: '2026-05-01T09:00:00.000Z' });
  t.equal(samples[2]?.bootMs, Date.UTC(2026, 4, 1, 9), 'a receiver whose time falls starts anew');
  t.match(source.feed.seen(), { messages: 3, lastBootMs: 0 });
});

t.test(
  'one without a time is dated by the receiver’s, as far as that is known, not by a clock that may be hours off',
  async (t) => {
    const { clock, samples, tell } = scene();
    tell({ ...TPV, time: undefined });
    t.equal(samples[0]?.unixMs, clock.wallMs());
    tell(TPV);
    clock.advance(14_000);
    tell({ ...TPV, time: undefined });
    tell({ ...TPV, time: '2026-05-01T10:00:15.000Z' });
    t.same(
      samples.slice(1).map(({ unixMs, bootMs }) => [unixMs - Date.UTC(2026, 4, 1, 10), bootMs - unixMs]),
      [
        [0, 0],
        [14_000, 0],
        [15_000, 0],
      ],
    );
  },
);

t.test('no fix is no position', async (t) => {
  const { clock, samples, tell, source } = scene();
  t.equal(source.feed.fix(), null);
  tell({ ...TPV, mode: 1 });
  t.same(source.feed.fix(), { kind: 'none', satellites: null });
  tell({ ...TPV, lat: 0, lon: 0 });
  tell({ ...TPV, lat: undefined });
  tell({ ...TPV, mode: 2, altMSL: undefined, alt: undefined });
  t.same(samples, [], 'nor is one whose height was never said');
  tell({ class: 'SKY', uSat: 9, nSat: 20 });
  t.same(source.feed.fix(), { kind: '2d', satellites: 9 });
  tell(TPV);
  tell({ ...TPV, mode: 2, altMSL: undefined, alt: undefined });
  t.same(
    samples.map(({ altM }) => altM),
    [500.5, 500.5],
    'in two dimensions the last height stands',
  );
  clock.advance(10_001);
  t.equal(source.feed.fix(), null);
});

t.test('it can never say that it is safe, unless the device cannot move', async (t) => {
  const { source, tell } = scene();
  tell(TPV);
  t.same(source.state(0), { safety: 'unknown', reason: 'gpsd cannot tell whether it is armed or has landed' });
  t.match(scene({ cannotMove: true }).source.state(0), { safety: 'safe' });
  t.equal(source.nextMs(0), null);
  t.match(source.view(0), { armed: null, wire: 'open', mission_item: null });
});

t.test('garbage is counted and forgotten, and a new connection starts afresh', async (t) => {
  const { clock, opened, samples, say, tell, source, sent } = scene();
  say('no json\n{"class":\n[]\n{}\n\r\n"x"\n');
  t.equal(source.view(0).refused, 5);
  say('x'.repeat(70_000));
  t.equal(source.view(0).refused, 6, 'a line without end is not kept');
  say('\n');
  say('{"class":"TPV","mode":3,');
  opened[0]?.ended('the other side closed it');
  t.equal(source.view(0).wire, 'the other side closed it');
  clock.advance(1000);
  t.equal(opened.length, 2);
  say(VERSION);
  t.equal(sent.length, 1);
  tell(TPV);
  t.equal(samples.length, 1);
});
