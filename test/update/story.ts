import t from 'tap';
import { tellEvent } from '../../agent/update/story.ts';
import { EVENTS, type EventBody } from '../../agent/values/report.ts';

const which = { config: 'aim', update: 'u-1', version: 3, layer: 'base', address: 'grp/canary' } as const;

t.test('what the technician reads', async (t) => {
  const table: readonly (readonly [EventBody, string, string])[] = [
    [{ event: 'applied', ...which, changed: true }, 'notice', 'applied aim base version 3 for grp/canary'],
    [
      { event: 'applied', ...which, changed: false },
      'notice',
      'applied aim base version 3 for grp/canary without a change on disk',
    ],
    [
      { event: 'refused', ...which, code: 'schema', reason: 'aim.conf: /rate must be number', final: true },
      'warning',
      'refused aim base version 3 for grp/canary (schema): aim.conf: /rate must be number',
    ],
    [
      { event: 'refused', ...which, code: 'lock-mismatch', reason: 'lock mismatch: aim.conf HOT (held)', final: false },
      'warning',
      'refused aim base version 3 for grp/canary: lock mismatch: aim.conf HOT (held); it stays pending and is tried again by itself',
    ],
    [{ event: 'refused', code: 'bad-signature', reason: 'no', final: true }, 'warning', 'refused (bad-signature): no'],
    [{ event: 'started', reason: 'locksmith 1' }, 'notice', 'started: locksmith 1'],
    [{ event: 'lock-hot', config: 'aim', reason: 'why' }, 'warning', 'lock-hot aim: why'],
    [
      { event: 'alarm', ...which, code: 'version-reused', reason: 'why' },
      'error',
      'alarm aim base version 3 for grp/canary (version-reused): why',
    ],
    [
      { event: 'duplicate', ...which, reason: 'renews u-1' },
      'info',
      'duplicate aim base version 3 for grp/canary: renews u-1',
    ],
  ];
  for (const [event, level, line] of table) t.same(tellEvent(event), { level, line }, line);
});

t.test('every event has words: its own name first, one line, nothing undefined', async (t) => {
  for (const event of EVENTS) {
    for (const body of [{ event }, { event, ...which, reason: 'why' }, { event, config: 'aim', code: 'io' as const }]) {
      t.match(tellEvent(body).line, new RegExp(`^${event}(?!.*(undefined|null| {2}| $))`), JSON.stringify(body));
    }
  }
});

t.test('a command is called by its name', async (t) => {
  const line = (body: EventBody) => tellEvent(body).line;
  const said = { command: 'c-1', cmd: 'release', config: 'aim' };
  t.equal(
    line({ event: 'refused', ...said, code: 'expired', reason: 'exp was yesterday', final: true }),
    'refused command release for aim (expired): exp was yesterday',
  );
  t.equal(line({ event: 'refused', cmd: 'x', code: 'malformed', reason: 'r' }), 'refused command x (malformed): r');
  t.equal(
    line({ event: 'released', ...said, reason: 'gone', who: 'ops-1', old_token: 17, token: 18 }),
    'released command release for aim by ops-1: gone; token 17 → 18',
  );
});
