import { rmSync, writeFileSync } from 'node:fs';
import t from 'tap';
import { hostWatchDir } from '../../agent/host/watches.ts';
import { until } from '../fixtures/until.ts';

t.test('whatever changes in a directory is named, until cancelled', async (t) => {
  const dir = t.testdir({});
  const seen = new Set<string>();
  const cancel = hostWatchDir(dir, (name) => void seen.add(name));
  await until('a change', () => {
    writeFileSync(`${dir}/conf_locked`, '0');
    return seen.has('conf_locked');
  });
  cancel();
  cancel();
  hostWatchDir(`${dir}/none`, () => t.fail('called'))();
  const gone = hostWatchDir(dir, () => {});
  rmSync(dir, { recursive: true });
  gone();
});
