import t from 'tap';
import { stranger } from '../fixtures/stranger.ts';

t.setTimeout(180_000);

t.test('demo tells what really happens, ends with what runs where, and leaves nothing behind', async (t) => {
  const me = stranger(t);
  const { code, stdout, stderr } = await me.start('demo').ended;
  t.equal(code, 0, stderr);
  t.match(
    stdout,
    /^ +drone-3 .*lock mismatch: aim_lock_config\.conf HOT \(held by pid \d+ node aim-orchestrator\.mjs/m,
  );
  t.match(stdout, /ok: drone-3 has healed by itself/);
  for (const device of ['drone-1', 'drone-2', 'drone-3', 'drone-4']) {
    t.match(
      stdout,
      new RegExp(`^  ${device} .* base 2 for all  [0-9a-f]{12}  COLD `, 'm'),
      `${device} is in the table`,
    );
  }
  t.strictSame([...me.processes(), ...me.files()], []);
});

t.test('demo with a holder that never lets go says which claim is not true', async (t) => {
  const me = stranger(t);
  const { code, stdout, stderr } = await me.start('demo', { LOCKSMITH_DEMO_SABOTAGE: 'holder' }).ended;
  t.equal(code, 1);
  t.match(stderr, /^demo: not true: drone-3 has healed by itself: it runs the fix\. Found: other content on drone-3$/m);
  t.notMatch(stdout, /What runs where/);
  t.strictSame([...me.processes(), ...me.files()], []);
});

t.test('demo that is interrupted leaves nothing behind', async (t) => {
  const me = stranger(t);
  const script = me.start('demo');
  await script.says(/is HOT, and its holder is a living process/);
  t.ok(me.processes().length > 4, 'four agents and the holder');
  process.kill(-script.pid, 'SIGINT');
  t.match(await script.ended, { code: 130 });
  t.strictSame([...me.processes(), ...me.files()], []);
});
