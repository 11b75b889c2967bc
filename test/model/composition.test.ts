/** A job that takes the values of others, in every state that it and those around it can come to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { type Budget, composition, FSQ, type Rules } from './composition.ts';
import { assertBites, assertFound, explore, NO_WAY_OUT } from './explore.ts';

const ONE: Budget = { predecessors: 1, canFail: true, isAlone: false, kills: 3 };
const TWO: Budget = { predecessors: 2, canFail: true, isAlone: false, kills: 3 };
const THREE: Budget = { predecessors: 3, canFail: true, isAlone: false, kills: 2 };

for (const budget of [ONE, TWO, THREE, { ...TWO, isAlone: true }]) {
  test(`after ${budget.predecessors}, sent ${budget.isAlone ? 'alone' : 'with them'}: it runs once to its end, with all values, and always comes to an end`, (t) => {
    const found = explore(composition(FSQ, budget));

    t.diagnostic(`${found.states} states`);
    assertFound(found, []);
    assert.ok(found.states > 150, `only ${found.states} states were looked at`);
  });
}

const mutants: readonly [name: string, rules: Partial<Rules>, budget: Budget, found: readonly string[]][] = [
  ['a look before the watch loses the end', { wake: 'look, watch' }, { ...TWO, kills: 0 }, [NO_WAY_OUT]],
  ['the follower has its place first', { order: 'follower first' }, TWO, ['it fails for one that is being sent']],
  ['the claim trusts the wake', { claim: 'last' }, { ...TWO, isAlone: true }, ['it runs without a value']],
  ['outcomes go by their age alone', { expiry: 'any' }, ONE, ['it fails for a value that was forgotten']],
  [
    'a follower that has no place yet counts as gone',
    { expiry: 'follower not there' },
    ONE,
    ['it fails for a value that was forgotten'],
  ],
  ['a missing value is passed over', { expiry: 'any', gone: 'runs without' }, ONE, ['it runs without a value']],
  [
    'a copy makes it ready',
    { release: 'copy' },
    ONE,
    ['it fails for a value that was forgotten', 'it has run to its end twice'],
  ],
  ['a written outcome counts for nothing', { recovery: 'runs again' }, ONE, ['it has run to its end twice']],
];

for (const [name, rules, budget, found] of mutants) {
  test(`the model bites: ${name}`, () => {
    assertBites(composition({ ...FSQ, ...rules }, budget), ...found);
  });
}
