import { join } from 'node:path';
import t from 'tap';
import { fakeSystemctl } from '../fixtures/fake-systemctl.ts';
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
  const plan = await run(['release', 'aim', '--settings', settings]);
  t.match(plan, {
    code: 0,
    stdout: /would be refused: .*live holder/,
    stderr: /^Nothing was done\. Try: locksmith locks/,
  });
  await locker.end();
  const leak = await leakBy(t, conf);
  t.match(await release(), { code: 3, stderr: /orphaned.*--end-holder/ });
  const unreasoned = await run(['release', 'aim', '--settings', settings, '--yes', '--end-holder']);
  t.match(unreasoned, { code: 2, stderr: /Try: locksmith release aim --end-holder --yes --reason/ });
  t.match(await release('--end-holder'), { code: 0, stdout: new RegExp(`ended pid ${leak.said} sleep`) });
});

t.test('an orphan that we may not end: said at once, and who can', async (t) => {
  const { settings, lockDir } = makeDevice(t);
  await run(['hold', 'aim', '--settings', settings, '--', 'true']);
  const leak = await leakBy(t, join(lockDir, 'lock'), 'nobody');
  const under = ['setpriv', '--bounding-set=-kill', '--inh-caps=-all'];
  const release = (...more: readonly string[]) =>
    run(['release', 'aim', '--settings', settings, '--end-holder', ...more], { under });
  const why = `pid ${leak.said} sleep, user nobody.*: user root may not end that process without CAP_KILL`;
  t.match(await release(), { code: 0, stdout: new RegExp(`would be refused: aim.conf HOT .*${why}`) });
  const refused = await release('--yes', '--reason', 'over');
  t.match(refused, { code: 3, stdout: '', stderr: new RegExp(`${why} \\(end-not-allowed\\)\nTry: `) });
  process.kill(Number(leak.said), 0);
  t.match(await run(['release', 'aim', '--settings', settings, '--end-holder', '--yes', '--reason', 'over']), {
    code: 0,
  });
});

t.test('writers: named by the plan, stopped if they run, started again however it ends', async (t) => {
  const { settings } = makeDevice(t, '', ', writers: [ aim.service, idle.service, nav.timer ]');
  const systemctl = fakeSystemctl(t, ['aim.service', 'nav.timer']);
  const release = (...more: readonly string[]) =>
    run(['release', 'aim', '--settings', settings, ...more], { env: { PATH: systemctl.path } });
  const lease = () => run(['hold', 'aim', '--for', '1h', '--settings', settings]);
  await lease();
  const plan = await release();
  t.match(plan.stdout, /1\. stop aim\.service, .*\n2\. stop idle\.service, .*\n3\. stop nav\.timer/);
  t.match(plan.stdout, /7\. start nav\.timer, if it ran before\n8\. start idle.*\n9\. start aim\.service/);
  t.strictSame(systemctl.calls(), [], 'a plan asks nobody to do anything');
  const done = await release('--yes', '--reason', 'over');
  t.match(done, { code: 0, stdout: /^stopped aim\.service\nstopped nav\.timer\ncleared.*\n/ });
  const all = ['stop aim.service', 'stop nav.timer', 'start nav.timer', 'start aim.service'];
  t.strictSame(systemctl.calls(), all);
  t.ok(systemctl.runs('aim.service'));
  t.notOk(systemctl.runs('idle.service'), 'one that did not run is left alone');
});

t.test('a later step that fails: those that were stopped run again, one that does not is named, exit 1', async (t) => {
  const { settings } = makeDevice(t, '', ', writers: [ aim.service, nav.timer ]');
  const systemctl = fakeSystemctl(t, ['aim.service', 'nav.timer'], ['nav.timer']);
  await run(['hold', 'aim', '--for', '1h', '--settings', settings]);
  const env = { PATH: systemctl.path };
  const failed = await run(['release', 'aim', '--settings', settings, '--yes', '--reason', 'x'], { env });
  t.match(failed, { code: 1, stderr: /nav\.timer: systemctl start: nav\.timer failed/ });
  t.strictSame(systemctl.calls(), ['stop aim.service', 'stop nav.timer', 'start nav.timer', 'start aim.service']);
  t.ok(systemctl.runs('aim.service'));
  t.match(await run(['locks', '--settings', settings]), { stdout: /HOT/ }, 'nothing was cleared');
});
