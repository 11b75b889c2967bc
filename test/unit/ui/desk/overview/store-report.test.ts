import assert from 'node:assert/strict';
import test from 'node:test';
import { JobIndex } from '../../../../../src/ui/desk/index/job-index.ts';
import { storeReport } from '../../../../../src/ui/desk/overview/store-report.ts';
import { sighting } from '../../../../support/sighting.ts';

const BROKER = {
  place: '/spool',
  parts: async () => [
    { name: 'pending', means: 'ready', entries: 7, bytes: 70 },
    { name: 'delayed', means: 'waits, or is parked', entries: null, bytes: null },
    { name: 'results', means: 'ended', entries: null, bytes: null },
    { name: 'logs', means: 'printed', entries: null, bytes: null },
  ],
  room: async () => null,
};

test('a part that takes too long to be counted has the jobs that are known, once all are', async () => {
  const index = new JobIndex();
  for (const state of ['succeeded', 'failed', 'pending', 'delayed'] as const) index.put(sighting({ state }));
  index.put(sighting({ state: 'delayed' }, { parked: { reason: 'no worker knows it', sinceMs: 1 } }));
  const entries = async (): Promise<unknown> => (await storeReport(BROKER, index)).parts.map((part) => part.entries);

  const before = await entries();
  index.isComplete = true;

  assert.deepEqual(
    [before, await entries()],
    [
      [7, null, null, null],
      [7, 2, 2, null],
    ],
  );
});
