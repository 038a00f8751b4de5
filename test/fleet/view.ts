import t from 'tap';
import { openFleetView, viewFilters } from '../../agent/fleet/view.ts';

const frame = (topic: string, body: unknown) => ({
  topic: `fleet/v1/dev/${topic}`,
  payload: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  retain: true,
});

t.test('a device is what the broker keeps of it', async (t) => {
  const view = openFleetView('fleet');
  t.same(viewFilters('fleet'), ['fleet/v1/dev/+/status', 'fleet/v1/dev/+/reported/+', 'fleet/v1/dev/+/lock/+']);
  const reported = {
    running: { version: 3, layer: 'base', address: 'all', digest: 'sha256:x' },
    last_attempt: { version: 4, result: 'refused', code: 'schema' },
    pending: { id: 'u', version: 5, waiting_for: ['lock', 'window'] },
    ...{ drift: { digest: 'sha256:y' }, pinned: null, at: '2026-01-02T00:00:00.000Z' },
  };
  const holder = { pid: 7, start: 8, command: 'flock', user: 'root', unit: null };
  const lock = {
    state: 'HOT',
    verdict: 'orphaned',
    holder,
    since: '2026-01-01T00:00:00.000Z',
    token: 9,
    refusals: 2,
    file: 'a',
  };
  t.ok(view.take(frame('d2/reported/aim', reported)));
  t.ok(view.take(frame('d2/lock/aim', lock)));
  t.ok(view.take(frame('d1/status', { state: 'offline', reason: 'SIGTERM', at: '2026-01-03T00:00:00.000Z' })));
  t.match(view.devices(), [
    { device: 'd1', online: false, reason: 'SIGTERM', lastSeen: '2026-01-03T00:00:00.000Z', configs: {} },
    {
      ...{ device: 'd2', online: null, lastSeen: '2026-01-02T00:00:00.000Z' },
      configs: {
        aim: {
          ...{ version: 3, layer: 'base', address: 'all', digest: 'sha256:x', drifted: true, pinned: false },
          ...{ last: { version: 4, result: 'refused', code: 'schema' }, waitsFor: ['lock', 'window'] },
        },
      },
      locks: { aim: { state: 'HOT', verdict: 'orphaned', holder, token: 9, refusals: 2, file: 'a' } },
      wire: { status: null, configs: { aim: reported }, locks: { aim: lock } },
    },
  ]);
  for (const what of ['reported/aim', 'lock/aim']) t.ok(view.take(frame(`d2/${what}`, '')));
  t.same(
    view.devices().map(({ device }) => device),
    ['d1'],
    'what was cleared is gone',
  );
});

t.test('what tells nothing of a device, or is not what it should be, is passed over', async (t) => {
  const view = openFleetView('fleet');
  for (const topic of ['a b/status', 'd1', 'd1/evt', 'd1/status/x', 'd1/reported', 'd1/reported/a/b', 'd1/lock/a b']) {
    t.notOk(view.take(frame(topic, { state: 'online' })), topic);
  }
  t.notOk(view.take({ ...frame('d1/status', { state: 'online' }), topic: 'other/v1/dev/d1/status' }));
  for (const body of ['x', '[]', 'null']) t.notOk(view.take(frame('d1/status', body)), body);
  view.take(frame('d1/reported/aim', { running: 7, last_attempt: 'x', pending: [], at: 'never' }));
  view.take(frame('d1/lock/aim', { state: 'WARM' }));
  t.match(view.devices(), [
    { lastSeen: null, configs: { aim: { version: 0, layer: null, last: null, waitsFor: [] } }, locks: {} },
  ]);
  view.take(frame('d1/status', { state: 'offline', reason: '\u001b[31m' }));
  t.equal(view.devices()[0]?.reason, '?[31m', 'nothing a device says moves the cursor');
});

t.test('groups as a device says them', async (t) => {
  const groups = (status: object) => {
    const view = openFleetView('fleet');
    view.take(frame('d/status', status));
    return view.devices().map((device) => device.groups);
  };
  t.same(groups({ groups: ['a', 7, 'b', '../x'] }), [['a', 'b']]);
  for (const status of [{}, { groups: 'a' }]) t.same(groups(status), [[]]);
});
