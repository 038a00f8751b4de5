import t, { type Test } from 'tap';
import { bodyOf } from '../../../agent/fleet/kept.ts';
import type { Plan } from '../../../agent/fleet/rollout/plan.ts';
import { type FakeFleet, fakeFleet } from '../../fixtures/fake-fleet.ts';
import { plan as planOf, rules, wave } from '../../fixtures/rollout.ts';
import { NEW_DIGEST, rolloutOperator } from '../../fixtures/rollout-operator.ts';
import { until } from '../../fixtures/until.ts';

// How heartbeats, what a device reports and halts come together: whole roll-outs, on a fleet that answers at once.

const IDS = ['d1', 'd2', 'd3'];
const nowS = () => Math.floor(Date.now() / 1000);
const fresh = (changes: Partial<Plan> = {}): Plan =>
  planOf({
    ...{ digest: NEW_DIGEST, until: nowS() + 3600, version: 0, since: nowS(), rules: rules({ soak_s: 1 }) },
    ...{ waves: [wave(['d1']), wave(['d2', 'd3'], { name: 'wave 1' })], ...changes },
  });

/** A fleet that beats all the time; `after` is different in the beats of who runs the new version. */
function beating(t: Test, after: Readonly<Record<string, object>> = {}): FakeFleet {
  const fleet = fakeFleet(IDS);
  const vehicle = { safety: 'safe', fix: '3d', reason: 'landed' };
  const timer = setInterval(() => {
    for (const id of IDS) fleet.beat(id, { vehicle, ...(fleet.runs(id).digest === NEW_DIGEST ? after[id] : {}) });
  }, 20);
  t.teardown(() => clearInterval(timer));
  return fleet;
}

const changed = (fleet: FakeFleet) => [...fleet.retained.keys()].filter((topic) => topic.endsWith('/shadow'));

t.test('a canary that is worse off by its heartbeats is taken back, and nobody else is touched', async (t) => {
  const operator = await rolloutOperator(t);
  const silent = { safety: 'unknown', fix: null, reason: 'nothing for 5 s' };
  const table = [
    ['its agent started anew before it was heard again', { seq: 1, uptime_s: 1 }, /d1 worse: its agent has restarted/],
    [
      'it came up with no idea of the time',
      { boot: 'two', at: '1970-01-01T00:00:09.000Z', clock: 'untrusted' },
      /restarted/,
    ],
    ['its link goes again and again', { link: { reconnects: 3 } }, /d1 worse: its link was lost 3 times/],
    ['its vehicle falls silent', { vehicle: silent }, /d1 worse: its vehicle is not heard any more/],
  ] as const;
  for (const [name, after, why] of table) {
    const fleet = beating(t, { d1: after });
    const { end, plan } = await operator.goOn(fleet.link(), fresh());
    t.match(end, { kind: 'failed', why }, name);
    t.equal(plan.stage, 'halted');
    t.same(changed(fleet), ['fleet/v1/dev/d1/desired/aim/shadow'], name);
    t.ok(fleet.retained.has('fleet/v1/all/halt'), 'and a stop sign stays');
  }
});

t.test('an agent that starts anew while the others are still being sent is seen too', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  const lives = { since: 0 };
  const beat = () => {
    lives.since += lives.since === 0 ? 0 : 1;
    fleet.beat('d1', lives.since === 0 ? {} : { seq: lives.since, uptime_s: lives.since });
  };
  const timer = setInterval(beat, 20);
  t.teardown(() => clearInterval(timer));
  const link = fleet.link((topic) => {
    if (!topic.endsWith('dev/d1/desired/aim/shadow') || lives.since > 0) return;
    lives.since = 1;
    beat();
  });
  const { end } = await operator.goOn(link, fresh());
  t.match(end, { kind: 'failed', why: /d1 worse: its agent has restarted once/ });
});

t.test('nothing is sent before a heartbeat of each device was heard', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  fleet.setOnline('d3', false);
  const sent: string[] = [];
  const link = fleet.link((topic) => {
    if (topic.endsWith('/shadow')) sent.push(topic);
  });
  const going = operator.goOn(link, fresh({ waves: [wave(['d1', 'd2'])] }));
  const beats = { d1: 0 };
  const timer = setInterval(() => {
    beats.d1 += 1;
    fleet.beat('d1');
  }, 20);
  t.teardown(() => clearInterval(timer));
  await until('it is listened to for a while', () => beats.d1 > 50);
  t.same(sent, [], 'd2 was not heard yet');
  const both = setInterval(() => fleet.beat('d2'), 20);
  t.teardown(() => clearInterval(both));
  const { end, said } = await going;
  t.match(end, { kind: 'done' });
  t.ok(said.includes('canary: listens to the heartbeats of its devices first'));
});

