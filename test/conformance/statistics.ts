/** What every broker promises of what workers have counted. Called by broker.ts. */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Broker } from '../../src/broker/broker.ts';
import { until } from '../support/conditions.ts';
import { figuresOfJobs } from '../support/figures.ts';
import { enqueueOne, keeper, type OpenBroker } from './parts.ts';

export function statistics(open: OpenBroker): void {
  const succeeded = async (broker: Broker): Promise<number> => {
    const { tasks } = await broker.statistics();
    return tasks.reduce((sum, { ended }) => sum + ended.succeeded, 0);
  };

  test('where no worker has counted anything there are no statistics', async (t) => {
    const broker = await open(t);
    await enqueueOne(broker);

    const { tasks, crashes, restarts, sinceMs } = await broker.statistics();

    assert.deepEqual({ tasks, crashes, restarts, sinceMs }, { tasks: [], crashes: {}, restarts: 0, sinceMs: null });
  });

  test('what keepers count adds up, with tasks, crashes and restarts, while they live', async (t) => {
    const broker = await open(t);
    const [one, other] = [await keeper(t, broker), await keeper(t, broker)];

    one.count(figuresOfJobs(2));
    one.count({ ...figuresOfJobs(3), crashes: { exit: 1 }, restarts: 1 });
    other.count({ ...figuresOfJobs(4, 'mail'), crashes: { exit: 1 }, restarts: 0 });

    await until(async () => (await succeeded(broker)) === 9, 'both have told');
    const { tasks, crashes, restarts, history } = await broker.statistics();
    const byTask = tasks.map(({ queue, task, ended }) => `${queue} ${task} ${ended.succeeded}`);
    assert.deepEqual(byTask.toSorted(), ['default add 5', 'default mail 4']);
    assert.deepEqual([crashes, restarts], [{ exit: 2 }, 1]);
    assert.equal(
      history.fiveMinutes.reduce((sum, { ended }) => sum + ended, 0),
      9,
    );
  });

  test('what was counted stays when keepers end, and others go on from there', async (t) => {
    const broker = await open(t);
    let counted = 0;
    for (let i = 1; i <= 5; i++) {
      const each = await keeper(t, broker);
      each.count(figuresOfJobs(i));
      counted += i;
      await each.close();
      assert.equal(await succeeded(broker), counted);
    }
  });
}
