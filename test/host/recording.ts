import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { openRecording } from '../../agent/host/recording.ts';

t.test('read piece by piece to its end', async (t) => {
  const path = join(t.testdir(), 'a');
  writeFileSync(path, 'abcdefg');
  const recording = await openRecording(path);
  const pieces: string[] = [];
  for (let bytes = await recording.read(3); bytes.length > 0; bytes = await recording.read(3)) {
    pieces.push(Buffer.from(bytes).toString());
  }
  t.same(pieces, ['abc', 'def', 'g']);
  await recording.close();
  await t.rejects(recording.read(1), { code: 'io' });
});

t.test('what cannot be read says so', async (t) => {
  await t.rejects(openRecording('/nowhere/a'), { code: 'missing-directory', path: '/nowhere/a' });
  const recording = await openRecording('/');
  await t.rejects(recording.read(1), { code: 'io' });
  await recording.close();
});
