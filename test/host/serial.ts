import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import t from 'tap';
import { serialWire } from '../../agent/host/serial.ts';
import type { Reply } from '../../agent/ports/vehicle.ts';
import { openPty } from '../fixtures/pty.ts';
import { until } from '../fixtures/until.ts';

function listen(path: string, baud: number) {
  const parts: Uint8Array[] = [];
  const heard: string[] = [];
  const back: { reply: Reply } = { reply: () => {} };
  const close = serialWire(path, baud).open({
    opened: () => void heard.push('opened'),
    bytes(bytes, reply) {
      parts.push(Uint8Array.from(bytes));
      back.reply = reply;
    },
    ended: (why) => void heard.push(`ended: ${why}`),
  });
  return { heard, close, back, read: () => Buffer.concat(parts) };
}

t.test('every byte both ways, at the baud rate, untouched by the terminal', async (t) => {
  const pty = await openPty(t);
  const wire = serialWire(pty.path, 115_200);
  t.same([wire.name, wire.datagrams], [`${pty.path} 115200 baud`, false]);
  const line = listen(pty.path, 115_200);
  t.teardown(line.close);
  await until('it is open', () => line.heard.length === 1);
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  pty.write(Buffer.concat([all, all, all]));
  await until('all of it', () => line.read().length === 768);
  t.ok(line.read().equals(Buffer.concat([all, all, all])), 'also 0x03, 0x0a, 0x0d, 0x11 and 0x13');
  line.back.reply(all);
  await until('the answer', () => pty.read().length === 256);
  t.equal(createHash('sha256').update(pty.read()).digest('hex'), createHash('sha256').update(all).digest('hex'));
  t.match(execFileSync('stty', ['-F', pty.path]).toString(), /speed 115200 baud/);
  line.close();
  line.close();
  line.back.reply(all);
  t.same(line.heard, ['opened', 'ended: closed']);
});

t.test('a line that is pulled out, and one that is not there', async (t) => {
  const pty = await openPty(t);
  const line = listen(pty.path, 57_600);
  await until('it is open', () => line.heard.length === 1);
  await pty.end();
  await until('its end', () => line.heard.length === 2);
  t.match(line.heard[1], /^ended: /);
  const none = listen('/dev/ttyNOWHERE', 57_600);
  await until('its end', () => none.heard.length === 1);
  t.match(none.heard, [/^ended: ENOENT/]);
  const file = listen('/etc/hostname', 57_600);
  await until('its end', () => file.heard.length === 1);
  t.match(file.heard, [/^ended: .*stty/], 'a file is no line');
});

t.test('a rate that the line does not know', async (t) => {
  const pty = await openPty(t);
  const line = listen(pty.path, 12_345);
  await until('its end', () => line.heard.length === 1);
  t.match(line.heard, [/^ended: .*12345/]);
});
