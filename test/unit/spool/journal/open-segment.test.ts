import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { tempContext } from '../../../support/context.ts';
import { type DurableFiles, durableFiles } from '../../../support/durability.ts';
import { job } from '../../../support/factory.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { journalIn, segmentPaths, send } from '../../../support/journal.ts';

const HOUR_MS = 3_600_000;

/** The process stands still for an hour before it does `when`: others count it as dead, sync the disk, and remove its segment. */
function standingStill(t: TestContext, isNow: () => boolean, when: 'rename' | 'create'): DurableFiles {
  let hasStood = false;
  const stand = (path: string, spool: string): void => {
    if (hasStood || !isNow() || !path.startsWith(spool)) return;
    hasStood = true;
    const root = spool.slice(0, spool.lastIndexOf('/'));
    for (const segment of segmentPaths(root)) nodeFiles.unlink(segment);
    const realNow = performance.now.bind(performance);
    t.mock.method(performance, 'now', () => realNow() + HOUR_MS);
  };
  const inner: Files = {
    ...nodeFiles,
    rename: (from, to) => {
      if (when === 'rename') stand(to, to.slice(0, to.lastIndexOf('/')));
      nodeFiles.rename(from, to);
    },
    create: (path) => {
      if (when === 'create') stand(path, path.slice(0, path.lastIndexOf('/')));
      return nodeFiles.create(path);
    },
  };
  return durableFiles(inner, () => undefined);
}

for (const when of ['create', 'rename'] as const)
  test(`who stood still for an hour before the ${when}, and whose records were freed, answers when the file is on the disk`, async (t) => {
    let isSecond = false;
    const durable = standingStill(t, () => isSecond, when);
    const context = tempContext(t, { files: durable.files });
    const journal = journalIn(context);
    await send(journal, job());
    isSecond = true;
    const sent = job();

    await send(journal, sent);

    assert.deepEqual(segmentPaths(context.layout.root), []);
    const path = join(context.layout.pending, `5.${sent.job.id}.default.0.0.json`);
    assert.ok(durable.isContentDurable(path) && durable.isNameDurable(path), `${basename(path)} is not on the disk`);
    await journal.close();
  });

test('a journal that is closed while the disk refuses lets go of its file, and leaves it where it is', async (t) => {
  let isBroken = false;
  const syncFileSystem: Files['syncFileSystem'] = async () => {
    if (isBroken) throw systemError('EIO', 'sync');
    return true;
  };
  const context = tempContext(t, { files: { ...nodeFiles, syncFileSystem } });
  const journal = journalIn(context);
  await send(journal, job());
  const [path = ''] = segmentPaths(context.layout.root);
  assert.ok(openFiles().includes(path));
  isBroken = true;

  await journal.close();

  assert.ok(!openFiles().includes(path));
  assert.deepEqual(segmentPaths(context.layout.root), [path]);
});

function openFiles(): readonly string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return []; // That of this look.
    }
  });
}
