import t from 'tap';
import { openShow, sayDraft, sayEnd, sayProgress, sayStanding } from '../../agent/cli/rollout-words.ts';
import { plan, standing, wave } from '../fixtures/rollout.ts';

t.test('a device, a wave, a plan', async (t) => {
  t.equal(sayStanding(standing('d1', 'confirmed')), 'd1               confirmed');
  t.match(
    sayStanding(standing('d1', 'failed', { why: 'refused: no', code: 'schema' })),
    /failed: refused: no \(schema\)$/,
  );
  t.match(sayStanding(standing('d1', 'hot', { why: 'lock mismatch: HOT', code: 'lock-mismatch' })), /HOT$/);
  const standings = [
    standing('d1', 'confirmed'),
    standing('d2', 'hot'),
    standing('d3', 'hot'),
    standing('d4', 'skipped'),
  ];
  t.equal(sayProgress({ wave: wave([], { success: 60 }), standings }), 'canary: 1 of 2 confirmed, 2 hot, 1 skipped');
  const draft = {
    plan: plan({ later: ['d9'] }),
    fleet: 4,
    hidden: [{ device: 'd8', by: 'base version 3 for dev/d8' }],
    halted: [{ device: 'd2', by: 'halt version 3 for dev/d2 holds all updates' }],
    missing: [],
    isDone: false,
  };
  t.equal(
    sayDraft(draft),
    [
      'roll-out spring: aim for all, 4 devices',
      '  canary       1  d1',
      '  wave 1       2  d2 d3',
      '  then one base document for all, and the shadows are withdrawn',
      '  each device has 1 min, each wave stays well for 10 s',
      '  offline, and so with the promotion: d9',
      '  left out: d8 covered by base version 3 for dev/d8',
      '  stops at d2: halt version 3 for dev/d2 holds all updates',
      '',
    ].join('\n'),
  );
});

t.test('of many devices that a halt holds some are named', async (t) => {
  const halted = Array.from({ length: 14 }, (_, n) => ({ device: `d${n}`, by: 'halt version 3 for all holds aim' }));
  const said = sayDraft({ plan: plan(), fleet: 14, hidden: [], halted, missing: [], isDone: false });
  t.match(said, / {2}stops at d11: halt version 3 for all holds aim\n {2}and at 2 more that a halt holds\n$/);
});

t.test('an end has an exit code, and says how to go on', async (t) => {
  const ends = [
    [{ kind: 'done', left: [] }, 0, /^done: everybody who is there/],
    [{ kind: 'done', left: ['d1', 'd2'] }, 0, /^done: all but these .*: d1, d2$/],
    [{ kind: 'paused' }, 0, /resume spring$/],
    [{ kind: 'held', why: 'd1: HOT' }, 3, /^stopped: d1: HOT; nothing was taken back.*resume spring$/],
    [{ kind: 'failed', why: 'x', left: [] }, 1, /^failed: x$/],
    [{ kind: 'halted', why: 'x', left: ['d2'] }, 3, /^halted.*d2$/],
    [{ kind: 'taken', why: 'somebody' }, 3, /^somebody$/],
  ] as const;
  const late = { kind: 'failed', why: 'promoted, but x', left: ['x'] } as const;
  t.match(sayEnd(late, plan({ stage: 'promoting' })), {
    exit: 1,
    line: /but x\. To wait.* resume spring; .* halt spring$/,
  });
  for (const [end, exit, words] of ends) t.match(sayEnd(end, plan()), { exit, line: words });
});

t.test('each change is a line once; a terminal has a line that is redrawn; quiet is quiet', async (t) => {
  const said = { out: '', err: '' };
  const terminal = (live: boolean) => ({
    ...{ live, colour: false, columns: null, env: {} },
    out: (text: string) => {
      said.out += text;
    },
    err: (text: string) => {
      said.err += text;
    },
  });
  const one = {
    wave: wave(['d1', 'd2']),
    standings: [standing('d1', 'hot', { why: 'held, for 3 s, token 1' }), standing('d2', 'silent')],
  };
  const show = openShow(terminal(true), false);
  show.standings(plan(), [one]);
  const later = {
    ...one,
    standings: [standing('d1', 'hot', { why: 'held, for 9 s, token 1' }), standing('d2', 'silent')],
  };
  show.standings(plan(), [later]);
  t.equal(said.out, 'd1               hot: held, for 3 s, token 1\n', 'time passing is no news');
  t.match(said.err, /canary: 0 of 2 confirmed, 1 silent, 1 hot …$/);
  t.equal(show.last()[0], later);
  show.progress('promotion: 1 of 2 run the base');
  show.progress('promotion: 1 of 2 run the base');
  t.equal(said.err.split('promotion: 1 of 2 run the base …').length, 2);
  said.out = '';
  said.err = '';
  const quiet = openShow(terminal(true), true);
  quiet.standings(plan(), [one]);
  quiet.note('x');
  quiet.progress('x');
  quiet.clear();
  t.same(said, { out: '', err: '' });
  const many = Array.from({ length: 31 }, (_, index) => standing(`d${index}`, 'confirmed'));
  openShow(terminal(false), false).standings(plan(), [{ wave: wave([]), standings: many }]);
  t.equal(said.out, '', 'of many that are well, the number will do');
});
