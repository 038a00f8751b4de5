import { chownSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { hostFiles } from '../../agent/host/files.ts';
import { toOwnerOfDirectory } from '../../agent/host/heir.ts';
import { hostKernelLocks } from '../../agent/host/libc.ts';
import { hostLog } from '../../agent/host/log.ts';

const OP = 'commit.keep';
const AGENT = 4711;
const notRoot = process.geteuid?.() === 0 ? false : 'needs root';

/** Owner of everything below a directory, by path. */
function owners(dir: string): Readonly<Record<string, number>> {
  const paths = readdirSync(dir, { recursive: true, encoding: 'utf8' });
  return Object.fromEntries(paths.map((path) => [path, statSync(join(dir, path)).uid]));
}

t.test('what root makes in a directory of the agent is the agent’s', { skip: notRoot }, async (t) => {
  const dir = join(t.testdir(), 'state');
  mkdirSync(dir);
  chownSync(dir, AGENT, AGENT);
  const files = hostFiles(undefined, undefined, toOwnerOfDirectory);
  files.makeDir(OP, join(dir, 'locks/aim'), 0o755);
  files.writeView(OP, join(dir, 'locks/aim/state'), 'COLD', 0o644);
  await files.writeDurably(OP, join(dir, 'token'), '7', 0o600);
  (await files.openAppend(OP, join(dir, 'journal'), 0o600)).close();
  const kernel = hostKernelLocks({ bequeath: toOwnerOfDirectory });
  kernel.close(OP, kernel.open(OP, join(dir, 'locks/aim/lock'), { create: 0o660 }));
  const story = { path: join(dir, 'log'), level: 'info', echo: () => {}, nowMs: () => 0 } as const;
  hostLog({ ...story, bequeath: toOwnerOfDirectory }).say('info', 'a line');
  const found = owners(dir);
  t.equal(Object.keys(found).length, 7);
  for (const [path, uid] of Object.entries(found)) t.equal(uid, AGENT, path);
  t.equal(statSync(join(dir, 'locks/aim/lock')).mode & 0o777, 0o660);
  t.equal(statSync(join(dir, 'token')).mode & 0o777, 0o600);
});

t.test('what is there already keeps its owner, and so does what is made elsewhere', { skip: notRoot }, async (t) => {
  const dir = join(t.testdir(), 'state');
  mkdirSync(dir);
  writeFileSync(join(dir, 'journal'), '');
  chownSync(dir, AGENT, AGENT);
  const files = hostFiles(undefined, undefined, toOwnerOfDirectory);
  (await files.openAppend(OP, join(dir, 'journal'), 0o600)).close();
  // A bundle that root makes in somebody's home holds what only root may read.
  await hostFiles().writeDurably(OP, join(dir, 'bundle'), 'secret', 0o600);
  t.strictSame(owners(dir), { journal: 0, bundle: 0 });
});
