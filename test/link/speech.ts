import t from 'tap';
import { createSpeech } from '../../agent/link/speech.ts';
import type { JournalRecord } from '../../agent/ports/journal.ts';
import type { Saying } from '../../agent/ports/outbox.ts';
import { Failure } from '../../agent/values/errors.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { COLD } from '../fixtures/update.ts';

function room(append: (records: readonly JournalRecord[]) => Promise<void> = async () => {}) {
  const story: string[] = [];
  const fatal: unknown[] = [];
  const clock = manualClock();
  const speech = createSpeech({
    outbox: {
      stamp: (messages: readonly Saying[]) => messages.map(({ kind, config }) => ({ t: 'out', kind, config })),
      wake: (records) => void story.push(`sent ${records.map(({ kind }) => kind).join(' ')}`),
    },
    journal: {
      async append(records) {
        await append(records);
        story.push(`durable ${records.map(({ t: type }) => type).join(' ')}`);
      },
      note: () => {},
    },
    clock,
    log: { say: (level, line) => void story.push(`${level} ${line}`) },
    tell: ({ event }) => ({ level: 'notice', line: event }),
    onFatal: (error) => void fatal.push(error),
  });
  return { speech, story, fatal, clock };
}

t.test('durable, then to the fleet, then to the technician', async (t) => {
  const { speech, story } = room();
  await speech.speak([{ t: 'held' }], [{ event: 'applied' }], [{ kind: 'reported', config: 'aim', body: {} }]);
  t.same(story, ['durable held out out', 'sent evt reported', 'notice applied']);
});

t.test('what could not be made durable is not said', async (t) => {
  const full = new Failure('disk-full', 'journal.append', '/state/journal', 'full', { retry: true });
  const { speech, story, fatal } = room(() => Promise.reject(full));
  await t.rejects(speech.speak([], [{ event: 'applied' }]), full);
  t.same(story, []);
  speech.later(speech.speak([], [{ event: 'applied' }]));
  await new Promise(setImmediate);
  t.same(story, ['error cannot remember: full (disk-full)']);
  const bug = new Error('a bug');
  speech.later(Promise.reject(bug));
  await new Promise(setImmediate);
  t.same(fatal, [bug]);
});

t.test('a moved token goes out with the next word, or by itself after a moment', async (t) => {
  const { speech, story, clock } = room();
  speech.tokenMoved('aim', COLD);
  speech.tokenMoved('aim', { ...COLD, token: 9 });
  await speech.speak([], [{ event: 'applied' }]);
  t.same(story, ['durable out out', 'sent evt lock', 'notice applied']);
  clock.advance(1_000);
  t.equal(story.length, 3, 'not once more');
  speech.tokenMoved('aim', COLD);
  clock.advance(1_000);
  await new Promise(setImmediate);
  t.same(story.slice(3), ['durable out', 'sent lock']);
});
