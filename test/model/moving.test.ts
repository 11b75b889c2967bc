/** A job on its way from one place to another: looked at in every order of steps, deaths, takeovers, runs and revocations. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBites, explore, NO_WAY_OUT } from './explore.ts';
import { FSQ, moving, type Rules } from './moving.ts';

test('a job that moves is in one place, runs once, and ends as revoked where somebody was told so', () => {
  const { states, violations } = explore(moving(FSQ));

  assert.equal([...violations].map(([name, way]) => `${name}:\n  ${way.join('\n  ')}`).join('\n'), '');
  assert.ok(states > 1_000, `only ${states} states were looked at`);
});

const mutants: readonly [name: string, change: Partial<Rules>, found: string][] = [
  ['the source does not hide the job first', { takesFirst: false }, 'it runs twice'],
  ['the job goes before it is there', { acceptsBeforeItLetsGo: false }, 'it is in neither place'],
  ['whoever stood still goes on under the note of another', { fences: false }, 'it runs twice'],
  ['who goes on looks only at what leaves', { findsArrived: false }, NO_WAY_OUT],
  ['the flag of a job that was let go is swept', { keepsFlags: false }, 'it runs, and was revoked on its way'],
  ['the note goes while a job is on its way', { finishesEmpty: false, fences: false }, NO_WAY_OUT],
  ['the job is released before the source lets it go', { releasesLast: false }, 'it runs twice'],
];

for (const [name, change, expected] of mutants) {
  test(`the model bites: ${name}`, () => {
    assertBites(moving({ ...FSQ, ...change }), expected);
  });
}
