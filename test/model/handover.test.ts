/** The hand-over of a job, looked at in every state that it can come to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBites, assertFound, explore } from './explore.ts';
import { type Budget, FSQ, type Rules } from './handover-state.ts';
import { handover } from './handover.ts';

const LOSSY: Rules = { ...FSQ, verdicts: 'lossy' };
const TWO_KILLS: Budget = { kills: 2, stops: 0, faults: 0, falseVerdicts: 0 };
const TWO_KILLS_ONE_ERROR: Budget = { ...TWO_KILLS, falseVerdicts: 1 };
/** What must be expected when the living are taken for dead: the job itself is whole, its run is not the only one. */
const RUN_TWICE = ['an ended run is repeated', 'two live runs'];
/** What must never be. */
const BROKEN = ['a visible outcome changed', 'incomplete outcome visible'];

test("with the kernel's proof: one run at a time, one whole outcome that never changes, and always a way to it", () => {
  const found = explore(handover(FSQ, { kills: 2, stops: 1, faults: 1, falseVerdicts: 0 }));

  assertFound(found, []);
  assert.ok(found.states > 5_000, `only ${found.states} states were looked at`);
});

test('if the living may be given up, runs may overlap, but outcomes stay whole', () => {
  assertFound(explore(handover(LOSSY, { ...TWO_KILLS, falseVerdicts: 2 })), RUN_TWICE);
  assertFound(explore(handover(LOSSY, { kills: 1, stops: 0, faults: 1, falseVerdicts: 1 })), RUN_TWICE);
});

const mutants: readonly [name: string, rules: Rules, budget: Budget, found: readonly string[]][] = [
  ['no fence', { ...FSQ, fence: false }, TWO_KILLS, BROKEN],
  ['no look for an outcome at the claim', { ...FSQ, rollForward: false }, TWO_KILLS, ['an ended run is repeated']],
  ['no fence, the living given up', { ...LOSSY, fence: false }, TWO_KILLS_ONE_ERROR, [...BROKEN, ...RUN_TWICE]],
  [
    'no fence, the living given up, a full disk',
    { ...LOSSY, fence: false },
    { ...TWO_KILLS_ONE_ERROR, kills: 0, faults: 1 },
    [...BROKEN, ...RUN_TWICE, 'two files of one job'],
  ],
  ['no copy, the living given up', { ...LOSSY, copy: 'never' }, TWO_KILLS_ONE_ERROR, [...BROKEN, ...RUN_TWICE]],
  [
    'no copy of what a recoverer without proof held',
    { ...LOSSY, copy: 'unproved' },
    TWO_KILLS_ONE_ERROR,
    [...BROKEN, ...RUN_TWICE],
  ],
];

for (const [name, rules, budget, found] of mutants) {
  test(`the model bites: ${name}`, () => {
    assertBites(handover(rules, budget), ...found);
  });
}
