/** `fsq worker --notify`, by real command lines. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { TASKS } from '../support/drained.ts';
import { pendingJobs } from '../support/ended-jobs.ts';
import { namesIn } from '../support/invariants.ts';
import { fsq, tempProject } from '../support/project.ts';

const BURST = ['worker', '--burst', '-c', '1', '-l', 'warn'];

describe('fsq worker --notify', () => {
  test('runs the command for each end, also for a job that ended its process, and in the spool of the worker', async (t) => {
    const project = tempProject(t, TASKS);
    // The one that kills its process is the first: a child that dies a moment after a job may not have told of that one.
    const [die = '', bad = '', ok = ''] = await pendingJobs(
      project.spool,
      { task: 'die', options: { onCrash: 'fail' } },
      { task: 'bad', priority: 8 },
      { task: 'ok', priority: 9 },
      { task: 'nobody', priority: 9 },
    );
    const command = `sh -c 'echo "$1 $2 $FSQ_SPOOL" >> ends.txt' _ {id} {state}`;

    const { code } = await fsq(project, [...BURST, '--spool', 'spool', '--notify', command]);

    assert.equal(code, 1);
    const told = readFileSync(join(project.path, 'ends.txt'), 'utf8').trimEnd().split('\n');
    assert.deepEqual(
      told.toSorted(),
      [
        `${ok} succeeded ${project.spool}`,
        `${bad} failed ${project.spool}`,
        `${die} failed ${project.spool}`,
      ].toSorted(),
    );
  });

  test('a command that fails harms no job', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, ...Array.from({ length: 20 }, () => ({ task: 'ok' })));

    const { code, stderr } = await fsq(project, [...BURST, '--notify', 'no-such-program {id}']);

    assert.equal(code, 0);
    assert.match(stderr, /--notify failed for ok [0-9a-f-]{36}: spawn no-such-program ENOENT/);
    assert.equal(namesIn(project.spool, 'results').length, 20);
  });

  test('a wrong command is wrong usage, and no job is run', async (t) => {
    const project = tempProject(t, TASKS);
    await pendingJobs(project.spool, { task: 'ok' });

    const { code, stderr } = await fsq(project, [...BURST, '--notify', 'echo {status}']);

    assert.equal(code, 2);
    assert.match(stderr, /Unknown placeholder \{status\} in --notify; did you mean state\?/);
    assert.equal(namesIn(project.spool, 'pending').length, 1);
  });
});
