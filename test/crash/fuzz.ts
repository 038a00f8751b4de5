import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { bundle, type Mutation } from '../fixtures/bundle.ts';
import type { FuzzPlan, FuzzResult } from '../fixtures/fuzz-run.ts';
import { openProof } from '../fixtures/proof.ts';

// Documents and commands, good, mutated and hostile, by the thousand: none ends the agent, none changes a file that it should not,
// each gets a code.

const LIMIT_MS = 60 * 60 * 1000;
t.setTimeout(LIMIT_MS);
t.comment(`timeout=${LIMIT_MS}`);
const proof = openProof(t);
const dir = mkdtempSync(join(tmpdir(), 'locksmith-fuzz-'));
t.teardown(() => rmSync(dir, { recursive: true, force: true }));
const entry = join(import.meta.dirname, '..', 'fixtures', 'fuzz-run.ts');
const SAMPLE = 4_000;
const FULL = 200_000;

async function fuzz(name: string, count: number, mutations: readonly Mutation[] = []): Promise<FuzzResult> {
  const program = await bundle(entry, mutations);
  const plan: FuzzPlan = { dir: join(dir, name), seed: proof.seed, count };
  mkdirSync(plan.dir);
  const ran = spawnSync(process.execPath, [program, JSON.stringify(plan)], {
    ...{ encoding: 'utf8', timeout: LIMIT_MS, env: { ...process.env, NODE_OPTIONS: '' } },
  });
  if (ran.status !== 0) throw new Error(`the agent ended with ${ran.status ?? ran.signal}: ${ran.stderr}`);
  return JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '');
}

t.test('whatever comes, the agent lives, the files stay, and each gets a code', async (t) => {
  const { sent, good, codes, problems } = await fuzz('plain', proof.rounds(SAMPLE, FULL));
  t.same(problems, []);
  t.equal(sent, proof.rounds(SAMPLE, FULL));
  t.ok(good > sent / 50, `${good} of ${sent} were good`);
  t.comment(JSON.stringify(codes));
  for (const code of [
    'malformed',
    'bad-type',
    'bad-algorithm',
    'unknown-key',
    'bad-signature',
    'unknown-field',
    'replayed',
    'wrong-topic',
    'lock-mismatch',
    'no-such-update',
    'not-managed',
    'key-not-allowed',
  ]) {
    t.ok((codes[code] ?? 0) > 0, `${code} was met`);
  }
  proof.figure('fuzz-messages', sent, '1');
  proof.figure('fuzz-codes', Object.keys(codes).length, '1');
});

t.test('the fuzz finds it if a signature is not looked at', async (t) => {
  const { problems } = await fuzz('unsigned', SAMPLE, [
    {
      file: 'agent/trust/verify.ts',
      from: 'if (!ed25519(key.x, signed, base64url(jws.slice(dot + 1)))) return null;',
      to: 'void signed;',
    },
  ]);
  t.not(problems.length, 0);
  t.match(problems.join('\n'), /changed the file|is not what the last good update said|got a code/);
  t.comment(problems[0] ?? 'nothing');
});

t.test('the fuzz finds it if a command is not bound to what it was signed for', async (t) => {
  const { problems } = await fuzz('unbound', SAMPLE, [
    { file: 'agent/lock/bound.ts', from: 'if (lock.token !== token) {', to: 'if (lock.token === -1) {' },
  ]);
  t.match(problems.join('\n'), /were to be refused/);
});
