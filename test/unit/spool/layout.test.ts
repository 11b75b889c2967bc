import assert from 'node:assert/strict';
import test, { describe } from 'node:test';
import {
  delayedFileName,
  fencedDirectory,
  isOwnerName,
  jobFileName,
  ownerName,
  parseDelayedFileName,
  parseOwnerDirectory,
  parseJobFileName,
  parseResultFileName,
  resultFileName,
} from '../../../src/spool/layout.ts';
import { nextId } from '../../support/factory.ts';
import { HOSTILE_NAMES } from '../../support/hostile.ts';
import { someOwner } from '../../support/owners.ts';

const NAME = { priority: 5, id: nextId(), queue: 'default', attempt: 0, crashes: 0 };

test('a job is named <priority>.<id>.<queue>.<attempt>.<crashes>.json', () => {
  const name = {
    priority: 0,
    id: '0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3',
    queue: 'mail_out-1',
    attempt: 12,
    crashes: 3,
  };

  assert.equal(jobFileName(name), '0.0199f3c2-8d1e-7b3a-9c4d-5e6f708192a3.mail_out-1.12.3.json');
});

test('every name comes back from its file name', () => {
  for (const queue of ['default', 'a', 'q'.repeat(64), '0_-']) {
    for (const counter of [0, 1, 999_999_999]) {
      const name = { ...NAME, priority: 9, queue, attempt: counter, crashes: counter };
      assert.deepEqual(parseJobFileName(jobFileName(name)), name);
      assert.deepEqual(parseDelayedFileName(delayedFileName(1_700_000_000_000, name)), {
        dueAtMs: 1_700_000_000_000,
        name,
        jobFile: jobFileName(name),
      });
    }
  }
});

test('names sort as jobs run: by priority, then by age; delayed ones by the time they are due', () => {
  const [old, young] = [nextId(), nextId()];
  const names = [
    { ...NAME, priority: 0, id: young },
    { ...NAME, priority: 5, id: old },
    { ...NAME, priority: 5, id: young },
    { ...NAME, priority: 9, id: old },
  ].map(jobFileName);

  assert.deepEqual(names.toSorted(), names);
  const due = [0, 5, 999, 1_700_000_000_000, 9_999_999_999_999].map((ms) => delayedFileName(ms, NAME));
  assert.deepEqual(due.toSorted(), due);
});

test('a time that does not fit in a name is put at its nearest end, and never earlier than asked', () => {
  const dueOf = (ms: number): number | undefined => parseDelayedFileName(delayedFileName(ms, NAME))?.dueAtMs;

  assert.equal(dueOf(-5), 0);
  assert.equal(dueOf(1.2), 2);
  assert.equal(dueOf(1e300), 9_999_999_999_999);
});

describe('no job, outcome or owner is', () => {
  for (const hostile of [...HOSTILE_NAMES, '__proto__', 'README', '.gitkeep']) {
    test(JSON.stringify(hostile.slice(0, 40)), () => {
      const id = nextId();
      for (const name of [
        hostile,
        `5.${id}.${hostile}.0.0.json`,
        `5.${hostile}.default.0.0.json`,
        `${hostile}.${jobFileName(NAME)}`,
      ]) {
        assert.equal(parseJobFileName(name), null);
        assert.equal(parseDelayedFileName(name), null);
      }
      assert.equal(parseDelayedFileName(`1700000000000.${hostile}`), null);
      assert.equal(parseResultFileName(hostile), null);
      assert.equal(parseResultFileName(`${hostile}.json`), null);
      assert.equal(isOwnerName(hostile), false);
      assert.equal(parseOwnerDirectory(hostile), null);
      assert.equal(parseOwnerDirectory(`${someOwner()}~${hostile}`), null);
    });
  }

  const file = jobFileName(NAME);
  for (const name of [
    `${file}.tmp`,
    `x${file}`,
    `${file}\n`,
    file.toUpperCase(),
    file.replace('5.', '10.'),
    file.replace('.0.0.', '.-1.0.'),
    file.replace('.0.0.', '.0.1234567890.'),
    file.replace('.json', ''),
    file.replace('default', 'nul'),
    file.replace('default', ''),
  ]) {
    test(JSON.stringify(name), () => assert.equal(parseJobFileName(name), null));
  }
});

test('an outcome is named by its id', () => {
  assert.equal(parseResultFileName(resultFileName(NAME.id)), NAME.id);
});

test('a fenced directory says whose it was and who fenced it', () => {
  const [owner, recoverer] = [ownerName(123, 'f'.repeat(16)), someOwner(2)];

  assert.ok(isOwnerName(owner));
  assert.deepEqual(parseOwnerDirectory(owner), { owner, recoverer: null });
  assert.deepEqual(parseOwnerDirectory(fencedDirectory(owner, recoverer)), { owner, recoverer });
  assert.equal(parseOwnerDirectory(`${fencedDirectory(owner, recoverer)}~${owner}`), null);
});
