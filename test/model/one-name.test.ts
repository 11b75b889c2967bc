/** A file with several names, and up to five processes that meet it, in every order of their steps. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBites, explore } from './explore.ts';
import { draft, heldByDead, oneName, type Rules, waiting } from './one-name.ts';

const RULES: Rules = { runsOnlyName: true, stepsBack: true };
const [O1, O2] = ['1-a', '2-a'];

const CASES = {
  'a ready job, and a delayed one': [waiting('pending', 0), waiting('delayed', 0)],
  'a ready job, and one further on': [waiting('pending', 0), waiting('delayed', 1)],
  'a ready job, and its draft': [waiting('pending', 0), draft],
  'a ready job, and a claim of the dead': [waiting('pending', 0), heldByDead(O1, 1)],
  'a claim of the dead, and what it sent back': [heldByDead(O1, 1), waiting('delayed', 1, 1)],
  'claims of two that are dead': [heldByDead(O1, 1), heldByDead(O2, 1)],
  'an earlier and a later claim of the dead': [heldByDead(O1, 1), heldByDead(O2, 2)],
  'three names that wait': [waiting('pending', 0), waiting('delayed', 0), waiting('delayed', 1)],
  'a claim of the dead between two that wait': [waiting('pending', 0), heldByDead(O1, 1), waiting('delayed', 1)],
  'two claims of the dead, and a ready job': [heldByDead(O1, 1), heldByDead(O2, 2), waiting('pending', 0)],
} as const;

for (const [what, names] of Object.entries(CASES)) {
  test(`one name stays, and one process runs the job: ${what}`, (t) => {
    const { states, violations } = explore(oneName(names, RULES));

    t.diagnostic(`${states} states`);
    assert.deepEqual([...violations], []);
  });
}

const MUTANTS: readonly (readonly [string, Partial<Rules>, keyof typeof CASES, string])[] = [
  [
    'runs under one of two names',
    { runsOnlyName: false },
    'a ready job, and a delayed one',
    'the job runs twice at a time',
  ],
  ['drops for a holder', { stepsBack: false }, 'a ready job, and a delayed one', 'the last name is removed'],
];
for (const [what, broken, names, expected] of MUTANTS) {
  test(`the model bites: who ${what}`, () => {
    assertBites(oneName(CASES[names], { ...RULES, ...broken }), expected);
  });
}
