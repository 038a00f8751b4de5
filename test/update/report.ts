import t from 'tap';
import { about, attemptOf, refusalEvent, sayReported } from '../../agent/update/report.ts';
import type { Refusal } from '../../agent/values/errors.ts';
import { heldUpdate, SIGNED_S } from '../fixtures/update.ts';

const held = heldUpdate({ id: 'u-9', version: 9, address: 'grp/canary', layer: 'shadow', until: SIGNED_S + 60 });
const refusal: Refusal = { kind: 'refusal', code: 'lock-mismatch', mismatch: 'hot', reason: 'why', final: false };

t.test('an event says which document, and why', async (t) => {
  const which = { config: 'aim', update: 'u-9', version: 9, layer: 'shadow', address: 'grp/canary' };
  t.same(about(held), which);
  const event = { event: 'refused', ...which, code: 'lock-mismatch', mismatch: 'hot', reason: 'why', final: false };
  t.same(refusalEvent(held, refusal), event);
  const { mismatch: _, ...plain } = { ...refusal, code: 'schema' as const };
  t.notOk('mismatch' in refusalEvent(held, plain), 'no key without a value');
});

t.test('the last attempt, refused and applied', async (t) => {
  const at = '2026-01-01T00:00:00.000Z';
  const which = { id: 'u-9', version: 9, layer: 'shadow', address: 'grp/canary', digest: held.digest, at };
  t.same(attemptOf(held, 'refused', at, refusal), {
    ...which,
    result: 'refused',
    code: 'lock-mismatch',
    reason: 'why',
  });
  t.same(attemptOf(held, 'applied', at, null), { ...which, result: 'applied', code: null, reason: null });
});

t.test('the state of a config, before and after the first move', async (t) => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const before = { version: 0, layer: null, address: null, digest, since: null } as const;
  const rest = { last_attempt: null, pending: null, drift: null, pinned: null };
  const view = { lastAttempt: null, pending: null, drift: null, pinned: null, confirmedBy: null };
  t.same(sayReported('aim', { ...view, running: before }), {
    kind: 'reported',
    config: 'aim',
    body: { running: before, ...rest, confirmed_by: null },
  });
  const running = { version: 9, layer: 'shadow', address: 'grp/canary', digest, since: 'now' } as const;
  const pending = { id: null, version: 0, waiting_for: ['lock'] } as const;
  const drift = { digest: 'sha256:by hand' };
  t.same(sayReported('aim', { ...view, running, pending, drift, confirmedBy: 'none' }), {
    kind: 'reported',
    config: 'aim',
    body: { running, ...rest, pending, drift, confirmed_by: 'none' },
  });
});
