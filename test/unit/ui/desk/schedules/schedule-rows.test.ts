import assert from 'node:assert/strict';
import test from 'node:test';
import type { ScheduleRecord } from '../../../../../src/broker/schedules.ts';
import { JobIndex } from '../../../../../src/ui/desk/index/job-index.ts';
import { scheduleRows } from '../../../../../src/ui/desk/schedules/schedule-rows.ts';
import type { ScheduleRow } from '../../../../../src/ui/wire.ts';
import { nextId } from '../../../../support/factory.ts';
import { sighting } from '../../../../support/sighting.ts';

const DAY_MS = 86_400_000;

/** The last run of a schedule whose jobs, sent at these times, are there. */
function lastOf(
  sentAtMs: readonly number[],
  last: ScheduleRecord['last'],
  ids: readonly string[],
): ScheduleRow['last'] {
  const index = new JobIndex();
  for (const [i, atMs] of sentAtMs.entries()) {
    const of = { id: ids[i] ?? nextId(), enqueuedAtMs: atMs, headers: { 'fsq-schedule': 'nightly' } };
    index.put(sighting({}, of));
  }
  const record = { name: 'nightly', doneMs: null, pattern: 'every 1h', last, isPaused: false };
  const [row] = scheduleRows([], [record], index, DAY_MS);
  return row?.last ?? null;
}

test('the last run of a schedule that somebody has sent, and no worker, is that', () => {
  const [first = '', second = ''] = [nextId(), nextId()];

  assert.deepEqual(lastOf([DAY_MS, DAY_MS + 5], null, [first, second]), {
    atMs: DAY_MS + 5,
    id: second,
    state: 'pending',
  });
  assert.equal(lastOf([], null, []), null);
});

test('of a run by itself and one that somebody has sent the later one is the last', () => {
  const [byItself = '', byHand = ''] = [nextId(), nextId()];
  const last = { atMs: DAY_MS, id: byItself };

  assert.equal(lastOf([DAY_MS + 40, DAY_MS + 900], last, [byItself, byHand])?.id, byHand);
  assert.deepEqual(lastOf([DAY_MS + 40], last, [byItself]), { ...last, state: 'pending' });
  assert.deepEqual(lastOf([DAY_MS - 900], last, [byHand]), { ...last, state: null });
});
