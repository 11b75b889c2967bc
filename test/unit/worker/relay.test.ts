/** What children print, on its way to a stream that refuses. */
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
  relay.attach(child, null);
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
