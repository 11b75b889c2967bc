/** A follower of every job misses no end, also where watches tell nothing, looks fail for a while, and jobs come and go by the hundred. */
import assert from 'node:assert/strict';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import type { Broker, Look } from '../../../../src/broker/broker.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { until, within } from '../../../support/conditions.ts';
import { job, returned, RUN } from '../../../support/factory.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { nextWithin } from '../../../support/next-claim.ts';
import { tempSpool } from '../../../support/temp.ts';

interface Following {
  readonly looks: Look[];
  ends(): readonly string[];
  readonly ended: Promise<void>;
}

/** Follows the spool with a file system of its own. */
async function following(
  t: TestContext,
  path: string,
  files: Files,
  sinceMs: number | null = null,
): Promise<Following> {
  const broker = openSpool({ path, mustExist: true, files });
  const stop = new AbortController();
  const looks: Look[] = [];
  let isReady = false;
  const ended = (async () => {
    for await (const { jobs, isCaughtUp } of broker.everyJob({ sinceMs, follow: true, signal: stop.signal })) {
      looks.push(...jobs);
      isReady ||= isCaughtUp;
    }
  })();
  ended.catch(() => undefined);
  t.after(async () => {
    stop.abort();
    await ended.catch(() => undefined);
    await broker.close();
  });
  await until(() => isReady, 'the follower has begun');
  const isEnd = ({ sighting }: Look): boolean => sighting.endedAtMs !== null;
  return { looks, ends: () => looks.filter(isEnd).map(({ sighting }) => sighting.id), ended };
}

/** Runs `count` jobs to their ends. */
async function runJobs(broker: Broker, count: number): Promise<readonly string[]> {
  const jobs = Array.from({ length: count }, () => job());
  await broker.enqueue(jobs);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  for (let i = 0; i < count; i++) {
    const claim = await nextWithin(consumer, 20_000);
    await claim?.settle(returned(i), RUN);
  }
  await consumer.close();
  return jobs.map(({ job: { id } }) => id);
}

describe('each of 200 ends is given once where a watch', () => {
  const watches: Readonly<Record<string, Files['watch']>> = {
    works: nodeFiles.watch,
    'cannot be had': () => {
      throw Object.assign(new Error('EMFILE: too many open files, watch'), { code: 'EMFILE' });
    },
    'never fires': () => ({ close: () => undefined }),
    'tells no names': (path, onEvent, onError) => nodeFiles.watch(path, () => onEvent(null), onError),
    'loses nine of ten events': (path, onEvent, onError) => {
      let count = 0;
      return nodeFiles.watch(path, (name) => count++ % 10 === 0 && onEvent(name), onError);
    },
    'dies at its first event': (path, _onEvent, onError) =>
      nodeFiles.watch(path, () => onError(new Error('gone')), onError),
  };
  for (const [how, watch] of Object.entries(watches)) {
    test(how, async (t) => {
      const { path, broker } = tempSpool(t, { fsync: false });
      const follower = await following(t, path, { ...nodeFiles, watch });

      const ids = await runJobs(broker, 200);

      await until(() => follower.ends().length >= ids.length, 'all ends are seen');
      assert.deepEqual(follower.ends().toSorted(), ids.toSorted());
      assert.ok(follower.looks.every(({ before, sighting }) => before !== null || ids.includes(sighting.id)));
    });
  }
});

for (const operation of ['open', 'list', 'walk', 'directoryStamp', 'info', 'read', 'exists'] as const) {
  test(`an end is seen after ${operation} has failed with EMFILE for a while`, async (t) => {
    const { path, broker } = tempSpool(t, { fsync: false });
    const faulty = faultyFiles(nodeFiles);
    const follower = await following(t, path, faulty.files);
    faulty.plan({ operation, call: 1, errno: 'EMFILE', lasts: 'for good' });

    const ids = await runJobs(broker, 20);
    await until(() => faulty.hasFailed(), 'the operation fails');
    faulty.mend();

    await until(() => follower.ends().length >= ids.length, 'all ends are seen');
    assert.deepEqual(follower.ends().toSorted(), ids.toSorted());
  });
}

test('the 256 jobs that were sent last come first, after one look at each name; then all others, and none twice', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const jobs = Array.from({ length: 600 }, () => job());
  await broker.enqueue(jobs);
  const ids = jobs.map(({ job: { id } }) => id).toSorted();
  const walked: string[] = [];
  const files: Files = {
    ...nodeFiles,
    walk: (folder) => {
      walked.push(folder.slice(path.length + 1));
      return nodeFiles.walk(folder);
    },
  };
  const looking = openSpool({ path, mustExist: true, files });
  t.after(() => looking.close());
  const all = looking.everyJob({ sinceMs: 0, follow: false, latestFirst: true });

  const first = await all.next();

  assert.deepEqual(
    first.value?.jobs.map(({ sighting }) => sighting.id),
    ids.toReversed().slice(0, 256),
  );
  const once = ['delayed', 'pending', 'results'];
  const inThree = (): readonly string[] => walked.filter((folder) => once.includes(folder));
  assert.deepEqual(inThree(), once);
  const others: string[] = [];
  for await (const { jobs: looks } of all) others.push(...looks.map(({ sighting }) => sighting.id));
  assert.deepEqual(others, ids.toReversed().slice(256));
  assert.deepEqual(inThree(), [...once, ...once]);
});

test('a follower whose spool is removed ends with FSQ_SPOOL_GONE', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  await broker.enqueue([job()]);
  const follower = await following(t, path, nodeFiles);

  rmSync(path, { recursive: true });

  await assert.rejects(within(follower.ended, 'its end'), { code: 'FSQ_SPOOL_GONE' });
});

test('what is no job, and a folder in the place of one, hinders nobody', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const follower = await following(t, path, nodeFiles);
  writeFileSync(join(path, 'pending/README'), 'no job');
  writeFileSync(join(path, 'running/file'), 'no folder');
  mkdirSync(join(path, 'running/1-0000000000000000'));
  mkdirSync(join(path, `results/${job().job.id}.json`));
  writeFileSync(join(path, `results/${job().job.id}.json`), 'no outcome');

  const ids = await runJobs(broker, 3);

  await until(() => follower.ends().length >= ids.length, 'all ends are seen');
  assert.deepEqual(follower.ends().toSorted(), ids.toSorted());
});

test('an outcome that comes by a rename into results/ alone, as other programs do it, is given', async (t) => {
  const { path, broker } = tempSpool(t, { fsync: false });
  const [id = ''] = await runJobs(broker, 1);
  renameSync(join(path, `results/${id}.json`), join(path, 'away'));
  const follower = await following(t, path, { ...nodeFiles, watch: () => ({ close: () => undefined }) });

  renameSync(join(path, 'away'), join(path, `results/${id}.json`));

  await until(() => follower.ends().includes(id), 'the end is seen');
  assert.equal(follower.looks[0]?.before, null);
});
