import t from 'tap';
import { flockBy, leakBy } from '../fixtures/lock-holders.ts';
import { makeDevice } from '../fixtures/lock-settings.ts';
import { run } from '../fixtures/locksmith.ts';

t.test('a list for people and the wire objects for machines', async (t) => {
  const { settings, conf } = makeDevice(t);
  const cold = await run(['locks', '--settings', settings]);
  t.match(cold, { code: 0, stderr: '', stdout: /^aim {2}COLD {2}token 0 {2}aim\.conf: free/ });
  const locker = await flockBy(t, conf);
  const hot = await run(['locks', '--settings', settings]);
  t.match(hot.stdout, `aim  HOT   token 0  aim.conf: held by pid ${locker.pid} flock, user root, for `);
  const json = JSON.parse((await run(['locks', '--json', '--settings', settings])).stdout);
  const holder = { pid: locker.pid, command: 'flock', user: 'root', unit: null };
  t.match(json, [{ state: 'HOT', verdict: 'held', holder, token: 0, refusals: 0, file: 'aim.conf' }]);
  t.type(json[0].since, 'string');
});

t.test('one lock is explained, with what to do', async (t) => {
  const { settings, lockDir } = makeDevice(t);
  await run(['locks', '--settings', settings]);
  const locker = await leakBy(t, `${lockDir}/lock`);
  const one = await run(['locks', 'aim', '--settings', settings]);
  t.match(one.stdout, /took the lock and is gone, but pid \d+ sleep, user root,\s+got\s+the\s+open\s+lock\s+file/);
  const json = JSON.parse((await run(['locks', 'aim', '--json', '--settings', settings])).stdout);
  t.match(json, { verdict: 'orphaned', holder: { pid: Number(locker.said) }, explanation: String, remedy: /kill \d+/ });
  process.kill(Number(locker.said), 'SIGKILL');
});

t.test('without root it says what root would see', async (t) => {
  const { settings, lockDir } = makeDevice(t);
  await run(['locks', '--settings', settings]);
  await flockBy(t, `${lockDir}/lock`);
  const under = ['setpriv', '--reuid=nobody', '--clear-groups'];
  const ran = await run(['locks', '--settings', settings], { under });
  t.match(ran, { code: 0, stdout: /^aim {2}HOT .* held by pid \d+ flock/, stderr: /root would/ });
});

t.test('a config that is not there', async (t) => {
  const { settings } = makeDevice(t);
  t.match(await run(['locks', 'other', '--settings', settings]), { code: 4, stderr: /no config 'other'/ });
  t.match(await run(['locks', 'a', 'b', '--settings', settings]), { code: 2 });
});
