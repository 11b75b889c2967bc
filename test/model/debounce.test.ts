/** Two callers, a worker, a death and a recoverer around one debounced job, in every state that they can come to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { debounce, FSQ, type Rules } from './debounce.ts';
import { assertBites, explore } from './explore.ts';

test('a job that gets new arguments is in one place, no answered call is lost, and no run is counted', (t) => {
  const { states, violations } = explore(debounce(FSQ));

  t.diagnostic(`${states} states`);
  assert.deepEqual([...violations], []);
  assert.ok(states > 100);
});

const mutants: readonly [name: string, rules: Partial<Rules>, found: readonly string[]][] = [
  [
    'a new file is put where the job was seen',
    { replace: 'write over the waiting name' },
    ['the job is in two places'],
  ],
  ['the call is answered before its arguments are there', { answer: 'before' }, ['an answered call is lost']],
  ['what a dead caller held counts as a run', { recovery: 'counts a run' }, ['a run is counted that did not begin']],
  ['what a dead caller held is dropped', { recovery: 'drops it' }, ['the job is lost']],
  ['a call relies on the one that has the job', { meeting: 'counts as given' }, ['an answered call is lost']],
];

for (const [name, rules, expected] of mutants) {
  test(`the model bites: ${name}`, () => {
    assertBites(debounce({ ...FSQ, ...rules }), ...expected);
  });
}