t.test('a device that runs it and is not heard any more is not well', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  const timer = setInterval(() => {
    for (const id of IDS) if (fleet.runs(id).digest !== NEW_DIGEST) fleet.beat(id);
  }, 20);
  t.teardown(() => clearInterval(timer));
  const { end } = await operator.goOn(fleet.link(), fresh({ rules: rules({ soak_s: 1, within_s: 2 }) }));
  t.match(end, { kind: 'failed', why: /^canary: d1 silent: runs it, and no heartbeat has come since/ });
});

/** Heartbeats of some devices from now on, until the test is over. */
function beats(t: Test, beat: () => void): void {
  const timer = setInterval(beat, 20);
  t.teardown(() => clearInterval(timer));
}

/** Lets time pass that nobody waits for. */
function timePasses(t: Test): (ms: number) => void {
  const now = performance.now;
  const passed = { ms: 0 };
  performance.now = () => now.call(performance) + passed.ms;
  t.teardown(() => {
    performance.now = now;
  });
  return (ms) => {
    passed.ms += ms;
  };
}

/** A heartbeat of an agent that has started a minute from now. */
const lately = () => ({ at: new Date(Date.now() + 61_000).toISOString(), boot: 'two', seq: 1, uptime_s: 1 });

t.test('a canary that was turned off and on long after is well to who resumes', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  const first = await operator.goOn(fleet.link(), fresh({ rules: rules({ soak_s: 0, pause: true }) }));
  t.match(first.end, { kind: 'paused' });
  const topic = 'fleet/v1/dev/d1/reported/aim';
  const { running, ...report } = JSON.parse(fleet.retained.get(topic) ?? '{}');
  const since = new Date().toISOString();
  fleet.publish(topic, JSON.stringify({ ...report, running: { ...running, since } }), true);
  beats(t, () => {
    fleet.beat('d1', lately());
    for (const id of ['d2', 'd3']) fleet.beat(id);
  });
  const next: Plan = { ...first.plan, stage: 'waves', since: nowS(), rules: rules({ soak_s: 1, within_s: 20 }) };
  t.match((await operator.goOn(fleet.link(), next)).end, { kind: 'done' });
});

t.test('a device that is away when it is sent to starts before it has it: that is no fault of it', async (t) => {
  const operator = await rolloutOperator(t);
  for (const wasHeard of [true, false]) {
    const fleet = fakeFleet(IDS);
    const state = { isSent: false };
    const link = fleet.link((topic) => {
      if (topic.endsWith('dev/d2/desired/aim/shadow')) state.isSent = true;
      if (!topic.endsWith('dev/d1/desired/aim/shadow')) return;
      if (wasHeard) fleet.beat('d2');
      fleet.setOnline('d2', false);
    });
    beats(t, () => {
      for (const id of ['d1', 'd3']) fleet.beat(id);
      if (!state.isSent) return;
      if (fleet.runs('d2').digest !== NEW_DIGEST) fleet.setOnline('d2', true);
      fleet.beat('d2', lately());
    });
    t.match((await operator.goOn(link, fresh())).end, { kind: 'done' }, wasHeard ? 'heard before' : 'not heard before');
  }
});

t.test('the time to stay well begins anew when the link was lost meanwhile', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  const state = { heard: 0, isBack: false };
  beats(t, () => {
    if (state.isBack) return;
    for (const id of IDS) fleet.beat(id, { vehicle: { safety: 'safe', fix: '3d', reason: 'landed' } });
    if (fleet.runs('d1').digest === NEW_DIGEST) state.heard += 1;
  });
  const connect = async () => {
    state.isBack = true;
    const silent = { vehicle: { safety: 'unknown', fix: null, reason: 'nothing for 5 s' } };
    setTimeout(() => beats(t, () => fleet.beat('d1', silent)), 200);
    return fleet.link();
  };
  const going = operator.goOn(fleet.link(), fresh(), { connect });
  await until('it has been well for a while', () => state.heard > 20);
  fleet.cut();
  t.match((await going).end, { kind: 'failed', why: /d1 worse: its vehicle is not heard any more/ });
  t.same(changed(fleet), ['fleet/v1/dev/d1/desired/aim/shadow']);
});

