import t from 'tap';
import { stranger } from '../fixtures/stranger.ts';

t.setTimeout(240_000);

t.test('demo of a flight tells what waits in the air and what comes after it, and leaves nothing behind', async (t) => {
  const me = stranger(t);
  const { code, stdout, stderr } = await me.start('demo flight').ended;
  t.equal(code, 0, stderr);
  t.match(stdout, /^ +drone-7 +waiting: the vehicle is not safe: armed/m);
  const inOrder = [
    'it waits for the vehicle',
    'nothing is replaced in the air',
    'its vehicle is safe',
    'it runs the update',
  ];
  t.match(stdout, new RegExp(inOrder.map((words) => `ok: ${words}`).join('[^]*')));
  t.match(stdout, /ok: the fleet has 3 batches of one flight/);
  t.match(stdout, /ok: the device draws it with \d\d+ points, as many as the fleet has/);
  t.strictSame([...me.processes(), ...me.files()], []);
});

t.test('demo of a flight whose config nobody gates says that something was replaced in the air', async (t) => {
  const me = stranger(t);
  const { code, stdout, stderr } = await me.start('demo flight', { LOCKSMITH_DEMO_SABOTAGE: 'gate' }).ended;
  t.equal(code, 1);
  t.match(stderr, /^demo: not true: nothing is replaced in the air\. Found: another aim_lock_config\.conf/m);
  t.notMatch(stdout, /really happened/);
  t.strictSame([...me.processes(), ...me.files()], []);
});

t.test('demo that is interrupted in the air leaves nothing behind, and one that is not there is told', async (t) => {
  const me = stranger(t);
  const script = me.start('demo flight');
  await script.says(/ok: it waits for the vehicle/);
  process.kill(-script.pid, 'SIGINT');
  t.match(await script.ended, { code: 130, stderr: /^(?![\s\S]*Error)/ });
  t.strictSame([...me.processes(), ...me.files()], []);
  t.match(await me.start('demo fright').ended, { code: 2, stderr: /^demo: there is no demo fright\nTry: / });
});
