import t from 'tap';
import { nearest } from '../../agent/values/nearest.ts';

t.test('the word that was meant', async (t) => {
  t.equal(nearest('brokr', ['device', 'broker', 'trust']), 'broker');
  t.equal(nearest('ulrs', ['urls', 'root']), 'urls', 'two letters swapped');
  t.equal(nearest('DEVICE', ['device']), 'device');
  t.equal(nearest('imi', ['ini', 'json']), 'ini');
});

t.test('nothing, when nothing is close', async (t) => {
  t.equal(nearest('colour', ['device', 'broker']), null);
  t.equal(nearest('x', []), null);
  t.equal(nearest('a'.repeat(65), ['a'.repeat(64)]), null, 'a huge word is not worth the comparison');
});
