import fc from 'fast-check';
import t from 'tap';
import { COMMAND_LIFE_MAX_S, commandId, parseCommand } from '../../agent/values/command.ts';

const IAT = 1_795_298_400;
const REFRESH = { v: 1, id: 'c-1', aud: 'dev/drone-7', cmd: 'refresh', iat: IAT, exp: IAT + 60 };
const RELEASE = { ...REFRESH, cmd: 'release', config: 'aim', token: 17, reason: 'its holder is gone' };

function said(payload: unknown): string {
  const result = parseCommand(payload);
  return 'kind' in result ? `${result.code}: ${result.reason}` : 'read';
}
function without(payload: object, name: string): object {
  return Object.fromEntries(Object.entries(payload).filter(([key]) => key !== name));
}

t.test('what is right is read as it is', async (t) => {
  for (const command of [
    REFRESH,
    { ...REFRESH, config: 'aim', seq: 0, reason: 'to see' },
    RELEASE,
    { ...RELEASE, token: 0, holder: { pid: 812, start: 41523 }, end_holder: true },
    { ...RELEASE, holder: { pid: 812, start: 41523, boot: '6f1c2f0e-3d1b' }, end_holder: true },
    { ...RELEASE, holder: { pid: 0, start: null }, end_holder: false },
    { ...RELEASE, reason: 'Zustand geprüft, 保存' },
    { ...REFRESH, exp: IAT + COMMAND_LIFE_MAX_S },
  ]) {
    t.strictSame(parseCommand(command), command);
  }
  t.match(parseCommand({ ...RELEASE, holder: { pid: 812 } }), { holder: { pid: 812, start: null } });
});

t.test('a release is bound to what it means', async (t) => {
  for (const name of ['config', 'token', 'reason']) {
    t.equal(said(without(RELEASE, name)), `malformed: ${name}: is missing`);
  }
  t.match(said({ ...RELEASE, end_holder: true }), 'malformed: holder: is missing');
  for (const reason of ['', ' ', 7, 'a\nb', 'a\u202eb', 'x'.repeat(257)]) {
    t.match(said({ ...RELEASE, reason }), 'malformed: reason: ', JSON.stringify(reason).slice(0, 12));
  }
});

t.test('every member is needed, and ends', async (t) => {
  for (const name of ['id', 'aud', 'iat', 'exp']) {
    t.equal(said(without(REFRESH, name)), `malformed: ${name}: is missing`);
  }
  t.match(said(without(REFRESH, 'v')), 'malformed: v: ');
  t.match(said(without(REFRESH, 'cmd')), 'malformed: cmd: ');
  t.match(said({ ...REFRESH, exp: IAT }), 'malformed: exp: is not after iat');
  t.match(said({ ...REFRESH, exp: IAT + COMMAND_LIFE_MAX_S + 1 }), 'malformed: exp: is more than 7 days');
});

t.test('what is wrong with each member', async (t) => {
  t.match(said({ ...REFRESH, v: 2 }), 'unsupported-format: v: 2');
  t.match(said({ ...REFRESH, v: '1' }), 'malformed: v: ');
  for (const cmd of ['confirm', 'rollback']) {
    const verdict = { ...REFRESH, cmd, config: 'aim', update: 'u-1', reason: 'r' };
    t.equal(said(verdict), 'read');
    t.equal(said(without(verdict, 'update')), 'malformed: update: is missing');
    t.match(said({ ...verdict, update: 'a b' }), 'malformed: update: ');
    t.match(said({ ...verdict, reason: '' }), 'malformed: reason: ');
  }
  for (const cmd of ['reboot', 7, null, '__proto__', 'toString'])
    t.match(said({ ...REFRESH, cmd }), 'malformed: cmd: ');
  for (const aud of ['all', 'grp/canary', 'dev/', 'dev/a/b', 'drone-7', 7]) {
    t.match(said({ ...REFRESH, aud }), 'malformed: aud: ', String(aud));
  }
  for (const id of ['', 'a b', 'x'.repeat(65), 7]) t.match(said({ ...REFRESH, id }), 'malformed: id: ');
  for (const time of ['iat', 'exp']) {
    for (const value of [0, -1, 1.5, '7', 253_402_300_800, Number.NaN]) {
      t.match(said({ ...REFRESH, [time]: value }), `malformed: ${time}: `, `${time} ${value}`);
    }
  }
  for (const config of ['', 'a/b', 7]) {
    t.match(said({ ...RELEASE, config }), 'malformed: config: ');
    t.match(said({ ...REFRESH, config }), 'malformed: config: ');
  }
  for (const value of [-1, 1.5, '7', null]) {
    t.match(said({ ...RELEASE, token: value }), 'malformed: token: ');
    t.match(said({ ...REFRESH, seq: value }), 'malformed: seq: ');
  }
  t.match(said({ ...RELEASE, end_holder: 1 }), 'malformed: end_holder: ');
  t.match(said({ ...RELEASE, holder: 7 }), 'malformed: holder: ');
  t.match(said({ ...RELEASE, holder: {} }), 'malformed: holder.pid: ');
  t.match(said({ ...RELEASE, holder: { pid: 7, start: 'x' } }), 'malformed: holder.start: ');
  t.match(said({ ...RELEASE, holder: { pid: 7, boot: 8 } }), 'malformed: holder.boot: ');
});

t.test('unknown-field: also what belongs to another command', async (t) => {
  t.match(said({ ...REFRESH, x: 1 }), 'unknown-field: x: not a field of a refresh');
  t.match(said({ ...RELEASE, seq: 1 }), 'unknown-field: seq: not a field of a release');
  t.match(said({ ...REFRESH, token: 1 }), 'unknown-field: token: ');
  t.match(said({ ...RELEASE, 'a\u001b[2J': 1 }), 'unknown-field: a?[2J: ');
  t.match(said({ ...RELEASE, holder: { pid: 7, command: 'x' } }), 'unknown-field: holder.command: ');
});

t.test('whatever comes, a place is named and nothing is thrown', async () => {
  const place = /^[A-Za-z0-9_.?…\x20-\x7e-]+: /;
  fc.assert(
    fc.property(fc.anything({ withNullPrototype: true }), (value) => {
      const result = parseCommand(value);
      return 'kind' in result && place.test(result.reason);
    }),
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(RELEASE)), fc.anything(), (key, value) => {
      const result = parseCommand({ ...RELEASE, [key]: value });
      return !('kind' in result) || place.test(result.reason);
    }),
  );
});

t.test('the id, for who must name what is refused', async (t) => {
  t.equal(commandId(RELEASE), 'c-1');
  for (const value of [null, [], 'x', {}, { id: 7 }, { id: 'a b' }]) t.equal(commandId(value), null);
});
