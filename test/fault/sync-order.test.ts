/** The order on which durability rests, read from the system calls themselves: no step may come before the one it relies on. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { OPERATIONS, prepare } from './ops/catalogue.ts';
import { callsIn, NO_STRACE, traced } from '../support/strace.ts';
import { someOwner } from '../support/owners.ts';
import { tempDir } from '../support/temp.ts';

const TRACE = ['openat', 'pwrite64', 'ftruncate', 'fsync', 'fdatasync', 'rename', 'write'];

test(
  'enqueue: bytes, fsync of the file, rename, fsync of the directory, and only then the promise',
  { skip: NO_STRACE },
  async (t) => {
    const calls = await linesOf(t, 'enqueue');

    const written = last(calls, /^(?:pwrite64|ftruncate)\(\d+<[^>]*\/spool\/tmp\//);
    const synced = last(calls, /^fsync\(\d+<[^>]*\/spool\/tmp\//);
    const renamed = first(calls, /^rename\("[^"]*\/spool\/tmp\/[^"]*", "[^"]*\/pending\//);
    const directory = last(calls, /^fsync\(\d+<[^>]*\/pending>/);
    const accepted = first(calls, /^write\(1<[^>]*>, "accept /);
    assertOrder({ written, synced, renamed, directory, accepted });
  },
);

for (const name of ['enqueue through the journal', 'enqueue into spare files']) {
  test(
    `${name}: bytes, record, rename, fdatasync of the record, and only then the promise`,
    { skip: NO_STRACE },
    async (t) => {
      const calls = await linesOf(t, name);

      const accepted = first(calls, /^write\(1<[^>]*>, "accept /);
      const upToThen = calls.slice(0, accepted + 1);
      const written = last(upToThen, /^(?:pwrite64|ftruncate)\(\d+<[^>]*\/spool\/tmp\//);
      const recorded = last(upToThen, /^pwrite64\(\d+<[^>]*\/spool\/journal\//);
      const renamed = first(upToThen, /^rename\("[^"]*\/spool\/tmp\/[^"]*", "[^"]*\/pending\//);
      const placed = last(upToThen, /^rename\("[^"]*\/spool\/tmp\/[^"]*", "[^"]*\/pending\//);
      const synced = last(upToThen, /^fdatasync\(\d+<[^>]*\/spool\/journal\//);
      assertOrder({ written, recorded, renamed, synced, accepted });
      assertOrder({ placed, synced });
    },
  );
}

test(
  'claim and finish: outcome, fsync of the file, rename to results/, and its directory is synced too',
  { skip: NO_STRACE },
  async (t) => {
    const calls = await linesOf(t, 'claim and finish');

    const claimed = first(calls, /^rename\("[^"]*\/pending\/[^"]*", "[^"]*\/running\//);
    const written = first(calls, /^pwrite64\(\d+<[^>]*\/running\//);
    const synced = first(calls, /^fsync\(\d+<[^>]*\/running\/[^>]*\.json>/);
    const published = first(calls, /^rename\("[^"]*\/running\/[^"]*", "[^"]*\/results\//);
    const directory = first(calls, /^fsync\(\d+<[^>]*\/results>/);
    assertOrder({ claimed, written, synced, published, directory });
  },
);

test(
  "recover: the fence first, and nothing in the dead owner's directory is touched by its old path",
  { skip: NO_STRACE },
  async (t) => {
    const calls = await linesOf(t, 'recover');
    const owner = someOwner(1);

    const fenced = first(calls, new RegExp(`^rename\\("[^"]*/running/${owner}", "[^"]*/running/${owner}~`));
    const inside = calls.filter((call) => call.includes(`/running/${owner}/`));

    assert.notEqual(fenced, -1, 'the directory is never renamed');
    assert.deepEqual(inside, []);
  },
);

/** The calls of an operation, with paths in the place of descriptors. */
async function linesOf(t: TestContext, name: string): Promise<readonly string[]> {
  const operation = OPERATIONS.find((candidate) => candidate.name === name);
  assert(operation !== undefined);
  const spool = join(tempDir(t), 'spool');
  mkdirSync(spool, { mode: 0o700 });
  prepare(operation, spool);
  const program = fileURLToPath(new URL(`ops/${operation.program}`, import.meta.url));
  const logFile = `${spool}.calls`;
  const args = [spool, JSON.stringify(operation.input ?? {})];
  const { code, stderr } = await traced({ program, args, trace: TRACE, logFile });
  assert.equal(code, 0, stderr);
  return callsIn(logFile).map(({ line }) => line.replace(/^\d+ +/, ''));
}

/** Asserts that each step is there and comes after the one before it. */
function assertOrder(steps: Readonly<Record<string, number>>): void {
  const names = Object.keys(steps);
  for (const name of names) assert.notEqual(steps[name], -1, `there is no step "${name}"`);
  assert.deepEqual(
    names.toSorted((a, b) => (steps[a] ?? 0) - (steps[b] ?? 0)),
    names,
  );
}

function first(calls: readonly string[], pattern: RegExp): number {
  return calls.findIndex((call) => pattern.test(call));
}

function last(calls: readonly string[], pattern: RegExp): number {
  return calls.findLastIndex((call) => pattern.test(call));
}
