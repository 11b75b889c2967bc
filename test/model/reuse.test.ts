/** A file that is used again, with a reader of its old content and two producers that want it, in every state they can come to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { explore } from './explore.ts';
import { reuse } from './reuse.ts';

test('a reader of an expired outcome is told that outcome or none, and no two producers write one file', () => {
  for (const unproved of ['stays', 'is removed'] as const) {
    const { violations } = explore(reuse({ looksAgain: true, unproved }));

    assert.deepEqual([...violations], [], unproved);
  }
});

test('the model bites: a reader that does not look again may be told the outcome of another job', () => {
  const { violations } = explore(reuse({ looksAgain: false, unproved: 'is removed' }));

  assert.deepEqual([...violations.keys()], ['a reader is told the outcome of another job']);
});

test('the model bites: a batch of a living producer that is given to another costs an accepted job', () => {
  const { violations } = explore(reuse({ looksAgain: true, unproved: 'is used again' }));

  assert.ok(violations.has('an accepted job is lost or torn'));
});
