/** What `fsq migrate` says in the end. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Migrated } from '../../../../../src/app/migrating/migrate.ts';
import { jsonOf, summaryText } from '../../../../../src/cli/commands/migrate/summary.ts';
import { SpoolError } from '../../../../../src/job/errors.ts';

const ABOUT = { from: './a', to: './b', isDryRun: false, results: false };
const NOTHING: Migrated = {
  moved: 0,
  results: 0,
  schedules: 0,
  pausedQueues: 0,
  left: { running: [], held: [], refused: new Map(), results: 0 },
  isInterrupted: false,
};

function left(parts: Partial<Migrated['left']>): Migrated {
  return { ...NOTHING, left: { ...NOTHING.left, ...parts } };
}

test('what has moved is one line, with only what there was', () => {
  assert.equal(summaryText({ ...NOTHING, moved: 1 }, ABOUT), 'moved from ./a to ./b: 1 job\n');
  assert.equal(
    summaryText({ ...NOTHING, moved: 2, results: 1, schedules: 1, pausedQueues: 2 }, { ...ABOUT, isDryRun: true }),
    'would move from ./a to ./b: 2 jobs, 1 outcome, what is known of 1 schedule, that 2 queues are paused\n',
  );
  assert.equal(summaryText(NOTHING, ABOUT), 'There is nothing to move in ./a.\n');
});

test('each kind of what stays is told with what to do', () => {
  assert.match(summaryText(left({ running: ['a'] }), ABOUT), /^1 job stays, because a worker runs or holds it: stop/);
  assert.match(summaryText(left({ running: ['a', 'b'] }), ABOUT), /^2 jobs stay, because a worker runs or holds them/);
  assert.match(summaryText(left({ held: ['a'] }), ABOUT), /^1 job stays, because it hangs together/);
  assert.match(summaryText(left({ results: 2 }), ABOUT), /^2 outcomes stay: --results takes all along\n$/);
  assert.match(summaryText(left({ results: 1 }), { ...ABOUT, results: true }), /^1 outcome stays: a job that stays/);
  assert.match(summaryText({ ...NOTHING, isInterrupted: true }, ABOUT), /^It was interrupted: run it again/);
});

test('of many jobs that were refused ten are named', () => {
  const refused = new Map(Array.from({ length: 12 }, (_, i) => [`j${i}`, new SpoolError('FSQ_MOVING', `Job j${i}.`)]));

  const lines = summaryText(left({ refused }), ABOUT).trim().split('\n');

  assert.deepEqual([lines.length, lines[0], lines.at(-1)], [11, 'Job j0. (FSQ_MOVING)', 'So do 2 others.']);
});

test('as JSON, what was refused has its code', () => {
  const refused = new Map([['j', new SpoolError('FSQ_MOVING', 'Job j.')]]);

  assert.deepEqual(jsonOf(left({ refused, running: ['r'] }), ABOUT), {
    from: './a',
    to: './b',
    dryRun: false,
    interrupted: false,
    moved: 0,
    results: 0,
    schedules: 0,
    pausedQueues: 0,
    left: { running: ['r'], held: [], refused: [{ id: 'j', code: 'FSQ_MOVING', message: 'Job j.' }], results: 0 },
  });
});
