import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { deferred } from '../../../support/conditions.ts';
import { inOrderOfEnds } from '../../../../src/app/canvas/completion.ts';

const NAMES = ['a', 'b', 'c', 'd'];

test('of those that have ended before, the one that ended first comes first, however long each takes to be read', async () => {
  const ends = new Map([
    ['a', { atMs: 2, readInMs: 1 }],
    ['c', { atMs: 3, readInMs: 5 }],
    ['d', { atMs: 1, readInMs: 30 }],
  ]);
  const later = deferred<number>();
  const endOf = async (name: string, { aborted }: AbortSignal): Promise<number | null> => {
    const end = ends.get(name);
    if (end === undefined) return aborted ? null : later.promise;
    await wait(end.readInMs);
    return end.atMs;
  };

  const seen: string[] = [];
  for await (const name of inOrderOfEnds(NAMES, endOf)) {
    seen.push(name);
    if (seen.length === 3) later.resolve(4);
  }

  assert.deepEqual(seen, ['d', 'a', 'c', 'b']);
});

test('what cannot be looked at is told, and not passed over', async () => {
  const refused = new Error('refused');
  const endOf = (name: string): Promise<number | null> => (name === 'c' ? Promise.reject(refused) : Promise.resolve(1));

  await assert.rejects(async () => {
    for await (const name of inOrderOfEnds(NAMES, endOf)) assert.fail(name);
  }, refused);
});
