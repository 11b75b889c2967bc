/** Who is killed for a run, and who is blamed: looked at in every order of what is said, heard and done. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { blame, FSQ, type Rules } from './blame.ts';
import { assertBites, explore, NO_WAY_OUT } from './explore.ts';

test('only the run whose time is over dies of its limit, nobody else is blamed, and nobody stands still for ever', () => {
  const { states, violations } = explore(blame(FSQ));

  assert.equal([...violations].map(([name, way]) => `${name}:\n  ${way.join('\n  ')}`).join('\n'), '');
  assert.ok(states > 500, `only ${states} states were looked at`);
});

const mutants: readonly [name: string, change: Partial<Rules>, found: string][] = [
  [
    'the supervisor kills without hearing what was said',
    { listens: false },
    'a child is killed for a run that has ended',
  ],
  ['a run that ended late goes on by itself', { pardons: false }, 'a child is killed for a run that has ended'],
  ['the child says late that a run ended in time', { looksTwice: false }, 'a child is killed for a run that has ended'],
  ['a child is stopped before it is killed', { stopsFirst: true, wakes: false }, NO_WAY_OUT],
  ['nobody wakes the child of a dead worker', { wakes: false }, NO_WAY_OUT],
  ['the end of a child counts before its last message', { hearsAll: false }, NO_WAY_OUT],
  [
    'all that a killed child held has crashed',
    { sparesOthers: false },
    'a crash is counted for a job that did nothing',
  ],
];

for (const [name, change, expected] of mutants) {
  test(`the model bites: ${name}`, () => {
    assertBites(blame({ ...FSQ, ...change }), expected);
  });
}