t.test('how long a device was not heard counts from the link on', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  const pass = timePasses(t);
  beats(t, () => fleet.beat('d1'));
  const connect = async () => {
    pass(100_000);
    return fleet.link();
  };
  const going = operator.goOn(fleet.link(), fresh({ waves: [wave(['d1']), wave(['d2'])] }), { connect });
  await until('it is sent', () => fleet.writes('d1') > 0);
  fleet.cut();
  setTimeout(() => beats(t, () => fleet.beat('d2')), 4000);
  const { end, said } = await going;
  t.match(end, { kind: 'done' });
  t.notOk(said.some((line) => line.startsWith('no heartbeat of')));
});

t.test('who was judged by its reports alone stays so, though it is heard once', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  const pass = timePasses(t);
  const state = { isOver: false };
  const link = fleet.link((topic) => {
    if (topic.endsWith('dev/d1/desired/aim/shadow')) fleet.beat('d1');
    // The first thing that is published while it listens: once it is there, nobody has been heard for long enough.
    if (topic.endsWith('/plan') && !state.isOver) {
      state.isOver = true;
      pass(100_000);
    }
  });
  const soon = rules({ soak_s: 1, within_s: 2 });
  const { end, said } = await operator.goOn(link, fresh({ waves: [wave(['d1'])], rules: soon }));
  t.match(end, { kind: 'done' });
  t.ok(said.includes('no heartbeat of d1: judged by what they report alone'));
});

t.test('--keep-failed: nothing is taken back, and who has not begun is held by a stop sign', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  fleet.manner('d2', 'fails');
  const published: string[] = [];
  const link = fleet.link((topic) => void published.push(topic));
  const { end, plan } = await operator.goOn(link, fresh({ rules: rules({ soak_s: 0, undo: false }) }));
  t.match(end, { kind: 'failed', why: /^wave 1: d2 failed: [^;]*$/ });
  t.match(plan, { stage: 'paused', wave: 1 });
  t.match(bodyOf(Buffer.from(fleet.retained.get('fleet/v1/all/halt') ?? '')), { rollout: 'spring', aud: 'all' });
  t.same(published.slice(-2), ['fleet/v1/all/halt', 'fleet/v1/rollout/spring/plan'], 'the sign comes first');
  t.same([fleet.writes('d1'), fleet.writes('d3')], [1, 1], 'what runs is left alone');
});

t.test('a halt of anybody whose turn it is holds the roll-out; nothing is taken back', async (t) => {
  const operator = await rolloutOperator(t);
  const rest = { soak_s: 0, within_s: 2 };
  const table = [
    ['all', 'grp/a', undefined],
    ['dev/d2', 'all', undefined],
    ['grp/a', 'all', undefined],
    ['grp/a', 'all', ['aim', 'nav']],
  ] as const;
  for (const [aud, target, configs] of table) {
    const name = `${aud} under ${target}`;
    const fleet = fakeFleet(IDS, () => ['a']);
    const link = fleet.link((topic) => {
      if (topic !== 'fleet/v1/dev/d2/desired/aim/shadow') return;
      const halt = { v: 1, id: 'h', aud, version: 3, iat: 5, ...(configs === undefined ? {} : { configs }) };
      fleet.manner('d2', 'silent');
      fleet.publish(`fleet/v1/${aud}/halt`, `x.${Buffer.from(JSON.stringify(halt)).toString('base64url')}.x`, true);
    });
    const { end, plan } = await operator.goOn(link, fresh({ target, rules: rules(rest) }));
    t.match(end, { kind: 'held', why: new RegExp(`^halt version 3 for ${aud} holds (all updates|aim, nav)`) }, name);
    t.match(plan, { stage: 'paused', wave: 1 }, name);
    t.equal(fleet.writes('d1'), 1, name);
  }
});

t.test('a halt of who is not in the roll-out, or of another config, does not', async (t) => {
  const operator = await rolloutOperator(t);
  const fleet = fakeFleet(IDS);
  for (const [aud, configs] of [
    ['dev/d9', ['aim']],
    ['all', ['nav']],
  ] as const) {
    const halt = { v: 1, id: 'h', aud, version: 3, iat: 5, configs };
    fleet.publish(`fleet/v1/${aud}/halt`, `x.${Buffer.from(JSON.stringify(halt)).toString('base64url')}.x`, true);
  }
  t.match((await operator.goOn(fleet.link(), fresh({ rules: rules({ soak_s: 0 }) }))).end, { kind: 'done' });
});
