import * as fs from 'node:fs';
import type { Files, OpenView } from '../ports/files.ts';
import type { Trace } from '../ports/world.ts';
import { failureOf } from '../values/errno.ts';

/** What was written, and still is where it was. */
interface Written {
  readonly fd: number;
  readonly dev: number;
  readonly ino: number;
  readonly length: number;
}

/** Views that are written in place, over those of `files` that are replaced whole. */
export function hostViews(files: Pick<Files, 'writeView'>, trace: Trace = () => {}): OpenView {
  return (op, path, mode) => {
    let view: Written | null = null;
    const isThere = ({ dev, ino }: Written) => {
      const now = fs.lstatSync(path, { throwIfNoEntry: false });
      return now !== undefined && now.ino === ino && now.dev === dev;
    };
    const open = (length: number): Written => {
      const fd = fs.openSync(path, fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW);
      const { dev, ino } = fs.fstatSync(fd);
      return { fd, dev, ino, length };
    };
    return (text) => {
      trace(op, 'write');
      try {
        if (view !== null && view.length === text.length && isThere(view)) return void fs.writeSync(view.fd, text, 0);
        if (view !== null) fs.closeSync(view.fd);
        view = null;
        files.writeView(op, path, text, mode);
        view = open(text.length);
      } catch (error) {
        throw failureOf(op, path, error);
      }
    };
  };
}
