import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { makeDevice } from '../fixtures/lock-settings.ts';
import { LOCKSMITH } from '../fixtures/locksmith.ts';
import { IN_PID_NAMESPACE, withoutNamespaces } from '../fixtures/namespaces.ts';

// A pid that is used again is not the process that had it: forced, in a pid namespace where nobody else starts processes.

const LAST_PID = '/proc/sys/kernel/ns_last_pid';

/**
 * In the namespace: a command is on record and leaves its descriptors to a child; it is killed, and a stranger gets its pid. Says what
 * `locks` makes of it, then ends the child and says what it makes of that.
 */
const STORY = `
set -u
cd "$1"
"$NODE" "$LOCKSMITH" hold aim --settings agent.yaml -- sh -c 'echo $$ > owner; sleep 1000 & echo $! > child; wait' &
hold=$!
until [ -s child ] && grep -q "pid $(cat owner) " run/locks/aim/holder; do sleep 0.05; done
owner=$(cat owner)
kill -9 $hold $owner
wait $hold 2>/dev/null
while [ -e /proc/$owner ]; do sleep 0.05; done
for try in $(seq 50); do
  echo $((owner - 1)) > ${LAST_PID}
  sleep 1000 & reused=$!
  [ $reused = $owner ] && break
  kill $reused
done
echo "$owner $reused $(cat child)" > pids
"$NODE" "$LOCKSMITH" locks aim --json --settings agent.yaml > seen
kill -9 $(cat child)
while [ -e /proc/$(cat child) ]; do sleep 0.05; done
"$NODE" "$LOCKSMITH" hold aim --settings agent.yaml --wait 10s -- cat run/locks/aim/token > after
kill -0 $reused && echo alive >> after
`;

const without = withoutNamespaces() || (existsSync(LAST_PID) ? false : 'this kernel lets nobody choose the next pid');

t.test('a stranger with the pid of a killed holder is not taken for it', { skip: without }, async (t) => {
  const { dir } = makeDevice(t);
  const [command = '', ...args] = [...IN_PID_NAMESPACE, 'sh', '-c', STORY, 'sh', dir];
  const env = { ...process.env, NODE_OPTIONS: '', NODE: process.execPath, LOCKSMITH };
  const { status, stderr } = spawnSync(command, args, { env, encoding: 'utf8', timeout: 60_000 });
  t.equal(status, 0, stderr);
  const read = (name: string) => readFileSync(join(dir, name), 'utf8').trim();
  const [owner, reused, child] = read('pids').split(' ').map(Number);
  t.equal(reused, owner, 'the pid is in use again');
  const seen = JSON.parse(read('seen'));
  t.match(seen, { state: 'HOT', verdict: 'orphaned', holder: { pid: child, command: 'sleep' }, leaked_by: owner });
  t.equal(read('after'), '3\nalive', 'reclaimed and given though a process with that pid is there');
});
