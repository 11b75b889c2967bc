import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { NewJob } from '../../../../src/broker/broker.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { enqueue, placeOf } from '../../../../src/spool/sending/enqueue.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { Journal } from '../../../../src/spool/journal/journal.ts';
import { ofBoot, ofNoBoot } from '../../../support/boots.ts';
import { standstill } from '../../../support/clock.ts';
import { until } from '../../../support/conditions.ts';
import { tempContext } from '../../../support/context.ts';
import { job } from '../../../support/factory.ts';
import { faultyFiles, systemError } from '../../../support/faulty-files.ts';
import { namesIn } from '../../../support/invariants.ts';
import { journalIn, recordedIn, segmentPaths, send } from '../../../support/journal.ts';

interface Held {
  readonly context: SpoolContext;
  /** fdatasyncs that were begun; each waits to be let through. */
  readonly waiting: (() => void)[];
  /** How many were begun. */
  begun: number;
}

/** A spool where each fdatasync waits until the test lets it through. */
function heldContext(t: TestContext, inner: Files = nodeFiles): Held {
  const held = { waiting: [] as (() => void)[], begun: 0 };
  const files: Files = {
    ...inner,
    syncData: async (fd) => {
      held.begun++;
      await new Promise<void>((resolve) => held.waiting.push(resolve));
      await inner.syncData(fd);
    },
  };
  return Object.assign(held, { context: tempContext(t, { files }) });
}

function ids(jobs: readonly NewJob[]): readonly string[] {
  return jobs.map((sent) => sent.job.id).toSorted();
}

test('a job lies where it waits, as its producer wrote it, and in a record', async (t) => {
  const context = tempContext(t);
  const spool = context.layout.root;
  const journal = journalIn(context);
  const [now, later] = [job({ args: ['é世👋'] }), job({ etaMs: Date.now() + 60_000 })];

  await send(journal, now, later);

  const [name = ''] = namesIn(spool, 'pending');
  assert.equal(readFileSync(join(spool, 'pending', name), 'utf8'), encodeBase(now.job));
  assert.equal(namesIn(spool, 'delayed').length, 1);
  assert.deepEqual(recordedIn(spool), ids([now, later]));
  assert.deepEqual(namesIn(spool, 'tmp'), []);
  await journal.close();
});

test('a call is answered when the fdatasync that covers its record has ended', async (t) => {
  const held = heldContext(t);
  const journal = journalIn(held.context);
  let isAnswered = false;

  const { durable } = await journal.append([job()]);
  void durable.then(() => (isAnswered = true));
  await until(() => held.waiting.length === 1, 'an fdatasync has begun');
  await new Promise((resolve) => setImmediate(resolve));

  assert.equal(isAnswered, false);
  held.waiting.shift()?.();
  await durable;
});

test('no job file is synced', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const journal = journalIn(tempContext(t, { files: faulty.files }));
  await send(journal, job());
  faulty.mend();

  await send(journal, job(), job());

  assert.deepEqual(
    ['sync', 'syncFileSystem', 'openDirectory', 'syncData', 'write'].map((call) =>
      faulty.calls.get(call as keyof Files),
    ),
    [undefined, undefined, undefined, 1, 3],
  );
  await journal.close();
});

test('calls that come while an fdatasync runs wait for one more, all of them', async (t) => {
  const held = heldContext(t);
  const journal = journalIn(held.context);
  const first = await journal.append([job()]);

  const others = [];
  for (let i = 0; i < 20; i++) others.push(await journal.append([job()]));
  held.waiting.shift()?.();
  await first.durable;
  await until(() => held.waiting.length === 1, 'the next fdatasync has begun');
  held.waiting.shift()?.();
  await Promise.all(others.map(({ durable }) => durable));

  assert.equal(held.begun, 2);
});

test('the record of a job is there before its file is seen', async (t) => {
  const recorded: boolean[] = [];
  const context = tempContext(t, {
    files: {
      ...nodeFiles,
      rename: (from, to) => {
        if (to.includes('/pending/')) recorded.push(recordedIn(context.layout.root).some((id) => to.includes(id)));
        nodeFiles.rename(from, to);
      },
    },
  });
  const journal = journalIn(context);

  await send(journal, job(), job(), job());

  assert.deepEqual(recorded, [true, true, true]);
  await journal.close();
});

test('a failed fdatasync is not repeated: each file that it was to cover is synced instead', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const context = tempContext(t, { files: faulty.files });
  const journal = journalIn(context);
  await send(journal, job());
  faulty.plan({ operation: 'syncData', call: 1, errno: 'EIO', lasts: 'once' });

  await send(journal, job());

  assert.equal(faulty.calls.get('syncData'), 1);
  assert.equal(faulty.calls.get('sync'), 3, 'the file, and both directories where jobs wait');
  assert.equal(faulty.calls.get('syncFileSystem'), undefined, 'which may not tell of a disk that was shut down');
  assert.equal(journal.takes(1), false, 'the journal rests');
  await journal.close();
  assert.equal(segmentPaths(context.layout.root).length, 1, 'its records may count: it is left for a worker to remove');
});

