import t from 'tap';
import { createListeners } from '../../agent/vehicle/source.ts';

t.test('each is told until it goes, and twice if it came twice', async (t) => {
  const listeners = createListeners<number>();
  const heard: number[] = [];
  const listen = (what: number) => void heard.push(what);
  const [one, two] = [listeners.add(listen), listeners.add(listen)];
  listeners.tell(1);
  one();
  one();
  listeners.tell(2);
  two();
  listeners.tell(3);
  t.same(heard, [1, 1, 2]);
});
