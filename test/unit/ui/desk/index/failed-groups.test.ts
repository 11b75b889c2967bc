import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failedGroups } from '../../../../../src/ui/desk/index/failed-groups.ts';
import { JobIndex } from '../../../../../src/ui/desk/index/job-index.ts';
import { nextId } from '../../../../support/factory.ts';
import { sighting } from '../../../../support/sighting.ts';

/** A job that failed at this time. */
function put(index: JobIndex, task: string, endedAtMs: number | null): string {
  const id = nextId();
  const outcome = { state: 'failed', error: { name: 'Error', message: 'no' } } as const;
  index.put(sighting({ id, state: 'failed', endedAtMs }, { id, task, outcome }));
  return id;
}

test('a group has when its jobs failed first and last, and the last as its example, in whatever order they come', () => {
  const index = new JobIndex();
  put(index, 'mail', null);
  const last = put(index, 'mail', 3_000);
  put(index, 'mail', 1_000);

  const [group] = failedGroups(index, () => true).groups;

  assert.deepEqual([group?.count, group?.firstAtMs, group?.lastAtMs, group?.exampleId], [3, 1_000, 3_000, last]);
});

test('of very many groups those with the most jobs are told, and how many are left out', () => {
  const index = new JobIndex();
  for (let i = 0; i < 203; i++) put(index, `task-${i}`, 1_000);
  put(index, 'task-202', 2_000);

  const { groups, leftOut } = failedGroups(index, () => true);

  assert.deepEqual([groups.length, leftOut, groups[0]?.task], [200, 3, 'task-202']);
  assert.equal(failedGroups(index, ({ task }) => task === 'task-7').leftOut, 0);
});
