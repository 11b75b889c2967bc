/** What children print comes to the worker's own streams, line by line, and what others print there is told apart. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { Outlet } from '../../../src/worker/outlet.ts';
import { Relay } from '../../../src/worker/relay.ts';

const PIECE = 'x'.repeat(70_000);

/** How many lines are told as lost when a child prints these chunks and each write fails that `fails` names by its number. */
async function lostOf(chunks: readonly string[], fails: (write: number) => boolean): Promise<number> {
  let writes = 0;
  const stream = Object.assign(new PassThrough(), {
    write: (_chunk: unknown, done: (error: Error | null) => void) => done(fails(writes++) ? new Error('EPIPE') : null),
  });
  let lost = 0;
  const stdout = new Outlet(stream, (lines) => (lost += lines));
  const relay = new Relay({ stdout, stderr: null });
  const child = new PassThrough();
  relay.attach([null, child]);
  for (const chunk of chunks) {
    child.write(chunk);
    await new Promise(setImmediate);
  }
  child.end();
  await relay.finish();
  await new Promise(setImmediate);
  stdout.tellLast();
  return lost;
}

test('a line that is passed on in pieces is lost once', async () => {
  const always = (): boolean => true;

  assert.equal(await lostOf([PIECE, PIECE, PIECE, 'end\n'], always), 1);
  assert.equal(await lostOf([PIECE, PIECE, 'end\nanother\n', 'third\n'], always), 3);
  assert.equal(await lostOf([PIECE, 'end\n', PIECE, 'end\n'], always), 2);
  assert.equal(await lostOf([PIECE, PIECE], always), 1, 'and one without an end');
});

test('a line is lost when any piece of it is, and the next one is another', async () => {
  assert.equal(await lostOf([PIECE, PIECE, 'end\n', 'kept\n'], (write) => write === 1), 1);
  assert.equal(await lostOf([PIECE, 'end\n', 'short\n'], (write) => write !== 1), 2);
  assert.equal(await lostOf([PIECE, 'end\n', 'short\n'], (write) => write === 2), 1);
});

test('what comes through the streams of the child itself is passed on, and is not what others print', async () => {
  const stream = new PassThrough();
  const outlet = new Outlet(stream, () => undefined);
  const relay = new Relay({ stdout: outlet, stderr: outlet }, true);
  const [out, err, ownOut, ownErr] = Array.from({ length: 4 }, () => new PassThrough());
  const others: string[] = [];

  const lastWords = relay.attach([null, out, err, null, ownOut, ownErr], (name, chunk) =>
    others.push(`${name} ${chunk}`),
  );
  out?.end('of a program');
  err?.end('of Node\n');
  ownOut?.end('of the task\n');
  ownErr?.end('of the task, too\n');
  await relay.finish();

  assert.deepEqual(others, ['stdout of a program', 'stderr of Node\n']);
  const lines = String(stream.read())
    .split('\n')
    .filter((line) => line !== '');
  assert.deepEqual(lines.toSorted(), ['of Node', 'of a program', 'of the task', 'of the task, too']);
  assert.match(lastWords(), /of Node\nof the task, too\n|of the task, too\nof Node\n/);
  assert.deepEqual(relay.stdio, ['ignore', 'pipe', 'pipe', 'ipc', 'pipe', 'pipe']);
});

test('a child whose stdout is a terminal prints there itself', () => {
  const outlet = new Outlet(new PassThrough(), () => undefined);
  const relay = new Relay({ stdout: null, stderr: outlet }, true);

  assert.deepEqual(relay.stdio, ['ignore', 'inherit', 'pipe', 'ipc', 'ignore', 'pipe']);
  assert.deepEqual(relay.own, { stdout: null, stderr: 5 });
  assert.deepEqual(new Relay({ stdout: null, stderr: outlet }).stdio, ['ignore', 'inherit', 'pipe', 'ipc']);
});
