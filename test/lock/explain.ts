import t from 'tap';
import { explainLock } from '../../agent/lock/explain.ts';
import { type LockState, VERDICTS } from '../../agent/values/lock.ts';

const holder = { pid: 4711, start: 1, command: 'aim', user: 'root', unit: 'aim.service' };
const hot: LockState = { state: 'HOT', verdict: 'held', holder, since: null, token: 1, refusals: 0, file: 'aim.conf' };
const explain = (lock: Partial<LockState>, stale: string | null = null, running = true) =>
  explainLock('aim', { ...hot, ...lock }, stale, running);

t.test('every verdict has an explanation and a remedy of its own, as whole sentences', async (t) => {
  const said = VERDICTS.map((verdict) => explain({ verdict, leaked_by: 4700 }));
  said.push(explain({ state: 'COLD', verdict: null, holder: null }), explain({ lease: true, until: 'then' }));
  said.push(explain({ state: 'COLD', verdict: null, holder: null, unprivileged: [holder] }));
  for (const { explanation, remedy } of said) {
    t.match(explanation, /^[A-Z].*\.$/);
    t.match(remedy, /^[A-Z].*\.$/);
  }
  t.equal(new Set(said.map(({ explanation }) => explanation)).size, said.length);
});

t.test('it names the way out that is there', async (t) => {
  t.match(explain({ verdict: 'overdue' }).remedy, 'systemctl stop aim.service');
  // Of a unit that is stopped with KillMode=process the orphan stays.
  const orphan = explain({ verdict: 'orphaned' }).remedy;
  t.match(orphan, /^(?!.*systemctl stop).*\(systemctl status 4711\).*\(kill 4711\)/);
  t.match(explain({ verdict: 'orphaned', holder: { ...holder, pid: 0 } }).remedy, /^(?!.*pid 0).*--end-holder/);
  t.match(explain({ verdict: 'stale' }, 'its time is over').explanation, 'its time is over');
  t.match(explain({ verdict: 'stale' }, null, false).remedy, 'Start the agent');
  t.match(explain({ lease: true }).remedy, 'restart of the device');
  t.match(explain({ path: '/etc/aim.conf', reason: 'survey' }).explanation, /\/etc\/aim\.conf itself.*"survey"/);
});
