import t from 'tap';
import { type CheckContext, checkCommand, FUTURE_MAX_S } from '../../agent/command/check.ts';
import type { Command, RefreshCommand, ReleaseCommand } from '../../agent/values/command.ts';

const NOW = 1_795_298_400;
const BASE = { v: 1, id: 'c-1', aud: 'dev/drone-7', iat: NOW - 10, exp: NOW + 50 } as const;
const RELEASE: ReleaseCommand = { ...BASE, cmd: 'release', config: 'aim', token: 3, reason: 'r' };
const REFRESH: RefreshCommand = { ...BASE, cmd: 'refresh' };
const PLACE = { id: 'drone-7', name: 'release' };
const CONTEXT: CheckContext = {
  ...{ device: 'drone-7', configs: ['aim'], nowS: NOW, clock: 'ok', forgottenUntilS: 0 },
  used: () => false,
};
function code(command: Command, place = PLACE, context: Partial<CheckContext> = {}): string | null {
  return checkCommand(command, place, { ...CONTEXT, ...context })?.code ?? null;
}

t.test('a command for this device, new and in time, is taken', async (t) => {
  t.equal(code(RELEASE), null);
  t.equal(code(REFRESH, { ...PLACE, name: 'refresh' }), null);
  t.equal(code({ ...RELEASE, iat: NOW + FUTURE_MAX_S, exp: NOW + 9000 }), null, 'clocks differ a little');
});

t.test("another device's command", async (t) => {
  t.equal(code({ ...RELEASE, aud: 'dev/drone-8' }), 'wrong-audience');
  t.equal(code({ ...RELEASE, aud: 'dev/drone-8' }, { ...PLACE, id: 'drone-8' }), 'wrong-audience');
  t.equal(code(RELEASE, { ...PLACE, id: 'drone-8' }), 'wrong-topic');
});

t.test('the name in the topic is the one that was signed', async (t) => {
  t.equal(code(RELEASE, { ...PLACE, name: 'refresh' }), 'wrong-topic');
  t.equal(code(RELEASE, { ...PLACE, name: '' }), 'wrong-topic');
});

t.test('taken before, or perhaps taken before: with whatever clock', async (t) => {
  for (const clock of ['ok', 'untrusted'] as const) {
    t.equal(code(RELEASE, PLACE, { clock, used: (id) => id === 'c-1' }), 'replayed', clock);
    t.equal(code(RELEASE, PLACE, { clock, forgottenUntilS: NOW + 50 }), 'replayed', clock);
    t.equal(code(RELEASE, PLACE, { clock, forgottenUntilS: NOW + 49 }), null, clock);
  }
});

t.test('time counts where it can be trusted', async (t) => {
  const early = { ...RELEASE, iat: NOW + FUTURE_MAX_S + 1, exp: NOW + 9000 };
  const late = { ...RELEASE, exp: NOW };
  t.equal(code(early), 'from-future');
  t.equal(code(late), 'expired');
  for (const command of [early, late]) t.equal(code(command, PLACE, { clock: 'untrusted' }), null);
});

t.test('a config that is not ours', async (t) => {
  t.equal(code({ ...RELEASE, config: 'radio' }), 'not-managed');
  t.equal(code({ ...REFRESH, config: 'toString' }, { ...PLACE, name: 'refresh' }), 'not-managed');
});
