import t from 'tap';
import {
  type SentDocument,
  type Standing,
  type StandingInput,
  sayHot,
  standingOf,
} from '../../../agent/fleet/rollout/standing.ts';
import { openFleetView, type SeenDevice } from '../../../agent/fleet/view.ts';

const NOW_S = 10_000;
const sent: SentDocument = { id: 'u', version: 4, layer: 'shadow', address: 'dev/d1', iat: NOW_S - 10 };
const running = (changes: object = {}) => ({ version: 4, layer: 'shadow', address: 'dev/d1', digest: 'x', ...changes });
const before = running({ version: 0, layer: null, address: null });
const hot = {
  ...{ state: 'HOT', verdict: 'orphaned', token: 7, since: new Date((NOW_S - 240) * 1000).toISOString() },
  ...{ holder: { pid: 812, start: 41, command: 'sleep', user: 'root' }, refusals: 1, file: 'aim.conf' },
};

function seen(
  reported: object | null,
  status: object = { state: 'online' },
  lock: object | null = null,
): SeenDevice | null {
  const view = openFleetView('fleet');
  const say = (topic: string, body: object) =>
    view.take({ topic: `fleet/v1/dev/d1/${topic}`, payload: Buffer.from(JSON.stringify(body)), retain: true });
  say('status', status);
  if (reported !== null) say('reported/aim', reported);
  if (lock !== null) say('lock/aim', lock);
  return view.devices()[0] ?? null;
}

const stands = (device: SeenDevice | null, changes: Partial<StandingInput> = {}): Standing =>
  standingOf({
    ...{ device: 'd1', config: 'aim', seen: device, sent, nowS: NOW_S, sinceS: 0, withinS: 60 },
    ...{ isSkipped: false, worse: null, ...changes },
  });
const attempt = (result: string, changes: object = {}) => ({ id: 'u', result, code: null, reason: null, ...changes });

t.test('how a device stands to what was sent to it', async (t) => {
  const over = { sent: { ...sent, iat: NOW_S - 60 } };
  const offline = { state: 'offline', reason: 'connection lost' };
  const pending = (gates: readonly string[]) => ({
    ...{ running: before, last_attempt: attempt('waiting'), pending: { id: 'u', version: 4, waiting_for: gates } },
  });
  const well = { running: running(), last_attempt: attempt('applied'), pending: null };
  const table: readonly (readonly [string, SeenDevice | null, Partial<StandingInput>, object])[] = [
    ['nothing was sent', seen(well), { sent: null }, { state: 'unsent' }],
    ['skipped before it was sent', null, { sent: null, isSkipped: true }, { state: 'skipped' }],
    ['never heard of', null, {}, { state: 'silent' }],
    [
      'says nothing',
      seen({ running: before, last_attempt: null, pending: null }),
      {},
      { state: 'silent', why: /not said/ },
    ],
    ['says nothing, for too long', seen({ running: before }), over, { state: 'late', isLate: true }],
    [
      'its time begins anew with whoever goes on',
      seen({ running: before }),
      { ...over, sinceS: NOW_S - 1 },
      { state: 'silent' },
    ],
    [
      'is offline',
      seen({ running: before }, offline),
      {},
      { state: 'silent', why: /^offline since .*connection lost/ },
    ],
    ['runs it', seen(well), {}, { state: 'confirmed', why: '' }],
    ['runs it, however long ago', seen(well), over, { state: 'confirmed' }],
    ['runs it, and is gone', seen(well, offline), {}, { state: 'silent', why: /applied it, and is offline/ }],
    ['runs it, and is gone for good', seen(well, offline), over, { state: 'late' }],
    ['runs it, and is worse off', seen(well), { worse: 'restarts' }, { state: 'worse', why: 'restarts' }],
    ['runs an older one', seen({ ...well, running: running({ version: 3 }) }), {}, { state: 'silent' }],
    ['runs that version of the base', seen({ ...well, running: running({ layer: 'base' }) }), {}, { state: 'silent' }],
    [
      'runs the base that was sent',
      seen({ ...well, running: running({ layer: 'base' }) }),
      { sent: { ...sent, layer: 'base' } },
      { state: 'confirmed' },
    ],
    ['waits for a window', seen(pending(['window'])), {}, { state: 'waiting', why: 'waits for window' }],
    [
      'waits for too long',
      seen(pending(['vehicle', 'window'])),
      over,
      { state: 'late', why: 'waits for vehicle, window' },
    ],
    [
      'is HOT',
      seen(pending(['lock']), { state: 'online' }, hot),
      {},
      { state: 'hot', isLate: false, code: 'lock-mismatch' },
    ],
    ['is HOT all the time', seen(pending(['lock']), { state: 'online' }, hot), over, { state: 'hot', isLate: true }],
    [
      'waits for a lock that is COLD by now',
      seen(pending(['lock']), {}, { ...hot, state: 'COLD' }),
      {},
      { state: 'waiting' },
    ],
    [
      'was refused',
      seen({ running: before, last_attempt: attempt('refused', { code: 'schema', reason: 'no' }), pending: null }),
      {},
      { state: 'failed', why: 'refused: no', code: 'schema' },
    ],
    [
      'was taken back',
      seen({ running: before, last_attempt: attempt('rolled-back'), pending: null }),
      {},
      { state: 'failed', why: 'rolled-back' },
    ],
    [
      'failed at something else',
      seen({ running: before, last_attempt: attempt('failed', { id: 'other' }), pending: null }),
      {},
      { state: 'silent' },
    ],
    ['skipped', seen(pending(['lock']), { state: 'online' }, hot), { isSkipped: true }, { state: 'skipped' }],
    ['skipped, and well after all', seen(well), { isSkipped: true }, { state: 'confirmed' }],
    [
      'a group does not reach it',
      seen({ ...well, running: running({ version: 9 }) }),
      { sent: { ...sent, address: 'grp/a' } },
      { state: 'covered' },
    ],
  ];
  for (const [name, device, changes, expected] of table) t.match(stands(device, changes), expected, name);
});

t.test('a HOT lock names its true holder, with all that a release is bound to', async (t) => {
  const device = seen(null, {}, hot);
  const lock = device?.locks.aim;
  if (lock === undefined) throw new Error('no lock');
  t.equal(sayHot(lock, NOW_S), 'aim.conf HOT, orphaned: pid 812 start 41 sleep, user root, for 4 min, token 7');
  t.equal(
    sayHot({ ...lock, holder: null, since: null, file: null, verdict: null }, NOW_S),
    'its lock HOT, no verdict: nobody that can be seen, token 7',
  );
});
