import assert from 'node:assert/strict';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { Feed, type FeedOptions } from '../../../../src/spool/ready/feed.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { jobFileName, parseJobFileName } from '../../../../src/spool/layout.ts';
import { standstill } from '../../../support/clock.ts';
import { until } from '../../../support/conditions.ts';
import { tempContext } from '../../../support/context.ts';
import { nextId } from '../../../support/factory.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';

test('names come in the order in which jobs run, whatever the directory says', (t) => {
  const { context, feed } = feedOf(t);
  const names = [9, 0, 5, 5, 0].map((priority) => put(context, { priority }));

  const taken = feed.take(10);

  assert.deepEqual(taken, names.toSorted());
});

test('names of other queues, and what is no job, are not given', (t) => {
  const foreign: string[] = [];
  const { context, feed } = feedOf(t, { queues: ['mine'], onForeign: (name) => foreign.push(name) });
  put(context, { queue: 'theirs' });
  const mine = put(context, { queue: 'mine' });
  writeFileSync(join(context.layout.pending, 'README'), '');

  assert.deepEqual(feed.take(10), [mine]);
  assert.deepEqual(foreign, ['README']);
});

test('an urgent job behind a backlog that is slow to list is the next that is given, without another listing', async (t) => {
  const { files, listings } = slowToList();
  const { context, feed } = feedOf(t, {}, files);
  const backlog = Array.from({ length: 1_000 }, () => put(context, { priority: 5 }));
  assert.deepEqual(feed.take(1), backlog.slice(0, 1));
  const before = listings();

  const urgent = put(context, { priority: 0 });
  const less = put(context, { priority: 9 });

  let given = backlog.length - 100;
  const taken = await until(() => {
    const [name] = given-- > 0 ? feed.take(1) : [];
    return name !== undefined && !backlog.includes(name) ? name : null;
  }, 'another name than those of the backlog is given');
  assert.equal(taken, urgent);
  assert.notEqual(taken, less);
  assert.equal(listings(), before);
});

test('when a backlog that is slow to list is worked off, a job is found whose event is lost', async (t) => {
  const { files } = slowToList();
  const { context, feed, calls } = feedOf(t, {}, { ...files, watch: () => ({ close: () => undefined }) });
  const name = put(context);
  assert.deepEqual(feed.take(1), [name]);
  rmSync(join(context.layout.pending, name));
  assert.deepEqual(feed.take(1), []);

  put(context);

  await until(() => calls.ready > 0, 'onReady is called');
});

test('after an empty take, a job that comes is announced once, then given', async (t) => {
  const { context, feed, calls } = feedOf(t);
  assert.deepEqual(feed.take(1), []);

  const name = put(context);
  await until(() => calls.ready > 0, 'onReady is called');

  assert.deepEqual(feed.take(5), [name]);
  assert.equal(calls.ready, 1);
});

test('without a watch, a job that comes is announced by the poll', async (t) => {
  const watch: Files['watch'] = () => {
    throw new Error('no inotify here');
  };
  const { context, feed, calls } = feedOf(t, {}, { ...nodeFiles, watch });
  assert.deepEqual(feed.take(1), []);

  put(context);

  await until(() => calls.ready > 0, 'onReady is called');
});

test('a watch that loses every event costs time, not jobs', async (t) => {
  const { context, feed, calls } = feedOf(t, {}, { ...nodeFiles, watch: () => ({ close: () => undefined }) });
  assert.deepEqual(feed.take(1), []);

  const names = [put(context), put(context), put(context)];
  await until(() => calls.ready > 0, 'onReady is called');

  assert.deepEqual(feed.take(5), names);
});

test('a name that was given and not taken comes again', async (t) => {
  const time = standstill(t);
  const { context, feed, calls } = feedOf(t);
  const name = put(context);
  assert.deepEqual(feed.take(1), [name]);

  assert.deepEqual(feed.take(1), [], 'not at once');
  time.goOn();
  await until(() => calls.ready > 0, 'onReady is called');

  assert.deepEqual(feed.take(1), [name]);
});

