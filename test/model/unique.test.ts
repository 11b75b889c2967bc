/** Producers that want one key, in every state that they can come to. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { assertBites, assertFound, explore } from './explore.ts';
import { type Budget, FSQ, type Rules, unique } from './unique.ts';

const TWO: Budget = { producers: 2, tries: 3, kills: 2 };
const THREE: Budget = { producers: 3, tries: 1, kills: 1 };
const TIME: Rules = { ...FSQ, span: 'time' };

for (const rules of [FSQ, TIME]) {
  for (const budget of [TWO, THREE]) {
    test(`${budget.producers} producers, ${rules.span}: one job of a key at a time, and always a way to an answer`, (t) => {
      const found = explore(unique(rules, budget));

      t.diagnostic(`${found.states} states`);
      assertFound(found, []);
      assert.ok(found.states > 5_000, `only ${found.states} states were looked at`);
    });
  }
}

const mutants: readonly [name: string, rules: Rules, budget: Budget, found: readonly string[]][] = [
  ['no holder before the accept', { ...FSQ, order: 'draft, look, accept, holder' }, TWO, ['two jobs of one key']],
  ['the look before the holder', { ...FSQ, order: 'draft, look, holder' }, TWO, ['two jobs of one key']],
  ['the holder before the draft', { ...FSQ, order: 'holder, draft, look' }, THREE, ['two jobs of one key']],
  ['a theft that begins with the holder', { ...FSQ, steal: 'unlink holder, then draft' }, TWO, ['two jobs of one key']],
  ['a theft that leaves the holder empty', { ...TIME, steal: 'unlink draft' }, TWO, ['a duplicate of nothing']],
  ['a retreat that leaves the holder empty', { ...TIME, retreat: 'unlink draft' }, THREE, ['a duplicate of nothing']],
  ['drafts of the living swept', { ...TIME, sweepsLoneDrafts: true }, TWO, ['a duplicate of nothing']],
];

for (const [name, rules, budget, found] of mutants) {
  test(`the model bites: ${name}`, () => {
    assertBites(unique(rules, budget), ...found);
  });
}
