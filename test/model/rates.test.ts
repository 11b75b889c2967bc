/** The slots of a rate, with three workers over four spans of time, in every state they can come to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBites, type Exploration, explore, NO_WAY_OUT } from './explore.ts';
import { rates, type Rules } from './rates.ts';

const RULES: Rules = { removes: (slot, span) => slot < span - 1, looksAgain: true };

const TOO_MANY = 'more jobs start in a span than may';

/** What is wrong, but for states in which time is over and nothing has started. */
const wrongIn = ({ violations }: Exploration): string[] =>
  [...violations.keys()].filter((violation) => violation !== NO_WAY_OUT);

test('never more starts in a span of time than the rate allows, whoever stands still', (t) => {
  const found = explore(rates(RULES));

  t.diagnostic(`${found.states} states`);
  assert.deepEqual(wrongIn(found), []);
});

test('that the span before is left is a matter of clocks alone', () => {
  const found = explore(rates({ ...RULES, removes: (slot, span) => slot < span }));

  assert.deepEqual(wrongIn(found), []);
});

test('the model bites: what lies ahead is removed as well', () => {
  const removes = (slot: number, span: number): boolean => Math.abs(slot - span) > 1;

  assertBites(rates({ ...RULES, removes }), TOO_MANY);
});

test('the model bites: a slot counts whose span is over', () => {
  assertBites(rates({ ...RULES, looksAgain: false }), TOO_MANY);
});
