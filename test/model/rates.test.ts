/** The slots of a rate, with three workers over four spans of time, in every state they can come to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { explore, NO_WAY_OUT } from './explore.ts';
import { rates, type Rules } from './rates.ts';

const RULES: Rules = { removes: (slot, span) => slot < span - 1, looksAgain: true };

/** What is wrong, but for states in which time is over and nothing has started. */
const wrongIn = (rules: Rules): string[] =>
  [...explore(rates(rules)).violations.keys()].filter((violation) => violation !== NO_WAY_OUT);

test('never more starts in a span of time than the rate allows, whoever stands still', (t) => {
  const { states } = explore(rates(RULES));

  t.diagnostic(`${states} states`);
  assert.deepEqual(wrongIn(RULES), []);
});

test('that the span before is left is a matter of clocks alone', () => {
  assert.deepEqual(wrongIn({ ...RULES, removes: (slot, span) => slot < span }), []);
});

test('the model bites: what lies ahead is removed as well', () => {
  const removes = (slot: number, span: number): boolean => Math.abs(slot - span) > 1;

  assert.deepEqual(wrongIn({ ...RULES, removes }), ['more jobs start in a span than may']);
});

test('the model bites: a slot counts whose span is over', () => {
  assert.deepEqual(wrongIn({ ...RULES, looksAgain: false }), ['more jobs start in a span than may']);
});
