/** Senders of a schedule's instants, in every state that they can come to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBites, assertFound, explore } from './explore.ts';
import { type Budget, FSQ, type Rules, schedules } from './schedules.ts';

const ONE: Budget = { senders: 2, instants: 1, tries: 3, kills: 2 };
const TWO: Budget = { senders: 2, instants: 2, tries: 2, kills: 1 };
const THREE: Budget = { senders: 3, instants: 1, tries: 2, kills: 1 };

for (const budget of [ONE, TWO, THREE]) {
  const { senders, instants, kills } = budget;
  test(`${senders} senders of ${instants} instants, ${kills} deaths: one job for each, and always a way to an end`, (t) => {
    const found = explore(schedules(FSQ, budget));

    t.diagnostic(`${found.states} states`);
    assertFound(found, []);
    assert.ok(found.states > 2_000, `only ${found.states} states were looked at`);
  });
}

const DOUBLE = ['two jobs of an instant'];
const mutants: readonly [name: string, rules: Rules, budget: Budget, found: readonly string[]][] = [
  ['no look at the marks when the holder is there', { ...FSQ, check: 'first' }, ONE, DOUBLE],
  ['that look before the list', { ...FSQ, check: 'first, before the list' }, ONE, DOUBLE],
  ['the holder removed before the mark', { ...FSQ, end: 'release, mark' }, ONE, DOUBLE],
  ['the mark before the job', { ...FSQ, end: 'mark before the accept' }, ONE, ['an instant without a job']],
  ['a mark written late that takes back a later one', { ...FSQ, marks: 'the last one written counts' }, TWO, DOUBLE],
  [
    'a holder that stands only while its job has not ended',
    { ...FSQ, holds: 'while the job has not ended' },
    ONE,
    DOUBLE,
  ],
];

for (const [name, rules, budget, found] of mutants) {
  test(`the model bites: ${name}`, () => {
    assertBites(schedules(rules, budget), ...found);
  });
}
