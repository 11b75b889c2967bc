import assert from 'node:assert/strict';
import { existsSync, lstatSync, readFileSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { Forgetter } from '../../../../src/spool/results/forget.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { freeDead, makeDurable, recordedIds } from '../../../../src/spool/journal/checkpoint.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { until } from '../../../support/conditions.ts';
import { contextOf, tempContext } from '../../../support/context.ts';
import { durableFiles } from '../../../support/durability.ts';
import { job } from '../../../support/factory.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { faultyFiles } from '../../../support/faulty-files.ts';
import { namesIn } from '../../../support/invariants.ts';
import { journalIn, recordedIn, segmentPaths, send } from '../../../support/journal.ts';
import { tempSpool } from '../../../support/temp.ts';

/** An id that was made in 1970: its outcome may be over. */
const earlyId = (end: string): string => `00000000-0001-7aaa-8aaa-aaaaaaaaaaa${end}`;
const BOOT = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** A spool whose file system is synced when the test lets it. */
function heldSync(t: TestContext): { readonly context: ReturnType<typeof tempContext>; readonly held: (() => void)[] } {
  const held: (() => void)[] = [];
  const files: Files = {
    ...nodeFiles,
    syncFileSystem: async () => {
      await new Promise<void>((resolve) => held.push(resolve));
      return true;
    },
  };
  return { context: tempContext(t, { files }), held };
}

test('a checkpoint frees what was recorded before its sync, and nothing else', async (t) => {
  const { context, held } = heldSync(t);
  const journal = journalIn(context);
  const [before, during] = [job(), job()];
  await send(journal, before);

  const checkpoint = journal.checkpoint();
  await until(() => held.length === 1, 'the sync has begun');
  await send(journal, during);
  assert.deepEqual(recordedIn(context.layout.root), [before, during].map((sent) => sent.job.id).toSorted());
  held.shift()?.();

  assert.equal(await checkpoint, true);
  assert.deepEqual(recordedIn(context.layout.root), [during.job.id]);
});

test('the sync begins after the fdatasync of all that it is to free', async (t) => {
  const order: string[] = [];
  const context = tempContext(t, {
    files: {
      ...nodeFiles,
      syncData: async (fd) => {
        await nodeFiles.syncData(fd);
        order.push('fdatasync');
      },
      syncFileSystem: async () => {
        order.push('sync');
        return true;
      },
    },
  });
  const journal = journalIn(context);
  const { durable } = await journal.append([job()]);

  await journal.checkpoint();
  await durable;

  assert.equal(order.at(0), 'fdatasync');
  assert.equal(
    order.indexOf('sync') < order.lastIndexOf('fdatasync'),
    true,
    'it is freed, on the disk, after the sync',
  );
});

test('when the sync is refused, each file and the names are synced instead', async (t) => {
  const durable = durableFiles({ ...nodeFiles, syncFileSystem: async () => false }, () => undefined);
  const context = tempContext(t, { files: durable.files });
  const journal = journalIn(context);
  const [now, later] = [job(), job({ etaMs: 9_000_000_000_000 })];
  await send(journal, now, later);
  const paths = ['pending', 'delayed'].map((place) =>
    join(context.layout.root, place, namesIn(context.layout.root, place)[0] ?? ''),
  );
  assert.deepEqual(
    paths.map((path) => durable.isContentDurable(path)),
    [false, false],
  );

  assert.equal(await journal.checkpoint(), true);

  for (const path of paths) {
    assert.equal(durable.isContentDurable(path), true, path);
    assert.equal(durable.isNameDurable(path), true, path);
  }
  assert.deepEqual(recordedIn(context.layout.root), []);
});

test('a job that moves away while it is to be synced is looked for again', async (t) => {
  const spool = tempSpool(t);
  let hasMoved = false;
  const synced: string[] = [];
  const files: Files = {
    ...nodeFiles,
    syncFileSystem: async () => false,
    open: (path, access) => {
      if (!hasMoved && path.includes('/pending/')) {
        hasMoved = true;
        nodeFiles.rename(path, join(spool.path, 'delayed', `0000000001000.${basename(path)}`));
      }
      synced.push(path);
      return nodeFiles.open(path, access);
    },
  };
  const context = contextOf(spool.path, { files });
  const sent = job();
  await spool.broker.enqueue([sent]);

  assert.equal(await makeDurable(context, () => new Set([sent.job.id])), true);

  assert.ok(synced.at(-1)?.includes('/delayed/'));
});

test('an error of the disk frees nothing', async (t) => {
  const faulty = faultyFiles({ ...nodeFiles, syncFileSystem: async () => false });
  const context = tempContext(t, { files: faulty.files });
  const journal = journalIn(context);
  const sent = job();
  await send(journal, sent);
  faulty.plan({ operation: 'sync', call: 1, errno: 'EIO', lasts: 'once' });

  await assert.rejects(journal.checkpoint(), { code: 'EIO' });

  assert.deepEqual(recordedIn(context.layout.root), [sent.job.id]);
  faulty.mend();
  assert.equal(await journal.checkpoint(), true);
  assert.deepEqual(recordedIn(context.layout.root), []);
});

describe('of a process that died in this boot', () => {
  /** Its segment, under the name of a process that is dead, or of another that lives. */
  async function segmentOf(
    t: TestContext,
    pid: string,
  ): Promise<{ readonly context: ReturnType<typeof tempContext>; readonly path: string }> {
    const context = tempContext(t);
    await send(journalIn(context), job());
    const [path = ''] = segmentPaths(context.layout.root);
    const renamed = path.replace(`/${process.pid}-`, `/${pid}-`);
    renameSync(path, renamed);
    return { context, path: renamed };
  }

  const folderOf = (context: ReturnType<typeof tempContext>): string => join(context.layout.journal, BOOT);

  test('the segments are removed, after a sync', async (t) => {
    const { context, path } = await segmentOf(t, '4194304');
    let isThere = false;
    const files: Files = {
      ...nodeFiles,
      syncFileSystem: async () => {
        isThere = existsSync(path) && recordedIn(context.layout.root).length === 1;
        return true;
      },
    };

    await freeDead({ ...context, files }, folderOf(context));

    assert.equal(isThere, true);
    assert.equal(existsSync(path), false);
  });

  test('they stay while the sync is not sure', async (t) => {
    const { context, path } = await segmentOf(t, '4194304');
    const files: Files = { ...nodeFiles, syncFileSystem: () => Promise.reject(new Error('refused')) };

    await assert.rejects(freeDead({ ...context, files }, folderOf(context)), /refused/);

    assert.equal(existsSync(path), true);
  });

  test('one that the disk cannot read goes to corrupt/ once all is durable, so that it holds up nothing', async (t) => {
    const { context, path } = await segmentOf(t, '4194304');
    const { ino } = lstatSync(path);
    let isSynced = false;
    const files: Files = {
      ...nodeFiles,
      syncFileSystem: async () => (isSynced = true),
      read: (fd, ...rest) => {
        if (nodeFiles.info(fd).inode === ino) throw systemError('EIO', 'read');
        return nodeFiles.read(fd, ...rest);
      },
    };

    await freeDead({ ...context, files }, folderOf(context));

    assert.equal(isSynced, true);
    assert.deepEqual(
      namesIn(context.layout.root, 'corrupt').map((name) => name.split('.')[0]),
      ['segment'],
    );
    assert.equal(existsSync(path), false);
  });

  test('those of the living stay', async (t) => {
    const { context, path } = await segmentOf(t, String(process.pid));

    await freeDead(context, folderOf(context));

    assert.equal(existsSync(path), true);
  });

  test('those of a process that nobody can ask go when they were not written for an hour', async (t) => {
    const { context, path } = await segmentOf(t, String(process.pid));
    const elsewhere = path.replace(/-[0-9a-f]{8}\./, '-ffffffff.');
    renameSync(path, elsewhere);
    await freeDead(context, folderOf(context));
    assert.equal(existsSync(elsewhere), true);
    utimesSync(elsewhere, 1, 1);

    await freeDead(context, folderOf(context));

    assert.equal(existsSync(elsewhere), false);
  });

  test('a worker does it while it lives', async (t) => {
    const { context, path } = await segmentOf(t, '4194304');
    const broker = openSpool({ path: context.layout.root });
    const keeper = await broker.keeper({ queues: null });

    await until(() => !existsSync(path), 'the segment is gone');

    await keeper.close();
    await broker.close();
  });
});

test('an outcome stays while a record names its job', async (t) => {
  const context = tempContext(t);
  const spool = context.layout.root;
  const journal = journalIn(context);
  const [named, other] = [job({ id: earlyId('1') }), job({ id: earlyId('2') })];
  await send(journal, named);
  for (const {
    job: { id },
  } of [named, other]) {
    const path = join(spool, 'results', `${id}.json`);
    writeFileSync(path, '{}', { mode: 0o600 });
    utimesSync(path, Date.now() / 1_000 - 10, Date.now() / 1_000 - 10);
  }

  await new Forgetter(context, 1_000).forget();
  assert.deepEqual(namesIn(spool, 'results'), [`${named.job.id}.json`]);

  await journal.checkpoint();
  await new Forgetter(context, 1_000).forget();
  assert.deepEqual(namesIn(spool, 'results'), []);
});

test('what was read as freed is freed on the disk before an outcome is removed for it', async (t) => {
  let synced = 0;
  const files: Files = {
    ...nodeFiles,
    syncData: async (fd) => {
      await nodeFiles.syncData(fd);
      synced++;
    },
  };
  const context = tempContext(t, { files });
  const journal = journalIn(context);
  await send(journal, job());
  synced = 0;

  assert.equal((await recordedIds(context)).size, 1);

  assert.equal(synced, 1);
  await journal.close();
});

test('a process that ends in order leaves no segment, one that recorded nothing for a while neither', async (t) => {
  const { broker, path } = tempSpool(t);
  for (let i = 0; i < 40; i++) await broker.enqueue([job()]);
  assert.equal(segmentPaths(path).length, 1);

  await broker.close();

  assert.deepEqual(segmentPaths(path), []);
});
