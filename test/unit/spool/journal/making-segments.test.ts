/** Segments that the disk does not let a process make, or free. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { tempContext } from '../../../support/context.ts';
import { durableFiles } from '../../../support/durability.ts';
import { job } from '../../../support/factory.ts';
import { faultyFiles, systemError } from '../../../support/faulty-files.ts';
import { namesIn } from '../../../support/invariants.ts';
import { journalIn, recordedIn, segmentPaths, send } from '../../../support/journal.ts';
import { tempDir } from '../../../support/temp.ts';

/** So many in one call go through the journal. */
const MANY = 20;

describe('a segment that cannot be made: the jobs are accepted as files of their own, and nothing is left of it:', () => {
  for (const [step, errno] of [
    ['create', 'ENOSPC'],
    ['create', 'EACCES'],
    ['write', 'ENOSPC'],
    ['write', 'EIO'],
    ['sync', 'EIO'],
    ['folder', 'EIO'],
    ['folder', 'EMFILE'],
  ] as const)
    test(`${step} gives ${errno}`, async (t) => {
      let failures = 0;
      const segments = new Set<number>();
      const fail = (): never => {
        failures++;
        throw systemError(errno, step);
      };
      const inner: Files = {
        ...nodeFiles,
        create: (path) => {
          const isSegment = path.includes('/journal/');
          if (isSegment && step === 'create') fail();
          const fd = nodeFiles.create(path);
          if (isSegment) segments.add(fd);
          return fd;
        },
        write: (fd, bytes, at) => {
          if (!segments.has(fd) || step !== 'write') return nodeFiles.write(fd, bytes, at);
          nodeFiles.write(fd, bytes.subarray(0, 8_192), at);
          return fail();
        },
        sync: async (fd) => (segments.has(fd) && step === 'sync' ? fail() : nodeFiles.sync(fd)),
        openDirectory: (path) =>
          path.includes('/journal/') && step === 'folder' ? fail() : nodeFiles.openDirectory(path),
        close: (fd) => {
          segments.delete(fd);
          nodeFiles.close(fd);
        },
      };
      const durable = durableFiles(inner, () => undefined);
      const path = join(tempDir(t), 'spool');
      const broker = openSpool({ path, files: durable.files });

      await broker.enqueue(Array.from({ length: MANY }, () => job()));

      assert.equal(failures, 1, 'it is not tried again and again');
      const names = namesIn(path, 'pending').map((name) => join(path, 'pending', name));
      assert.equal(names.length, MANY);
      assert.ok(names.every((name) => durable.isContentDurable(name) && durable.isNameDurable(name)));
      assert.deepEqual(segmentPaths(path), []);
      await broker.close();
    });
});

for (const operation of ['write', 'syncData'] as const)
  test(`a segment that cannot be freed, as its header's ${operation} fails, is left, and another is used`, async (t) => {
    const faulty = faultyFiles({ ...nodeFiles, syncFileSystem: async () => true });
    const context = tempContext(t, { files: faulty.files });
    const journal = journalIn(context);
    const [first, second] = [job(), job()];
    await send(journal, first);
    // Nothing of the first is to be written or synced any more but the header.
    faulty.plan({ operation, call: operation === 'write' ? 1 : 2, errno: 'EIO', lasts: 'once' });

    assert.equal(await journal.checkpoint(), true, 'what was recorded is durable');
    assert.ok(faulty.hasFailed());
    faulty.mend();
    await send(journal, second);

    assert.equal(segmentPaths(context.layout.root).length, 2);
    assert.ok(recordedIn(context.layout.root).includes(second.job.id));
    await journal.close();
  });
