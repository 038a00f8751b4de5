import t from 'tap';
import { encode } from '../../../agent/vehicle/mavlink/encode.ts';
import { MESSAGES } from '../../../agent/vehicle/mavlink/messages.ts';
import { ourBytes, ourFrames, THEIRS, theirName, theirPackets } from '../../fixtures/mavlink.ts';

t.test('node-mavlink reads every message we write, in both versions', async (t) => {
  for (const version of [1, 2] as const) {
    for (const [name, { id, fields }] of Object.entries(MESSAGES)) {
      const values = Object.fromEntries(
        Object.entries(fields)
          // Version 1 has no extension fields.
          .filter(([field]) => version === 2 || THEIRS[id]?.FIELDS.some((f) => f.source === field && !f.extension))
          .map(([field, [, kind]], index) => [
            field,
            kind === 'f32' ? index + 0.5 : kind.startsWith('i') ? -index - 1 : index + 1,
          ]),
      );
      const plain = Object.fromEntries(Object.entries(values).filter(([field]) => isPlain(id, field)));
      const [packet] = await theirPackets(
        encode(MESSAGES[nameOf(name)], plain, { version, system: 3, component: 191, seq: 250 }),
      );
      const Message = THEIRS[id];
      if (packet === undefined || Message === undefined) {
        t.fail(`${name} is not read`);
        continue;
      }
      t.match(packet.header, { sysid: 3, compid: 191, seq: 250, msgid: id });
      const read = new Map(Object.entries(packet.protocol.data(packet.payload, Message)));
      for (const [field, value] of Object.entries(plain)) {
        t.equal(Number(read.get(theirName(id, field))), value, `${name}.${field} in version ${version}`);
      }
    }
  }
});

/** Base fields that are one number; we only write those. */
function isPlain(id: number, field: string): boolean {
  return THEIRS[id]?.FIELDS.some((f) => f.source === field && !f.extension && f.length === 0) === true;
}

function nameOf(name: string): keyof typeof MESSAGES {
  const [found] = Object.keys(MESSAGES).flatMap((one) => (one === name && isName(one) ? [one] : []));
  if (found === undefined) throw new Error(name);
  return found;
}

function isName(name: string): name is keyof typeof MESSAGES {
  return Object.hasOwn(MESSAGES, name);
}

t.test('version 2 cuts zeros off the end, but for the first byte', async (t) => {
  t.equal(ourBytes('HEARTBEAT', {}).length, 10 + 1 + 2);
  t.equal(ourBytes('HEARTBEAT', { type: 2 }).length, 10 + 5 + 2);
  t.equal(ourBytes('HEARTBEAT', { type: 2 }, { version: 1 }).length, 6 + 9 + 2);
  t.equal(ourFrames(ourBytes('HEARTBEAT', {})).length, 1);
});

t.test('a field that is none, or a message that cannot be closed, is our own mistake', async (t) => {
  t.throws(() => ourBytes('HEARTBEAT', { colour: 1 }), /no field colour/);
  const sender = { version: 2, system: 1, component: 1, seq: 0 } as const;
  t.throws(() => encode({ id: 3, length: 1, fields: {} }, {}, sender), /no extra byte/);
});
