import { execFileSync } from 'node:child_process';
import t from 'tap';
import { hostChance, sha256 } from '../../agent/host/chance.ts';

t.test('chance does not repeat itself and has its shape', async (t) => {
  const all = new Set(Array.from({ length: 1000 }, () => hostChance.uuid()));
  t.equal(all.size, 1000);
  t.match(hostChance.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.match(hostChance.hex(8), /^[0-9a-f]{16}$/);
  t.not(hostChance.hex(8), hostChance.hex(8));
  t.ok(Array.from({ length: 1000 }, () => hostChance.unit()).every((unit) => unit >= 0 && unit < 1));
});

t.test('the digest is that of sha256sum, of bytes and of text', async (t) => {
  for (const text of ['', 'aim', 'Zielführung ✓', '\u0000\n']) {
    const said = execFileSync('sha256sum', { input: text }).toString().split(' ')[0];
    t.equal(sha256(text), said);
    t.equal(sha256(new TextEncoder().encode(text)), said);
  }
});
