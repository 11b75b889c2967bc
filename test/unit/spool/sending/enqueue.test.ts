import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { SpoolError } from '../../../../src/job/errors.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { job } from '../../../support/factory.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { assertSound, namesIn, placesOf } from '../../../support/invariants.ts';
import { tempDir, tempSpool } from '../../../support/temp.ts';
import { ofNoBoot } from '../../../support/boots.ts';

test('a job lies in pending/ under a name that says priority, id, queue and counters, for its user alone', async (t) => {
  const { path, broker } = tempSpool(t);
  const sent = job({ queue: 'mails', priority: 2 });

  await broker.enqueue([sent]);

  assert.deepEqual(namesIn(path, 'pending'), [`2.${sent.job.id}.mails.0.0.json`]);
  assertSound(path, [sent.job.id]);
  for (const name of readdirSync(path)) {
    if (name !== 'fsq.json') assert.equal(lstatSync(join(path, name)).mode & 0o777, 0o700, name);
  }
});

test('a full disk is told as such, and surely nothing is queued', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const { path, broker } = tempSpool(t, { files: faulty.files });
  const sent = job();
  faulty.plan({ operation: 'write', call: 1, errno: 'ENOSPC', lasts: 'for good' });

  await assert.rejects(broker.enqueue([sent]), (error) => {
    assert.ok(error instanceof SpoolError);
    assert.equal(error.code, 'FSQ_SPOOL_FULL');
    assert.deepEqual(error.uncertain, []);
    assert.match(error.message, new RegExp(`Job ${sent.job.id} \\(echo\\) was not queued: .*make room`));
    assert.equal((error.cause as NodeJS.ErrnoException).code, 'ENOSPC');
    return true;
  });

  assert.equal(placesOf(path).size, 0);
  assert.deepEqual(namesIn(path, 'tmp'), []);
});

test('when the directory cannot be synced, the error names every job that may be queued', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const { broker } = tempSpool(t, { files: faulty.files });
  await broker.enqueue([job()]);
  const jobs = [job(), job()];
  faulty.plan({ operation: 'sync', call: 3, errno: 'EIO', lasts: 'once' });

  await assert.rejects(broker.enqueue(jobs), (error) => {
    assert.ok(error instanceof SpoolError);
    assert.equal(error.code, 'FSQ_ENQUEUE_UNCERTAIN');
    assert.deepEqual(
      error.uncertain,
      jobs.map((sent) => sent.job.id),
    );
    return true;
  });
});

test('when a rename fails in the middle, the error names those before it, and those after it are surely not queued', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const { path, broker } = tempSpool(t, { files: faulty.files });
  const [first = job(), second = job(), third = job()] = [job(), job(), job()];
  faulty.plan({ operation: 'rename', call: 2, errno: 'ENOSPC', lasts: 'once' });

  await assert.rejects(broker.enqueue([first, second, third]), (error) => {
    assert.ok(error instanceof SpoolError);
    assert.deepEqual(error.uncertain, [first.job.id]);
    return true;
  });

  assert.deepEqual([...placesOf(path).keys()], [first.job.id]);
  assert.deepEqual(namesIn(path, 'tmp'), []);
});

test('jobs enqueued at the same time share the fsync of the directory', async (t) => {
  const faulty = faultyFiles(ofNoBoot(nodeFiles));
  const { broker } = tempSpool(t, { files: faulty.files });
  await broker.enqueue([job()]);
  faulty.mend();

  await Promise.all(Array.from({ length: 50 }, () => broker.enqueue([job()])));

  const directorySyncs = (faulty.calls.get('sync') ?? 0) - 50;
  assert.ok(directorySyncs >= 1 && directorySyncs <= 2, `${directorySyncs} fsyncs of the directory for 50 jobs`);
});

test('a call that shared a failed attempt and is surely not queued is tried on its own', async (t) => {
  for (const operation of ['create', 'write', 'sync'] as const) {
    const faulty = faultyFiles(nodeFiles);
    const { path, broker } = tempSpool(t, { files: faulty.files });
    const jobs = [job(), job(), job()];
    faulty.plan({ operation, call: 2, errno: 'EIO', lasts: 'once' });

    await Promise.all(jobs.map((each) => broker.enqueue([each])));

    assert.ok(faulty.hasFailed(), operation);
    assertSound(
      path,
      jobs.map((sent) => sent.job.id),
    );
  }
});

test('a rename that fails is told to the calls before it; those after it are tried on their own', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const { path, broker } = tempSpool(t, { files: faulty.files });
  const jobs = [job(), job(), job()];
  faulty.plan({ operation: 'rename', call: 2, errno: 'ENOSPC', lasts: 'once' });

  const ends = await Promise.allSettled(jobs.map((each) => broker.enqueue([each])));

  const uncertain = ends.map((end) => (end.status === 'rejected' ? (end.reason as SpoolError).uncertain : []));
  assert.deepEqual(uncertain, [[jobs[0]?.job.id], [], []]);
  assert.equal(placesOf(path).size, 3);
});

test('when the directory cannot be synced, each call is told of its own jobs', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const { broker } = tempSpool(t, { files: faulty.files });
  const jobs = [job(), job()];
  faulty.plan({ operation: 'sync', call: 3, errno: 'EIO', lasts: 'once' });

  const ends = await Promise.allSettled(jobs.map((each) => broker.enqueue([each])));

  for (const [i, end] of ends.entries()) {
    assert.ok(end.status === 'rejected' && end.reason instanceof SpoolError);
    assert.deepEqual(end.reason.uncertain, [jobs[i]?.job.id]);
    assert.match(end.reason.message, new RegExp(String(jobs[i]?.job.id)));
  }
});

test('two producers in one process never write into one file', async (t) => {
  const path = join(tempDir(t), 'spool');
  const brokers = Array.from({ length: 4 }, () => openSpool({ path, fsync: false }));
  t.after(() => Promise.all(brokers.map((broker) => broker.close())));

  await Promise.all(
    brokers.map((broker) => broker.enqueue(Array.from({ length: 100 }, () => job({ args: ['x'.repeat(500)] })))),
  );

  assert.equal(placesOf(path).size, 400);
  assertSound(path);
});

test('a file that is visible is whole at every moment', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  let isDone = false;
  const sending = (async () => {
    for (let i = 0; i < 20; i++)
      await broker.enqueue(Array.from({ length: 10 }, () => job({ args: ['x'.repeat(50_000)] })));
  })().finally(() => (isDone = true));

  while (!isDone) {
    assertSound(path);
    await new Promise(setImmediate);
  }

  await sending;
  assert.equal(JSON.parse(readFileSync(join(path, 'pending', namesIn(path, 'pending')[0] ?? ''), 'utf8')).v, 1);
});
