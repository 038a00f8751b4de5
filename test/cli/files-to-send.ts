import { join } from 'node:path';
import t from 'tap';
import { readFilesToSend } from '../../agent/cli/files-to-send.ts';

const MIB = 1024 * 1024;

t.test('files with their content, by address, or to be absent', async (t) => {
  const dir = t.testdir({ 'a.conf': 'x', 'map.bin': 'y', big: 'z'.repeat(MIB), huge: 'z'.repeat(8 * MIB + 1) });
  const at = (name: string) => join(dir, name);
  const url = 'https://host/map.bin';
  const read = (args: readonly string[], options = {}) => readFilesToSend('sign', args.map(at), options);
  t.same(readFilesToSend('sign', [at('a.conf'), `far=${at('map.bin')}`], { url: [`far=${url}`], absent: ['gone'] }), [
    { name: 'a.conf', bytes: Buffer.from('x'), url: undefined },
    { name: 'far', bytes: Buffer.from('y'), url },
    { name: 'gone', bytes: null },
  ]);
  t.equal(read(['big'], { url: [`big=${url}`] })[0]?.bytes?.length, MIB);
  const wrong = (args: readonly string[], options: object, exit: number, message: RegExp, remedy = /./) =>
    t.throws(() => read(args, options), { exit, message, remedy });
  wrong(['big'], {}, 1, /1048576 bytes do not fit into an update of 128 KiB/, /^--url NAME=https/);
  wrong(['huge'], { url: [`huge=${url}`] }, 1, /do not fit into what devices fetch, 8 MiB/);
  wrong([], {}, 2, /which files\?/);
  wrong(['nothing'], {}, 2, /cannot be read: ENOENT/);
  wrong(['a.conf'], { url: [url] }, 2, /--url: expected NAME=URL/);
  wrong(['a.conf'], { url: ['a.conf=http://host/a'] }, 2, /--url: a\.conf: expected https/);
  wrong(['a.conf'], { url: [`b.conf=${url}`] }, 2, /--url: b\.conf is none of the files/);
});
