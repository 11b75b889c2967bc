/** What a checkpoint and a replay wait for: one sync of the file system, or where that cannot be had, of each file. The same holds both ways. */
import assert from 'node:assert/strict';
import { existsSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { freeDead } from '../../../../src/spool/journal/checkpoint.ts';
import { replay } from '../../../../src/spool/journal/replay.ts';
import { until } from '../../../support/conditions.ts';
import { contextOf, tempContext } from '../../../support/context.ts';
import { job } from '../../../support/factory.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { namesIn } from '../../../support/invariants.ts';
import { foldersIn, journalIn, recordedIn, segmentPaths, send, sendInEarlierBoot } from '../../../support/journal.ts';

/** `before` is called when the disk is about to be waited for, in that way. */
type Way = (before: (fd?: number) => void | Promise<void>) => Files;

const WAYS: readonly (readonly [name: string, way: Way])[] = [
  [
    'all at once',
    (before) => ({
      ...nodeFiles,
      syncFileSystem: async () => {
        await before();
        return true;
      },
    }),
  ],
  [
    'file by file',
    (before) => ({
      ...nodeFiles,
      syncFileSystem: async () => false,
      sync: async (fd) => {
        // The jobs' files: folders are synced at other times, too.
        if (nodeFiles.info(fd).kind === 'file') await before(fd);
        await nodeFiles.sync(fd);
      },
    }),
  ],
];

for (const [name, way] of WAYS) {
  describe(name, () => {
    test('a checkpoint frees its records after the wait, and none that came meanwhile', async (t) => {
      let hold: Promise<void> | null = null;
      let isWaiting = false;
      const context = tempContext(t, {
        files: way(() => {
          isWaiting = hold !== null;
          return hold ?? undefined;
        }),
      });
      const spool = context.layout.root;
      const journal = journalIn(context);
      const [first, second] = [job(), job()];
      await send(journal, first);
      let release = (): void => undefined;
      hold = new Promise((resolve) => (release = resolve));

      const checkpoint = journal.checkpoint();
      await until(() => isWaiting, 'the checkpoint waits for the disk');
      assert.deepEqual(recordedIn(spool), [first.job.id], 'it is recorded until the disk has it');
      hold = null;
      await send(journal, second);
      release();

      assert.equal(await checkpoint, true);
      assert.deepEqual(recordedIn(spool), [second.job.id]);
      await journal.close();
    });

    test('a checkpoint whose wait fails frees nothing; the next one does', async (t) => {
      let isBroken = false;
      const context = tempContext(t, {
        files: way(() => {
          if (isBroken) throw systemError('EIO', 'sync');
        }),
      });
      const journal = journalIn(context);
      const sent = job();
      await send(journal, sent);
      isBroken = true;

      await assert.rejects(journal.checkpoint(), { code: 'EIO' });

      assert.deepEqual(recordedIn(context.layout.root), [sent.job.id]);
      isBroken = false;
      assert.equal(await journal.checkpoint(), true);
      assert.deepEqual(recordedIn(context.layout.root), []);
      await journal.close();
    });

    test('the segment of a dead process goes after the wait, and stays when that fails', async (t) => {
      let isBroken = true;
      let isThere: boolean | null = null;
      const context = tempContext(t);
      await send(journalIn(context), job());
      const [path = ''] = segmentPaths(context.layout.root);
      const ofTheDead = path.replace(`/${process.pid}-`, '/4194304-');
      renameSync(path, ofTheDead);
      const files = way(() => {
        isThere = existsSync(ofTheDead) && recordedIn(context.layout.root).length === 1;
        if (isBroken) throw systemError('EIO', 'sync');
      });

      await assert.rejects(freeDead({ ...context, files }, dirname(path)), { code: 'EIO' });
      assert.equal(existsSync(ofTheDead), true);
      isBroken = false;
      await freeDead({ ...context, files }, dirname(path));

      assert.equal(isThere, true);
      assert.equal(existsSync(ofTheDead), false);
    });

    test('a replay removes the records after the wait, and is done again when that fails', async (t) => {
      let isBroken = true;
      const context = tempContext(t);
      const spool = context.layout.root;
      const jobs = [job(), job()];
      await sendInEarlierBoot(spool, ...jobs);
      nodeFiles.unlink(join(spool, 'pending', namesIn(spool, 'pending')[0] ?? ''));
      const recorded: number[] = [];
      const files = way(() => {
        recorded.push(recordedIn(spool).length);
        if (isBroken) throw systemError('EIO', 'sync');
      });

      await assert.rejects(replay(contextOf(spool, { files })), { code: 'EIO' });
      assert.equal(foldersIn(spool).length, 1);
      isBroken = false;
      const { restored } = await replay(contextOf(spool, { files }));

      assert.equal(restored, 0, 'it was restored before the wait that failed');
      assert.ok(
        recorded.every((count) => count === 2),
        `${recorded.join(', ')} records at the waits`,
      );
      assert.equal(namesIn(spool, 'pending').length, 2);
      assert.deepEqual(foldersIn(spool), []);
    });
  });
}
