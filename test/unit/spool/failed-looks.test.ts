/** A look at a directory that fails once has seen nothing: what was there is found later, although nothing changes any more. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { nodeFiles } from '../../../src/spool/disk/files.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { until, within } from '../../support/conditions.ts';
import { job, returned, RUN } from '../../support/factory.ts';
import { faultyFiles } from '../../support/faulty-files.ts';
import { nextWithin } from '../../support/next-claim.ts';
import { tempSpool } from '../../support/temp.ts';

/** Longer than a directory's times may stand still; see watch.ts. */
const SETTLED_MS = 60;

test('a due job is promoted although the first look at delayed/ failed', async (t) => {
  const { path, broker } = tempSpool(t);
  await broker.enqueue([job({ etaMs: Date.now() + 200 })]);
  await new Promise((resolve) => setTimeout(resolve, SETTLED_MS));
  const faulty = faultyFiles(nodeFiles);
  const other = openSpool({ path, files: faulty.files });
  faulty.plan({ operation: 'list', call: 1, errno: 'EMFILE', lasts: 'once' });

  const keeper = await other.keeper({ queues: null });
  t.after(() => keeper.close());

  await until(async () => (await broker.counts()).pending === 1, 'the job is promoted');
  assert(faulty.hasFailed());
});

test('who waits for an outcome gets it although the look at its file failed', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const { path, broker } = tempSpool(t, { files: faulty.files });
  const worker = openSpool({ path });
  const sent = job();
  await broker.enqueue([sent]);
  const waiting = broker.waitForOutcome(sent.job.id, new AbortController().signal, true);
  faulty.plan({ operation: 'open', call: 1, errno: 'EMFILE', lasts: 'once' });

  const consumer = await worker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  const claim = await nextWithin(consumer, 10_000);
  await claim?.settle(returned(3), RUN);

  assert.deepEqual((await within(waiting, 'the outcome'))?.outcome, { state: 'succeeded', value: 3 });
  assert(faulty.hasFailed());
});

test('a consumer that has to look for itself survives a look that failed, and looks again', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const { path } = tempSpool(t);
  const worker = openSpool({ path, files: faulty.files });
  const silent = { say: () => undefined, listen: () => undefined };
  const consumer = await worker.consumer({ queues: null, tasks: [], line: silent });
  t.after(() => consumer.close());
  const producer = openSpool({ path });
  await producer.enqueue([job()]);
  faulty.plan({ operation: 'walk', call: 1, errno: 'EMFILE', lasts: 'once' });

  const claim = await nextWithin(consumer, 10_000);

  assert(faulty.hasFailed());
  assert(claim !== null);
  await claim.settle(returned(1), RUN);
});

test('a spool that cannot be listed is not idle', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const { broker } = tempSpool(t, { files: faulty.files });
  const keeper = await broker.keeper({ queues: null });
  t.after(() => keeper.close());
  faulty.plan({ operation: 'list', call: 1, errno: 'EMFILE', lasts: 'once' });

  const isIdle = keeper.isIdle();

  assert.equal(isIdle, false);
  assert.equal(keeper.isIdle(), true);
});
