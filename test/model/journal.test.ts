/** The journal of a sender and a child: no death, cut or failing disk loses what was promised, and what each rule is needed for. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertBites, explore } from './explore.ts';
import { journal } from './journal.ts';
import { type Budget, JOURNAL, type Rules } from './journal-state.ts';

const BUDGETS: readonly Budget[] = [
  { cuts: 1, kills: 1, failures: 1 },
  { cuts: 2, kills: 1, failures: 0 },
];

for (const budget of BUDGETS) {
  const { cuts, kills, failures } = budget;
  test(`what is promised holds over ${cuts} power cuts, ${kills} deaths and ${failures} failing syncs`, (t) => {
    const { states, violations } = explore(journal(JOURNAL, budget));

    t.diagnostic(`${states} states`);
    assert.deepEqual([...violations], []);
  });
}

describe('the model bites:', () => {
  const oneCut: Budget = { cuts: 1, kills: 1, failures: 0 };
  const broken: readonly [what: string, rules: Partial<Rules>, violation: string, budget?: Budget][] = [
    ['a call is answered before the fdatasync', { answers: 'before the fdatasync' }, 'an accepted job is lost'],
    ['an outcome is seen before it', { publishes: 'before the fdatasync' }, 'a job runs again whose outcome was read'],
    [
      'a failed fdatasync is repeated',
      { onFailure: 'call it again' },
      'an accepted job is lost',
      { cuts: 1, kills: 0, failures: 1 },
    ],
    ['a file is seen before its record', { sends: 'file, record' }, 'a job runs again whose outcome was removed'],
    ['a checkpoint comes between record and file', { checkpoints: 'at any time' }, 'an accepted job is lost'],
    ['the record of an outcome holds the tail only', { settled: 'its tail' }, 'an outcome that was read is gone'],
    ['where there is no record only the file is fsynced', { byFile: 'the file' }, 'an outcome that was read is gone'],
    ['a segment is freed with records after the sync', { frees: 'all' }, 'an accepted job is lost'],
    ['a segment is freed without a sync', { frees: 'before the sync' }, 'an accepted job is lost'],
    ['an outcome is removed that a record names', { removes: 'any' }, 'a job runs again whose outcome was removed'],
    [
      'old records in a segment that is used again count',
      { generation: false },
      'a job runs again whose outcome was removed',
    ],
    ['the boot is not asked for', { replays: 'of the dead' }, 'a job runs again whose outcome was read'],
    [
      'the segment of a living process is replayed',
      { replays: 'of the living' },
      'a job is made a second time',
      { cuts: 0, kills: 0, failures: 0 },
    ],
    ['others go on while a replay is due', { othersWait: false }, 'an accepted job is broken'],
    [
      'a replay frees segments before a sync',
      { replaySyncs: false },
      'an accepted job is lost',
      { cuts: 2, kills: 0, failures: 0 },
    ],
  ];

  for (const [what, rules, violation, budget = oneCut] of broken) {
    test(what, () => {
      assertBites(journal({ ...JOURNAL, ...rules }, budget), violation);
    });
  }
});
