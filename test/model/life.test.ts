/** A job's life, looked at in every state that it can come to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBites, type Exploration, explore } from './explore.ts';
import { type Budget, FSQ, type Rules } from './life-state.ts';
import { life } from './life.ts';

/** Those who revoke or reach a time limit kill besides. */
const ONE_KILL: Budget = { kills: 1, stops: 0 };
const ONE_STOP: Budget = { kills: 0, stops: 1 };

test('one outcome, no run after it or before its time, no more runs than retries and crashes explain, and a way to the end', () => {
  const found = explore(life(FSQ, { kills: 1, stops: 1 }));

  assertSound(found);
  assert.ok(found.states > 50_000, `only ${found.states} states were looked at`);
});

const mutants: readonly [name: string, change: Partial<Rules>, found: string, budget?: Budget][] = [
  ['a job is withdrawn without being taken', { withdraw: 'copy' }, 'a run after the outcome revoked'],
  ['a run killed to end it is sent back', { looksForMarker: false }, 'a run after one that was killed to end it'],
  ['a marker goes once it was heard of', { unmarks: 'told' }, 'a request is forgotten'],
  ['a job is promoted early', { promotes: 'any' }, 'ready before its time'],
  ['what is not parked is unparked', { unparks: 'any' }, 'ready before its time'],
  ['a job that is not due is not put off', { putsOff: false }, 'a run before its time'],
  ['a job that is too late begins', { looksAtExpiry: false }, 'a run after its expiry'],
  ["onCrash 'fail' is not heeded", { heedsOnCrash: false }, "onCrash 'fail', and it ran again"],
  ['crashes are not counted', { countsCrashes: false }, 'more runs than retries and crashes explain'],
  ['entries vanish unseen', { cut: 'clean' }, 'more runs than retries and crashes explain', ONE_STOP],
];

for (const [name, change, expected, budget = ONE_KILL] of mutants) {
  test(`the model bites: ${name}`, () => {
    assertBites(life({ ...FSQ, ...change }, budget), expected);
  });
}

/** Asserts that no rule is broken, and shows the way to one that is. */
function assertSound({ violations }: Exploration): void {
  assert.equal([...violations].map(([name, way]) => `${name}:\n  ${way.join('\n  ')}`).join('\n'), '');
}
