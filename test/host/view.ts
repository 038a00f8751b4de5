import { lstatSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostFiles } from '../../agent/host/files.ts';
import { hostViews } from '../../agent/host/view.ts';

t.test(
  'a view that is written again and again stays the same file; one that was taken away is made anew',
  async (t) => {
    const dir = t.testdir({ other: 'untouched' });
    const path = join(dir, 'view');
    const put = hostViews(hostFiles())('view.beat', path, 0o640);
    const inode = () => statSync(path).ino;
    put('one');
    const first = inode();
    t.equal(statSync(path).mode & 0o777, 0o640);
    put('two');
    t.equal(readFileSync(path, 'utf8'), 'two');
    t.equal(inode(), first, 'written in place');
    put('longer');
    t.equal(readFileSync(path, 'utf8'), 'longer');
    t.not(inode(), first, 'nobody reads the end of another');
    rmSync(path);
    symlinkSync('other', path);
    put('larger');
    t.equal(readFileSync(path, 'utf8'), 'larger');
    t.notOk(lstatSync(path).isSymbolicLink());
    t.equal(readFileSync(join(dir, 'other'), 'utf8'), 'untouched');
    rmSync(path);
    put('larger');
    t.equal(readFileSync(path, 'utf8'), 'larger');
    rmSync(dir, { recursive: true });
    t.throws(() => put('larger'), { code: 'missing-directory' });
    mkdirSync(dir);
    put('larger');
    t.equal(readFileSync(path, 'utf8'), 'larger', 'and heals');
  },
);
