import t from 'tap';
import { sayPending } from '../../agent/values/pending.ts';
import type { LastAttempt } from '../../agent/values/report.ts';

const last: LastAttempt = {
  ...{ id: 'u', version: 2, layer: 'shadow', address: 'grp/canary', digest: 'sha256:0' },
  ...{ result: 'refused', code: 'lock-mismatch', reason: 'lock mismatch: aim.conf HOT', at: '2026-11-27T20:09:09Z' },
};

t.test('what waits is told from what runs, which may have the same version', async (t) => {
  const pending = { id: 'u', version: 2, waiting_for: ['lock'] } as const;
  t.equal(sayPending({ pending, last_attempt: last }), 'shadow version 2 for grp/canary');
  t.equal(sayPending({ pending, last_attempt: { ...last, id: 'another' } }), 'version 2', 'nothing is made up');
  t.equal(sayPending({ pending, last_attempt: null }), 'version 2');
});

t.test('nothing, and the way back', async (t) => {
  t.equal(sayPending({ pending: null, last_attempt: last }), null);
  const back = { id: null, version: 0, waiting_for: ['lock'] } as const;
  t.equal(sayPending({ pending: back, last_attempt: last }), 'the return to what was before');
});
