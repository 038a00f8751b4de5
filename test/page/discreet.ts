import t from 'tap';
import { discreetEntry, discreetEvent, discreetReported } from '../../agent/page/discreet.ts';
import { tellEvent } from '../../agent/update/story.ts';
import { logEntry } from '../../agent/values/log-line.ts';
import type { EventBody, Reported } from '../../agent/values/report.ts';

const isOpen = (config: string) => config === 'open';
const failed = { event: 'failed', config: 'aim', version: 3, layer: 'base', address: 'all' } as const;
const entryOf = (body: EventBody) => {
  const { code = null, config = null, event } = body;
  return logEntry(0, 'error', tellEvent(body).line, { event, code, config });
};

t.test('what a check said of a file that not everybody may read stays inside', async (t) => {
  for (const code of ['schema', 'check-failed', 'reload-failed', 'health-failed'] as const) {
    const body = { ...failed, code, reason: `check aim-check ended with 1: (${code}) hunter2` };
    const [event, entry] = [discreetEvent(body, isOpen), discreetEntry(entryOf(body), isOpen)];
    t.match(event, { event: 'failed', config: 'aim', code, reason: /for root: locksmith log$/ });
    t.equal(entry.text, tellEvent(event).line, 'log and history say the same');
    t.match(entry.text, `failed aim base version 3 for all (${code}): not everybody`);
    t.notMatch(JSON.stringify([event, entry]), 'hunter2');
  }
});

t.test('what tells nothing of a file, or of one that everybody may read, is told', async (t) => {
  for (const body of [
    { ...failed, config: 'open', code: 'check-failed', reason: 'said: hunter2' },
    { ...failed, code: 'disk-full', reason: 'no room' },
    { event: 'started' },
  ] as const) {
    t.equal(discreetEvent(body, isOpen), body);
    const entry = entryOf(body);
    t.equal(discreetEntry(entry, isOpen), entry);
  }
});

t.test('a line that does not have its code in it, and one of no config', async (t) => {
  const fields = { event: 'alarm', code: 'schema' };
  const entry = logEntry(0, 'error', 'hunter2', fields);
  t.match(discreetEntry(entry, isOpen).text, /^alarm \(schema\): not everybody/);
});

t.test('the last attempt', async (t) => {
  const last = { id: 'u', version: 3, layer: 'base', address: 'all', digest: 'd', result: 'failed', at: '' } as const;
  const reported: Reported = {
    ...{ seq: 1, boot: 'b', at: '', clock: 'ok' },
    running: { version: 0, layer: null, address: null, digest: 'd', since: null },
    last_attempt: { ...last, code: 'check-failed', reason: 'hunter2' },
    ...{ pending: null, drift: null, pinned: null, confirmed_by: null },
  };
  t.match(discreetReported('aim', reported, isOpen).last_attempt, { result: 'failed', reason: /for root/ });
  t.equal(discreetReported('open', reported, isOpen), reported);
  const none = { ...reported, last_attempt: null };
  t.equal(discreetReported('aim', none, isOpen), none);
});
