import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { isRecentEnough, SyncQueue, syncFileSystem } from '../../../../src/spool/disk/fsync.ts';
import { deferred } from '../../../support/conditions.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { tempDir } from '../../../support/temp.ts';

/** A queue whose fsyncs end when the test says so. */
function slowQueue(): { queue: SyncQueue; syncs: ReturnType<typeof deferred<void>>[]; closed: () => number } {
  const syncs: ReturnType<typeof deferred<void>>[] = [];
  let closed = 0;
  const files = {
    ...nodeFiles,
    sync: () => {
      const sync = deferred<void>();
      syncs.push(sync);
      return sync.promise;
    },
    close: (fd: number) => {
      closed++;
      nodeFiles.close(fd);
    },
  };
  return { queue: new SyncQueue(files), syncs, closed: () => closed };
}

test('all who come while an fsync runs share the next one, and none joins the one that began before them', async (t) => {
  const directory = tempDir(t);
  const { queue, syncs, closed } = slowQueue();

  const first = queue.sync(directory);
  const others = [queue.sync(directory), queue.sync(directory), queue.sync(directory)];
  assert.equal(syncs.length, 1);
  syncs[0]?.resolve();
  await first;
  await new Promise(setImmediate);
  assert.equal(syncs.length, 2);
  let isDone = false;
  void Promise.all(others).then(() => (isDone = true));
  await new Promise(setImmediate);
  assert.equal(isDone, false);
  syncs[1]?.resolve();
  await Promise.all(others);

  assert.equal(syncs.length, 2);
  assert.equal(closed(), 2);
});

test('a failed fsync is told to those it was for; the next one is made anew', async (t) => {
  const directory = tempDir(t);
  const { queue, syncs, closed } = slowQueue();
  const first = queue.sync(directory);
  const second = queue.sync(directory);

  syncs[0]?.reject(systemError('EIO', 'fsync'));
  await assert.rejects(first, { code: 'EIO' });
  await new Promise(setImmediate);
  syncs[1]?.resolve();
  await second;

  assert.equal(closed(), 2);
});

test('directories are synced apart from each other', async (t) => {
  const { queue, syncs } = slowQueue();

  const both = [queue.sync(tempDir(t)), queue.sync(tempDir(t))];

  assert.equal(syncs.length, 2);
  for (const sync of syncs) sync.resolve();
  await Promise.all(both);
});

test('a directory that is gone is an error', async (t) => {
  const queue = new SyncQueue(nodeFiles);

  await assert.rejects(queue.sync(`${tempDir(t)}/gone`), { code: 'ENOENT' });
});

test('only a Linux that reports errors of syncfs(2) is trusted with it', () => {
  for (const release of ['5.8.0', '5.10.0-28-amd64', '6.1.0', '10.0'])
    assert.equal(isRecentEnough(release), true, release);
  for (const release of ['5.7.19', '4.18.0-553.el8', '', 'unknown'])
    assert.equal(isRecentEnough(release), false, release);
});

test('a file system is synced', { skip: existsSync('/usr/bin/sync') ? false : 'no sync(1) here' }, async (t) => {
  assert.equal(await syncFileSystem(tempDir(t)), true);
});

test('what is not there is not said to be synced', async () => {
  assert.equal(await syncFileSystem('/no such directory'), false);
});

test('where Node refuses to start a program, each file must be synced', async (t) => {
  t.mock.method(process.getBuiltinModule('node:child_process'), 'spawn', () => {
    throw Object.assign(new Error('Access to this API has been restricted'), { code: 'ERR_ACCESS_DENIED' });
  });

  assert.equal(await syncFileSystem(tempDir(t)), false);
});
