/** Limits on how many jobs run at one time, with three workers, three jobs and two deaths, in every state they can come to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBites, explore } from './explore.ts';
import { limits, type Rules } from './limits.ts';

const FSQ: Omit<Rules, 'limit'> = {
  keys: ['a', 'a', 'a'],
  claimsFirst: true,
  countsClaims: true,
};

for (const limit of [1, 2]) {
  test(`never more than ${limit} run at one time, and all run in the end`, (t) => {
    const { states, violations } = explore(limits({ ...FSQ, limit }));

    t.diagnostic(`${states} states`);
    assert.deepEqual([...violations], []);
  });
}

test('the model bites: two who look before they claim both find room', () => {
  assertBites(limits({ ...FSQ, limit: 1, claimsFirst: false }), 'more jobs run than may');
});

test('the model bites: a claim that does not count until its job runs is missed', () => {
  assertBites(limits({ ...FSQ, limit: 1, countsClaims: false }), 'more jobs run than may');
});

test('one of each limit key runs at a time, beside those of other keys', (t) => {
  const { states, violations } = explore(limits({ ...FSQ, keys: ['a', 'a', 'b'], limit: 1 }));

  t.diagnostic(`${states} states`);
  assert.deepEqual([...violations], []);
});

test('the model bites: a key whose claims are missed runs twice', () => {
  assertBites(limits({ ...FSQ, keys: ['a', 'a', 'b'], limit: 1, countsClaims: false }), 'more jobs run than may');
});
