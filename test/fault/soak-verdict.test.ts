/** The soak's own judgement: it must see what it is there to see. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verdictOf } from '../../scripts/soak/verdict.mjs';

const GOOD = {
  accepted: new Set(['a', 'b']),
  uncertain: new Set<string>(),
  outcomes: new Set(['a', 'b']),
  journal: 'begin a 1 11 100\nend a 1 11 110\nbegin b 1 12 100\nbegin b 2 13 250\nend b 2 13 260\n',
  deaths: new Map([[12, 200]]),
  producerDeaths: 0,
};

test('a job that ran again after the death of its process is neither lost nor doubled', () => {
  const { lost, unexpected, doubled, rerun, recovery } = verdictOf(GOOD);

  assert.deepEqual({ lost, unexpected, doubled, rerun }, { lost: [], unexpected: [], doubled: [], rerun: 1 });
  assert.deepEqual(recovery, { count: 1, p50: 50, p99: 50, most: 50 });
});

test('an accepted job without an outcome is lost', () => {
  assert.deepEqual(verdictOf({ ...GOOD, outcomes: new Set(['a']) }).lost, ['b']);
});

test('an outcome of a job that nobody sent is unexpected, but for one to each producer that was killed', () => {
  const outcomes = new Set(['a', 'b', 'c', 'd']);

  assert.deepEqual(verdictOf({ ...GOOD, outcomes }).unexpected, ['c', 'd']);
  assert.deepEqual(verdictOf({ ...GOOD, outcomes, producerDeaths: 1 }).unexpected, ['d']);
});

test('a second run without a death, or before it, is a double', () => {
  assert.equal(verdictOf({ ...GOOD, deaths: new Map() }).doubled.length, 1);
  assert.equal(verdictOf({ ...GOOD, deaths: new Map([[12, 300]]) }).doubled.length, 1);
});

test('a process that ended itself counts as dead from then on', () => {
  const journal = 'begin a 1 11 100\nexit a 1 11 105\nbegin a 2 14 120\nend a 2 14 125\n';

  const { doubled } = verdictOf({ ...GOOD, journal, deaths: new Map() });

  assert.deepEqual(doubled, []);
});

test('a pid that is used again: the end of a run is the first after it began', () => {
  const deaths = [
    [12, 50],
    [12, 200],
    [12, 900],
  ] as const;

  const { doubled, recovery } = verdictOf({ ...GOOD, deaths });

  assert.deepEqual(doubled, []);
  assert.equal(recovery.most, 50);
  assert.equal(verdictOf({ ...GOOD, deaths: [[12, 50]] }).doubled.length, 1);
});
