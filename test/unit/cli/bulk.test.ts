import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { inParts } from '../../../src/app/acting/carry-out.ts';
import { type Chosen, jobLines, tellErrors, tellingIfLong } from '../../../src/cli/bulk.ts';
import type { Context, Output } from '../../../src/cli/command.ts';
import { UsageError } from '../../../src/job/errors.ts';
import { sighting } from '../../support/sighting.ts';

/** Jobs of two tasks, three of four of the first. */
function jobs(count: number): readonly Chosen[] {
  return Array.from({ length: count }, (_, i) => ({ id: String(i), task: i % 4 === 0 ? null : 'mail\u001b[2J' }));
}

const line = ({ id, task }: Chosen): string => `${id} ${task ?? '-'}`;

describe('jobs have a line each,', () => {
  test('with nothing that a terminal obeys', () => {
    assert.equal(jobLines(jobs(2), line, true), '0 -\n1 mail\\u{1b}[2J\n');
  });

  test('up to ten where a filter chose them, and the rest is counted by tasks', () => {
    const lines = (count: number): readonly string[] => jobLines(jobs(count), line, true).trimEnd().split('\n');

    assert.deepEqual([lines(10).length, lines(11).length], [10, 11]);
    assert.equal(lines(12).at(-1), '… and 2 more; in all 9 mail\\u{1b}[2J, 3 (unreadable)');
  });

  test('all where they were named', () => {
    assert.equal(jobLines(jobs(300), line, false).trimEnd().split('\n').length, 300);
  });

  test('and more than ten tasks are not all counted', () => {
    const many = Array.from({ length: 24 }, (_, i) => ({ id: String(i), task: `t${i % 12}` }));

    assert.match(jobLines(many, line, true), /in all (?:2 t\d+, ){10}4 of 2 other tasks\n$/);
  });
});

test('many jobs are dealt with a thousand at a time, and every answer is kept', async () => {
  const ids = Array.from({ length: 2_500 }, (_, i) => String(i));
  const sizes: number[] = [];

  const answers = await inParts(ids, async (some) => {
    sizes.push(some.length);
    return new Map(some.map((id) => [id, id]));
  });

  assert.deepEqual([sizes, answers.size], [[1_000, 1_000, 500], 2_500]);
});

/** What a search of 300 jobs tells somebody, of which each takes so many ms. */
function toldOf(t: TestContext, eachMs: number, isTTY: boolean): readonly string[] {
  let nowMs = 0;
  t.mock.method(performance, 'now', () => nowMs);
  const told: string[] = [];
  const stderr: Output = {
    isTTY,
    columns: null,
    hasColours: false,
    isClosed: false,
    caughtUp: async () => undefined,
    write: () => undefined,
  };
  const isWanted = tellingIfLong(
    { stderr, tell: (text) => void told.push(text ?? '') },
    { places: [], given: [], isWanted: () => true, mayBeWanted: () => true },
  );
  for (let i = 0; i < 300; i++) {
    nowMs += eachMs;
    assert.ok(isWanted(sighting()));
  }
  return told;
}

test('a search that takes long is told once, to somebody at a terminal', (t) => {
  assert.deepEqual(toldOf(t, 20, true), [
    '100 jobs were read in 2 s, and more are: what is asked for stands in the jobs alone.',
  ]);
  assert.deepEqual([toldOf(t, 1, true), toldOf(t, 20, false)], [[], []]);
});

test('of many errors the first are told, and the others counted', () => {
  const written: string[] = [];
  const told: string[] = [];
  const context = {
    stderr: { write: (text: string) => void written.push(text) },
    tell: (text: string | null) => void told.push(text ?? ''),
  } as unknown as Context;

  tellErrors(
    context,
    'fsq retry',
    Array.from({ length: 22 }, (_, i) => new UsageError(`no ${i}`)),
  );

  assert.deepEqual([written.length, told], [20, ['2 other jobs were left too.']]);
});
