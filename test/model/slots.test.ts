/** Jobs that die together: looked at in every order of begins, ends and deaths. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBites, explore } from './explore.ts';
import { FSQ, type Rules, slots } from './slots.ts';

test('a job that kills its process is given up after four starts, and no job beside it is', () => {
  const { states, violations } = explore(slots(FSQ));

  assert.equal([...violations].map(([name, way]) => `${name}:\n  ${way.join('\n  ')}`).join('\n'), '');
  assert.ok(states > 200, `only ${states} states were looked at`);
});

const INNOCENT = 'an innocent job is given up';
const TAKES = 'a suspect takes another job with it';
const mutants: readonly [name: string, change: Partial<Rules>, found: string][] = [
  ['jobs that have lost processes run beside others', { suspectFrom: 9 }, INNOCENT],
  ['a suspect is begun while another works', { waitsForRuns: false }, TAKES],
  ['a suspect is begun while an outcome is on its way', { waitsForOutcomes: false }, TAKES],
  ['others are begun beside a suspect', { closesBehind: false }, TAKES],
  ['a death in company counts for nobody', { countsAll: false }, 'the poison is begun too often'],
];

for (const [name, change, expected] of mutants) {
  test(`the model bites: ${name}`, () => {
    assertBites(slots({ ...FSQ, ...change }), expected);
  });
}
