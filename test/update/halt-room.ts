import t from 'tap';
import { sha256 } from '../../agent/host/chance.ts';
import type { JournalRecord } from '../../agent/ports/journal.ts';
import { openHaltRoom } from '../../agent/update/halt-room.ts';
import { createHalts } from '../../agent/update/halts.ts';
import { refuse } from '../../agent/values/errors.ts';
import { parseHalt } from '../../agent/values/halt.ts';
import type { ClockTrust, EventBody } from '../../agent/values/report.ts';
import { manualClock } from '../fixtures/manual-clock.ts';
import { heldUpdate } from '../fixtures/update.ts';

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString('base64url');

/** The room on a clock that is turned by hand; a document's signature is good unless it is `unsigned`. */
function room(records: JournalRecord[] = []) {
  const clock = manualClock();
  const nowS = () => Math.floor(clock.wallMs() / 1000);
  const halts = createHalts();
  for (const record of records) halts.fold(record);
  const events: EventBody[] = [];
  const trusted: { clock: ClockTrust } = { clock: 'ok' };
  const counts = { woken: 0 };
  const answered = new Set<string>();
  const opened = openHaltRoom({
    ...{ root: 'fleet', addresses: ['dev/d7', 'all'], halts, clock, sha256 },
    time: () => ({ nowS: nowS(), clock: trusted.clock }),
    verify(jws) {
      const halt = parseHalt(JSON.parse(Buffer.from(jws.split('.')[1] ?? '', 'base64url').toString()));
      if (jws.endsWith('.unsigned')) return { ...refuse('bad-signature', 'no'), signed: false };
      return 'kind' in halt ? { ...halt, signed: true } : { kind: 'halt', kid: 'ops', halt };
    },
    async refuse(hash, { code, reason }, signed, said) {
      if (!answered.has(hash)) events.push({ event: 'refused', code, reason: `${signed} ${reason}`, ...said });
      answered.add(hash);
    },
    async speak(given, said) {
      for (const record of given) {
        records.push(record);
        halts.fold(record);
      }
      events.push(...said);
    },
    wake: () => {
      counts.woken += 1;
    },
    later: (promise) => void promise,
  });
  const raw = (text: string, topic = 'fleet/v1/all/halt') =>
    opened.frame({ topic, payload: new TextEncoder().encode(text), retain: true });
  const send = (change: object = {}, signature = 'c2ln') => {
    const payload = { v: 1, id: 'h-1', aud: 'all', version: 1, iat: nowS(), ...change };
    return raw(`${encode({ alg: 'EdDSA' })}.${encode(payload)}.${signature}`);
  };
  return { ...opened, clock, events, trusted, counts, raw, send, nowS, records };
}
const codes = (events: readonly EventBody[]) => events.map(({ event, code }) => code ?? event);

t.test('a halt holds what it names until it is lifted', async (t) => {
  const { send, events, halted, counts, records } = room();
  t.equal(halted(heldUpdate()), null);
  await send({ configs: ['aim'], note: 'gimbals turn' });
  t.equal(halted(heldUpdate()), 'halt version 1 for all holds updates of aim (gimbals turn)');
  t.equal(halted(heldUpdate({ config: 'radio' })), null);
  t.equal(halted(heldUpdate({ despiteHalt: 'I see it' })), null);
  t.match(events, [
    {
      event: 'halted',
      address: 'all',
      version: 1,
      halt: 'h-1',
      who: 'ops',
      reason: 'updates of aim wait: gimbals turn',
      lift: false,
    },
  ]);
  t.equal(counts.woken, 1);
  const again = room([...records]);
  t.ok(again.halted(heldUpdate()), 'also after a restart');
  await send({ version: 2, rollout: 'spring' });
  t.equal(halted(heldUpdate({ rollout: 'spring' })), 'halt version 2 for all holds roll-out spring');
  t.equal(halted(heldUpdate()), null, 'a newer one takes the place of the one before');
  await send({ version: 3, lift: true });
  t.equal(halted(heldUpdate({ rollout: 'spring' })), null);
  t.match(events.at(-1), { event: 'halted', version: 3, lift: true, reason: 'lifted by version 3' });
});

t.test('the same again is answered by silence, anything else that is old by a refusal', async (t) => {
  const { send, events, raw, nowS } = room();
  await send({ version: 5 });
  await send({ version: 5 });
  await raw('');
  t.same(codes(events), ['halted']);
  events.length = 0;
  await send({ version: 5, rollout: 'spring' });
  await send({ version: 4 });
  await send({ version: 4 });
  await send({ version: 6, aud: 'dev/d7' });
  await send({ version: 6, iat: nowS() + 301 });
  await send({ version: 6, iat: nowS() - 9, exp: nowS() });
  await send({ version: 6, hurry: true });
  await send({ version: 6 }, 'unsigned');
  await raw('junk');
  t.same(codes(events), [
    ...['version-reused', 'replayed', 'wrong-audience', 'from-future', 'expired', 'unknown-field', 'bad-signature'],
    'malformed',
  ]);
  t.match(events[0], { version: 5, address: 'all', who: 'ops', reason: /^true halt: version 5 for all was seen/ });
  t.match(events.at(-2), { reason: 'false halt: no' });
});

t.test('an address that is not ours', async (t) => {
  const { raw, events } = room();
  const payload = { v: 1, id: 'h', aud: 'grp/x', version: 1, iat: 1 };
  await raw(`${encode({})}.${encode(payload)}.c2ln`, 'fleet/v1/grp/x/halt');
  t.match(events, [{ code: 'wrong-audience', reason: /no address of this device/ }]);
});

t.test('exp ends it by itself, told once, and not by a clock that is not trusted', async (t) => {
  const { send, clock, events, halted, watch, nowS, trusted, counts, records } = room();
  const cancel = watch();
  await send({ exp: nowS() + 100 });
  counts.woken = 0;
  trusted.clock = 'untrusted';
  clock.advance(150_000);
  t.ok(halted(heldUpdate()));
  trusted.clock = 'ok';
  t.equal(halted(heldUpdate()), null, 'at once, whether it was told or not');
  clock.advance(60_000);
  await new Promise((resolve) => setImmediate(resolve));
  t.match(events.slice(1), [{ event: 'halted', version: 1, halt: 'h-1', lift: true, reason: /^exp has passed/ }]);
  t.equal(counts.woken, 1);
  clock.advance(600_000);
  const later = room([...records]);
  later.watch()();
  await new Promise((resolve) => setImmediate(resolve));
  t.same([events.length, later.events], [2, []]);
  await later.send({ version: 1, exp: later.nowS() + 5 });
  t.match(later.events, [{ code: 'version-reused' }], 'its version stays used');
  cancel();
});

t.test('what revoked keys halted goes', async (t) => {
  const { revoke } = room();
  t.same(revoke([]), []);
  t.match(revoke(['a']), [{ t: 'halts-revoked', kids: ['a'] }]);
});
