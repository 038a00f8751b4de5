import t from 'tap';
import { finding, fine, type Remark, worst } from '../../agent/cli/finding.ts';

t.test('as bad as the worst, which is what is said', async (t) => {
  const warned: Remark = { health: 'warning', words: 'w', remedy: 'r' };
  t.same(finding('disk', [fine('a'), fine('b')]), { name: 'disk', health: 'ok', remarks: [fine('a'), fine('b')] });
  t.same(finding('disk', [fine('a'), warned]), { name: 'disk', health: 'warning', remarks: [warned] });
  t.equal(worst(['ok', 'bad', 'warning']), 'bad');
  t.equal(worst(['unknown', 'ok']), 'unknown');
  t.equal(worst([]), 'ok');
});
