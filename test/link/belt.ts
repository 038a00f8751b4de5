import t from 'tap';
import { openBelt } from '../../agent/link/belt.ts';
import { manualClock } from '../fixtures/manual-clock.ts';

const turn = () => new Promise(setImmediate);

/** A belt over the numbers of a list, with answers given by hand. */
function bench(waitMs = () => 0) {
  const clock = manualClock();
  const queue: number[] = [];
  const had: number[] = [];
  const refused: number[] = [];
  const lines: string[] = [];
  const under = new Set<number>();
  const answers: { readonly n: number; answer(code: number): Promise<void> }[] = [];
  const belt = openBelt<number>({
    clock,
    log: { say: (_level, line) => void lines.push(line) },
    next: () => queue.find((n) => !under.has(n) && !had.includes(n)) ?? null,
    waitMs,
    message: (n) => ({ topic: 'x', text: String(n), retain: false }),
    sent: (n) => void under.add(n),
    had(n) {
      under.delete(n);
      had.push(n);
    },
    refused(n) {
      under.delete(n);
      refused.push(n);
    },
  });
  const publish = (_topic: string, text: string) =>
    new Promise<number>((resolve) => {
      answers.push({
        n: Number(text),
        async answer(code) {
          resolve(code);
          await turn();
        },
      });
    });
  return { clock, queue, had, refused, lines, answers, belt, publish, sent: () => answers.map(({ n }) => n) };
}

t.test('in order, eight at a time, the next when one is through', async (t) => {
  const { queue, belt, publish, sent, answers, had } = bench();
  queue.push(...Array.from({ length: 12 }, (_, n) => n + 1));
  belt.pump();
  t.same(sent(), [], 'it stands without a link');
  belt.up(publish);
  belt.pump();
  t.same(sent(), [1, 2, 3, 4, 5, 6, 7, 8]);
  t.equal(belt.under(), 8);
  await answers[0]?.answer(0);
  t.same(had, [1]);
  t.same(sent().at(-1), 9);
});

t.test('what was under way goes again over the next link; a late answer over the old one does not count', async (t) => {
  const { queue, belt, publish, sent, answers, had } = bench();
  queue.push(1);
  belt.up(publish);
  belt.pump();
  belt.down();
  await answers[0]?.answer(0);
  t.same(had, []);
  queue.splice(0, 1, 2);
  belt.up(publish);
  belt.pump();
  t.same(sent(), [1, 2]);
});

t.test('a refusal pauses the belt, so that a missing right is no loop', async (t) => {
  const { clock, queue, belt, publish, sent, answers, refused, lines } = bench();
  queue.push(1);
  belt.up(publish);
  belt.pump();
  await answers[0]?.answer(135);
  t.same(refused, [1]);
  t.match(lines, [/does not let this device publish to x/]);
  belt.pump();
  t.same(sent(), [1]);
  clock.advance(30_000);
  t.same(sent(), [1, 1]);
});

t.test('a pace is kept, also over what is pumped meanwhile', async (t) => {
  const wait = { ms: 500 };
  const { clock, queue, belt, publish, sent } = bench(() => wait.ms);
  queue.push(1);
  belt.up(publish);
  belt.pump();
  wait.ms = 0;
  belt.pump();
  t.same(sent(), []);
  clock.advance(500);
  t.same(sent(), [1]);
});