test('where that fails too, the call is not answered', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const files = { ...faulty.files, syncFileSystem: async () => false };
  const journal = journalIn(tempContext(t, { files }));
  await send(journal, job());
  const sent = job();
  const { durable } = await journal.append([sent]);
  faulty.plan({ operation: 'any', call: 1, errno: 'EIO', lasts: 'for good' });
  await durable; // Of the fdatasync that had begun before.
  faulty.mend();
  faulty.plan({ operation: 'syncData', call: 1, errno: 'EIO', lasts: 'for good' });
  const refusing = await journal.append([job()]);
  faulty.plan({ operation: 'sync', call: 1, errno: 'EIO', lasts: 'for good' });

  await assert.rejects(refusing.durable, { code: 'EIO' });
});

test('on a full disk nothing was begun, and nothing is left', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const context = tempContext(t, { files: faulty.files });
  const journal = journalIn(context);
  const before = job();
  await send(journal, before);
  faulty.plan({ operation: 'create', call: 2, errno: 'ENOSPC', lasts: 'for good' });

  const { placed, begun, error } = await journal.append([job(), job()]);

  assert.deepEqual([placed, begun, (error as NodeJS.ErrnoException).code], [0, 0, 'ENOSPC']);
  assert.deepEqual(recordedIn(context.layout.root), ids([before]));
  assert.deepEqual(namesIn(context.layout.root, 'tmp'), []);
});

test('when a rename fails, the jobs behind it may come back after a power cut, and are told as such', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const context = tempContext(t, { files: faulty.files });
  const journal = journalIn(context);
  await send(journal, job());
  faulty.plan({ operation: 'rename', call: 2, errno: 'ENOSPC', lasts: 'once' });

  const { placed, begun, error } = await journal.append([job(), job(), job()]);

  assert.deepEqual([placed, begun, (error as NodeJS.ErrnoException).code], [1, 3, 'ENOSPC']);
  assert.equal(namesIn(context.layout.root, 'pending').length, 2);
  assert.deepEqual(namesIn(context.layout.root, 'tmp'), []);
});

test('those in front of a rename that fails are answered after the fdatasync, as all are', async (t) => {
  let renames = 0;
  const rename = (from: string, to: string): void => {
    if (to.includes('/pending/') && ++renames === 3) throw systemError('EIO', 'rename');
    nodeFiles.rename(from, to);
  };
  const held = heldContext(t, { ...nodeFiles, rename });
  const journal = journalIn(held.context);
  let isAnswered = false;

  const { placed, durable } = await journal.append([job(), job(), job()]);
  void durable.then(() => (isAnswered = true));
  await new Promise((resolve) => setImmediate(resolve));

  assert.deepEqual([placed, isAnswered, held.waiting.length], [2, false, 1]);
  held.waiting.shift()?.();
  await durable;
});

test('a large job is synced as a file of its own, in the order of the call', async (t) => {
  const faulty = faultyFiles(nodeFiles);
  const context = tempContext(t, { files: faulty.files });
  const journal = journalIn(context);
  const [small, large, last] = [job(), job({ args: ['x'.repeat(70_000)] }), job()];
  await send(journal, job());
  faulty.mend();

  await send(journal, small, large, last);

  assert.equal(faulty.calls.get('sync'), 2, 'the file and the directory');
  assert.equal(recordedIn(context.layout.root).includes(large.job.id), false);
  assert.equal(namesIn(context.layout.root, 'pending').length, 4);
  await journal.close();
});

test('more than all segments hold goes in turn: each is freed and used again', async (t) => {
  const context = tempContext(t);
  const journal = journalIn(context, 2_048);
  const jobs = Array.from({ length: 300 }, () => job({ args: ['x'.repeat(1_000)] }));

  for (let i = 0; i < jobs.length; i += 10) await send(journal, ...jobs.slice(i, i + 1));
  for (const sent of jobs.filter((_, i) => i % 10 > 0).slice(0, 50)) await send(journal, sent);

  assert.equal(namesIn(context.layout.root, 'pending').length, 80);
  assert.ok(segmentPaths(context.layout.root).length <= 8);
  await journal.close();
  assert.deepEqual(segmentPaths(context.layout.root), []);
});

test('a process that sends few jobs makes no segment', (t) => {
  standstill(t);
  const journal = new Journal(tempContext(t), { enqueue, placeOf });

  assert.deepEqual([journal.takes(10), journal.takes(6), journal.takes(1)], [false, false, true]);
});

test('where one boot cannot be told from another there is no journal', (t) => {
  const journal = new Journal(tempContext(t, { files: ofNoBoot(nodeFiles) }), { enqueue, placeOf });

  assert.equal(journal.takes(1_000), false, 'the boot id is not the kernel`s own');
});

test('on a file system that other machines may use there is no journal', (t) => {
  const files = {
    ...ofBoot('x', nodeFiles),
    fileSystem: (path: string) => ({
      ...nodeFiles.fileSystem(path),
      ...(path.startsWith('/proc') ? {} : { type: 0x6969 }),
    }),
  };
  const journal = new Journal(tempContext(t, { files }), { enqueue, placeOf });

  assert.equal(journal.takes(1_000), false);
});

test('a segment that somebody has removed is not written any more', async (t) => {
  t.mock.timers.enable({ apis: [] });
  const context = tempContext(t);
  const journal = journalIn(context);
  await send(journal, job());
  for (const path of segmentPaths(context.layout.root)) nodeFiles.unlink(path);
  const realNow = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => realNow() + 5_000);
  const sent = job();

  await send(journal, sent);

  assert.deepEqual(recordedIn(context.layout.root), [sent.job.id]);
  await journal.close();
});
