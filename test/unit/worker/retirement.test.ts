import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Retirement } from '../../../src/worker/retirement.ts';

const MB = 1024 ** 2;

test('a child retires with the last job it may run, and not before', () => {
  const retirement = new Retirement({ maxTasks: 3, maxMemoryBytes: null });

  assert.deepEqual(
    [retirement.reason(), retirement.reason(), retirement.reason()],
    [null, null, 'it has run 3 jobs (maxTasksPerChild)'],
  );
});

test('a child retires after the job that leaves it with more memory than it may have', () => {
  const bytes = [200 * MB, 200 * MB + 1];
  const retirement = new Retirement({ maxTasks: null, maxMemoryBytes: 200 * MB }, () => bytes.shift() ?? 0);

  assert.equal(retirement.reason(), null);
  assert.equal(retirement.reason(), 'it uses 201 MB of memory, more than 200 MB (maxMemoryPerChild)');
});

test('memory is not asked for where any will do', () => {
  const retirement = new Retirement({ maxTasks: 9, maxMemoryBytes: null }, () => assert.fail('it was asked for'));

  assert.equal(retirement.reason(), null);
});
