import t from 'tap';
import { flockBy, leakBy } from '../fixtures/lock-holders.ts';
import { makeDevice } from '../fixtures/lock-settings.ts';
import { run } from '../fixtures/locksmith.ts';

t.test('the plan changes nothing; carried out, the lock is COLD', async (t) => {
  const { settings } = makeDevice(t);
  const release = (...more: readonly string[]) => run(['release', 'aim', '--settings', settings, ...more]);
  t.match(await release(), { code: 4, stderr: /COLD already/ });
  await run(['hold', 'aim', '--for', '1h', '--settings', settings]);
  t.match(await release(), { code: 0, stdout: /aim\.conf HOT .*\n1\. prove that nobody/, stderr: /Nothing was done/ });
  t.match(await run(['locks', '--json', '--settings', settings]), { stdout: /"HOT"/ });
  t.match(await release('--yes'), { code: 2, stderr: /--reason/ });
  t.match(await release('--yes', '--reason', 'over'), { code: 0, stdout: /aim\.conf is COLD, token 3\n$/ });
  t.match(await release('--yes', '--reason', 'over'), { code: 4 });
});

t.test('refused on a live holder; an orphan only with --end-holder', async (t) => {
  const { settings, conf } = makeDevice(t);
  const release = (...more: readonly string[]) =>
    run(['release', 'aim', '--settings', settings, '--yes', '--reason', 'over', ...more]);
  const locker = await flockBy(t, conf);
  t.match(await release('--end-holder', '--break'), {
    code: 3,
    stderr: new RegExp(`pid ${locker.pid} flock.*live holder`),
  });
  await locker.end();
  const leak = await leakBy(t, conf);
  t.match(await release(), { code: 3, stderr: /orphaned.*--end-holder/ });
  t.match(await release('--end-holder'), { code: 0, stdout: new RegExp(`ended pid ${leak.said} sleep`) });
});
