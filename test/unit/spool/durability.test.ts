/** What a power cut would leave (P1, P4), judged by the fsyncs that were made. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import test from 'node:test';
import { nodeFiles } from '../../../src/spool/disk/files.ts';
import { ofNoBoot } from '../../support/boots.ts';
import { until } from '../../support/conditions.ts';
import { type DurableFiles, durableFiles } from '../../support/durability.ts';
import { job, returned, RUN } from '../../support/factory.ts';
import { namesIn, placesOf } from '../../support/invariants.ts';
import { contextOf, recovererOf } from '../../support/context.ts';
import { plantDeadOwner, someOwner } from '../../support/owners.ts';
import { tempSpool } from '../../support/temp.ts';
import { encodeBase } from '../../../src/job/document.ts';
import { encodeTail } from '../../../src/job/tail.ts';
import { jobFileName } from '../../../src/spool/layout.ts';
import { recoverOrphans } from '../../../src/spool/recovery/recover.ts';

test('without a journal, when a job is accepted, its bytes and its name would survive a power cut', async (t) => {
  const durable = durableFiles(nodeFiles, () => undefined);
  const { path, broker } = tempSpool(t, { files: ofNoBoot(durable.files) });
  const jobs = [job(), job({ etaMs: Date.now() + 60_000 }), ...Array.from({ length: 100 }, () => job())];

  await broker.enqueue(jobs);
  const single = job();
  await Promise.all([broker.enqueue([single]), broker.enqueue([job()])]);

  assert.equal(placesOf(path).size, jobs.length + 2);
  for (const [, [place = '']] of placesOf(path)) {
    assert.ok(durable.isContentDurable(join(path, place)), `${place} would be empty`);
    assert.ok(durable.isNameDurable(join(path, place)), `${place} would be gone`);
  }
});

for (const isGiven of [true, false]) {
  test(`without one, a thousand jobs at once would survive too, ${isGiven ? 'by one sync of the file system' : 'where that cannot be had'}`, async (t) => {
    let calls = 0;
    const syncFileSystem = async (path: string): Promise<boolean> => {
      calls++;
      return isGiven && nodeFiles.syncFileSystem(path);
    };
    const durable = durableFiles({ ...nodeFiles, syncFileSystem }, () => undefined);
    const { path, broker } = tempSpool(t, { files: ofNoBoot(durable.files) });
    const jobs = Array.from({ length: 1_000 }, () => job());

    await broker.enqueue(jobs);

    assert.equal(calls, 1);
    assert.equal(placesOf(path).size, jobs.length);
    for (const [, [place = '']] of placesOf(path)) {
      assert.ok(durable.isContentDurable(join(path, place)), `${place} would be empty`);
      assert.ok(durable.isNameDurable(join(path, place)), `${place} would be gone`);
    }
  });
}

test('the bytes of a job are on disk before its name is seen, and those of an outcome too', async (t) => {
  const early: string[] = [];
  const look = (to: string, durable: DurableFiles): void => {
    if (/\/(?:pending|delayed|results)\/[^/]*$/.test(to) && !durable.isContentDurable(to)) early.push(to);
  };
  const durable = durableFiles(nodeFiles, look);
  const { path, broker } = tempSpool(t, { files: durable.files });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());
  for (let i = 0; i < 4; i++) await broker.enqueue([job()]);

  const settlements = [
    returned('x'.repeat(10_000)),
    { kind: 'rerun', delayMs: 60_000, crashes: 1, error: { name: 'E', message: '' } },
    { kind: 'park', delayMs: 60_000, parked: { reason: '', sinceMs: 1 } },
    { kind: 'requeue' },
  ] as const;
  for (const settlement of settlements) {
    const claim = await consumer.next(new AbortController().signal);
    await claim?.settle(settlement, RUN);
  }

  assert.deepEqual(early, []);
  assert.equal(namesIn(path, 'results').length, 1);
  await until(
    () => namesIn(path, 'results').every((name) => durable.isNameDurable(join(path, 'results', name))),
    'the name of the outcome is durable too',
  );
});

test('an outcome that is found half-way in recovery is on disk before it is published', async (t) => {
  const early: string[] = [];
  const durable = durableFiles(nodeFiles, (to, { isContentDurable }) => {
    if (to.includes('/results/') && !isContentDurable(to)) early.push(to);
  });
  const { path } = tempSpool(t);
  const sent = job();
  const name = jobFileName({ id: sent.job.id, queue: 'default', priority: 5, attempt: 1, crashes: 0 });
  const tail = encodeTail([{ attempt: 1, endedAtMs: 1, owner: someOwner() }], {
    outcome: { state: 'succeeded', value: 1 },
    standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
  });
  plantDeadOwner(path, someOwner(), { [name]: encodeBase(sent.job).slice(0, -1) + tail });
  const written = join(path, 'running', someOwner(), name);
  const fd = durable.files.open(written, 'write');
  durable.files.write(fd, Buffer.from('{'), 0);
  durable.files.close(fd);
  assert.equal(durable.isContentDurable(written), false);

  await recoverOrphans(contextOf(path, { files: durable.files }), recovererOf(someOwner(2)));

  assert.deepEqual(namesIn(path, 'results'), [`${sent.job.id}.json`]);
  assert.deepEqual(early, []);
});

test('without fsync nothing is waited for', async (t) => {
  let syncs = 0;
  const files = { ...nodeFiles, sync: (fd: number) => (syncs++, nodeFiles.sync(fd)) };
  const { broker } = tempSpool(t, { files, fsync: false });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  t.after(() => consumer.close());

  await broker.enqueue([job()]);
  await (await consumer.next(new AbortController().signal))?.settle(returned(1), RUN);

  assert.equal(syncs, 0);
});
