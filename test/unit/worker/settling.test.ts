import assert from 'node:assert/strict';
import test from 'node:test';
import { Settling } from '../../../src/worker/settling.ts';

interface Deferred {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: Error): void;
}

function deferred(): Deferred {
  let end: { resolve: () => void; reject: (error: Error) => void } | null = null;
  const promise = new Promise<void>((resolve, reject) => (end = { resolve, reject }));
  return { promise, resolve: () => end?.resolve(), reject: (error) => end?.reject(error) };
}

test('a job goes on while the outcomes before it are on their way', async () => {
  const settling = new Settling();

  for (let i = 0; i < 31; i++) await settling.add(deferred().promise);

  assert.equal(settling.failed.aborted, false);
});

test('the 32nd outcome waits until one of them has arrived', async () => {
  const settling = new Settling();
  const all = Array.from({ length: 32 }, deferred);
  let hasRoom = false;
  const adding = (async (): Promise<void> => {
    for (const { promise } of all) await settling.add(promise);
    hasRoom = true;
  })();
  for (let i = 0; i < 100; i++) await Promise.resolve();
  const before = hasRoom;

  all[7]?.resolve();
  await adding;

  assert.equal(before, false);
});

test('the end waits for all', async () => {
  const settling = new Settling();
  const last = deferred();
  await settling.add(last.promise);
  let hasEnded = false;
  const ending = settling.end().then(() => (hasEnded = true));
  for (let i = 0; i < 100; i++) await Promise.resolve();
  const before = hasEnded;

  last.resolve();
  await ending;

  assert.equal(before, false);
});

test('an outcome that does not arrive stops the taking of jobs at once, and is what the end throws', async () => {
  const settling = new Settling();
  const fenced = new Error('fenced');
  const [lost, other] = [deferred(), deferred()];
  await settling.add(lost.promise);
  await settling.add(other.promise);

  lost.reject(fenced);
  await new Promise((resolve) => settling.failed.addEventListener('abort', resolve));
  other.reject(new Error('a later one'));

  await assert.rejects(settling.end(), fenced);
});
