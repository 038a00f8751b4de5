import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { isForEverybody } from '../../agent/host/everybody.ts';

t.test('its own bits, and those of every directory on the way', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'locksmith-everybody-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const [inner, path, link] = [join(dir, 'etc'), join(dir, 'etc', 'aim.conf'), join(dir, 'link')];
  mkdirSync(inner);
  writeFileSync(path, '');
  symlinkSync(path, link);
  for (const [outside, inside, file, is] of [
    [0o755, 0o711, 0o644, true],
    [0o755, 0o711, 0o640, false],
    [0o755, 0o750, 0o644, false],
    [0o700, 0o755, 0o644, false],
  ] as const) {
    chmodSync(dir, outside);
    chmodSync(inner, inside);
    chmodSync(path, file);
    t.equal(isForEverybody(path), is);
    t.equal(isForEverybody(link), is, 'a link is as what it leads to');
  }
  t.equal(isForEverybody(join(dir, 'nowhere')), false);
});
