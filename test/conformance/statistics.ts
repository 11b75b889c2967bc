/** What every broker promises of what workers have counted. Called by broker.ts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { enqueueOne, type OpenBroker } from './parts.ts';

export function statistics(open: OpenBroker): void {
  test('where no worker has counted anything there are no statistics', async (t) => {
    const broker = await open(t);
    await enqueueOne(broker);

    const { tasks, crashes, restarts, sinceMs } = await broker.statistics();

    assert.deepEqual({ tasks, crashes, restarts, sinceMs }, { tasks: [], crashes: {}, restarts: 0, sinceMs: null });
  });
}