test('a name that left is forgotten: its event does not announce it', async (t) => {
  const time = standstill(t);
  const { context, feed, calls } = feedOf(t);
  const name = put(context);
  assert.deepEqual(feed.take(1), [name]);
  assert.deepEqual(feed.take(1), []);
  rmSync(join(context.layout.pending, name));
  time.goOn();

  const other = put(context);
  await until(() => calls.ready > 0, 'the other is announced');

  assert.deepEqual(feed.take(5), [other]);
});

test('a job with a lower number that comes later is given first with the next listing', (t) => {
  standstill(t);
  const { context, feed } = feedOf(t);
  const [late, later] = [put(context), put(context)];
  assert.deepEqual(feed.take(1), [late]);
  const urgent = put(context, { priority: 0 });

  const rest = [...feed.take(1), ...feed.take(1)];

  assert.deepEqual(rest.toSorted(), [urgent, later].toSorted());
});

test('where a listing for urgent jobs finds that others have taken all, a job that comes is announced', async (t) => {
  const { context, feed, calls } = feedOf(t);
  const names = [put(context), put(context)];
  assert.deepEqual(feed.take(1), names.slice(0, 1));
  const listedAtMs = performance.now();
  for (const name of names) rmSync(join(context.layout.pending, name));
  await until(() => performance.now() > listedAtMs + 100, 'a listing for urgent jobs is due');
  assert.deepEqual(feed.take(1), []);

  const name = put(context);
  await until(() => calls.ready > 0, 'onReady is called');

  assert.deepEqual(feed.take(1), [name]);
});

test('a failed listing is told, and never reads as "nothing there"', async (t) => {
  for (const errno of ['EMFILE', 'EIO', 'EACCES']) {
    const faulty = faultyFiles(nodeFiles);
    const { context, feed, calls } = feedOf(t, {}, faulty.files);
    const name = put(context);
    faulty.plan({ operation: 'list', call: 1, errno, lasts: 'once' });

    assert.deepEqual(feed.take(1), []);
    await until(() => calls.ready > 0, `onReady is called after ${errno}`);

    assert.equal(calls.trouble.length, 1);
    assert.deepEqual(feed.take(1), [name]);
  }
});

test('a closed feed announces nothing, even when an event comes late', (t) => {
  const events: ((name: string | null) => void)[] = [];
  const watch: Files['watch'] = (_path, onEvent) => {
    events.push(onEvent);
    return { close: () => undefined };
  };
  const { context, feed, calls } = feedOf(t, {}, { ...nodeFiles, watch });
  feed.take(1);

  feed.close();
  const name = put(context);
  for (const event of events) event(name);

  assert.equal(events.length, 1);
  assert.equal(calls.ready, 0);
});

interface Calls {
  ready: number;
  readonly trouble: unknown[];
}

function feedOf(
  t: TestContext,
  options: Partial<FeedOptions> = {},
  files: Files = nodeFiles,
): { readonly context: SpoolContext; readonly feed: Feed; readonly calls: Calls } {
  const context = tempContext(t, { files });
  const calls: Calls = { ready: 0, trouble: [] };
  const feed = new Feed(context, {
    queues: null,
    onReady: () => calls.ready++,
    onTrouble: (error) => calls.trouble.push(error),
    ...options,
  });
  t.after(() => feed.close());
  return { context, feed, calls };
}

/** A file in pending/ by rename, as jobs come; its name. */
function put(context: SpoolContext, parts: { priority?: number; queue?: string } = {}): string {
  const name = jobFileName({ id: nextId(), priority: 5, queue: 'default', attempt: 0, crashes: 0, ...parts });
  assert.ok(parseJobFileName(name));
  writeFileSync(join(context.layout.tmp, name), '{}');
  renameSync(join(context.layout.tmp, name), join(context.layout.pending, name));
  return name;
}

/** A file system in which a listing takes 100 ms: the next one for urgent jobs alone is due in seconds. */
function slowToList(): { readonly files: Files; readonly listings: () => number } {
  let listings = 0;
  const list: Files['list'] = (path) => {
    if (path.endsWith('/pending')) {
      listings++;
      const endAt = performance.now() + 100;
      while (performance.now() < endAt);
    }
    return nodeFiles.list(path);
  };
  return { files: { ...nodeFiles, list }, listings: () => listings };
}
