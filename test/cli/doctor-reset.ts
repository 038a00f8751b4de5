import t from 'tap';
import { start } from '../fixtures/locksmith.ts';
import { loneDevice } from '../fixtures/lone-device.ts';

const RESET = ['doctor', '--reset-clock-floor', '--reason', 'a GPS that was years ahead'];

t.test('a floor from the future is forgotten, by the daemon or without it, and everybody is told', async (t) => {
  const device = loneDevice(t);
  const future = Math.floor(Date.now() / 1000) + 200;
  const { jws } = device.sign({ version: 1, files: { 'aim.conf': 'one\n' }, iat: future });
  t.match(await device.locksmith(['apply', '-'], jws), { code: 0 });
  const wrong = await device.locksmith(['doctor', 'clock']);
  t.match(wrong, { code: 1, stdout: /^bad {6}clock: / });

  t.match(await device.locksmith(['doctor', '--reset-clock-floor']), { code: 2, stderr: /needs --reason/ });
  const dead = await device.locksmith(RESET);
  t.match(dead, { code: 0, stdout: /^The clock floor was 2\d{3}-.*; the clock is trusted now\.\n$/ });
  t.match(await device.locksmith(['doctor', 'clock']), { code: 0, stdout: /^ok {7}clock: / });
  t.match(
    (await device.locksmith(['log', '--lines', '5'])).stdout,
    /clock: the clock floor was .*: a GPS that was years/,
  );
  t.match((await device.locksmith(['history'])).stdout, /clock: the clock floor was/);

  const agent = await device.daemon();
  t.match(await device.locksmith(RESET), { code: 0, stdout: /trusted now/ });
  t.match(agent.stderr(), /was put back to the build of this agent by \S+: a GPS/);
  await agent.stop();
});

t.test('for root only', async (t) => {
  if (process.getuid?.() !== 0) {
    t.pass('not root: nobody else to be');
    return;
  }
  const device = loneDevice(t);
  const program = start([...RESET, '--settings', device.settings], { under: ['setpriv', '--reuid=nobody'] });
  t.match(await program.ended, { code: 3 });
  t.match(program.stderr(), /is for root\nTry: sudo locksmith doctor/);
});
