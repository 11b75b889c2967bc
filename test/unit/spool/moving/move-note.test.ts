/** Who ends its work at a move while the disk refuses: the move ends as it has ended, and whoever comes next goes on. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import type { Broker } from '../../../../src/broker/broker.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { tempSpool } from '../../../support/temp.ts';

const THERE = 'another place';

interface Refusing {
  readonly path: string;
  readonly broker: Broker;
  /** From now on. */
  start(): void;
  hasRefused(): boolean;
}

/** A spool of which what has such a path can be neither renamed nor removed. */
function refusing(t: TestContext, of: RegExp, errno: string): Refusing {
  let isRefusing = false;
  let hasRefused = false;
  const refuse = (path: string, call: string): void => {
    if (!isRefusing || !of.test(path)) return;
    hasRefused = true;
    throw systemError(errno, call);
  };
  const files = {
    ...nodeFiles,
    rename: (from: string, to: string) => {
      refuse(from, 'rename');
      nodeFiles.rename(from, to);
    },
    unlink: (path: string) => {
      refuse(path, 'unlink');
      nodeFiles.unlink(path);
    },
  };
  return { ...tempSpool(t, { fsync: false, files }), start: () => (isRefusing = true), hasRefused: () => hasRefused };
}

for (const errno of ['EACCES', 'EROFS', 'EIO', 'ENOSPC'])
  describe(`the disk refuses with ${errno} when the work at a move ends`, () => {
    test('to remove what says who we are: a move that is over is over, and the next one begins', async (t) => {
      const { path, broker, start, hasRefused } = refusing(t, /\/workers\/[^/]+\.json$/, errno);
      const departure = await broker.departure(THERE);
      start();

      await departure.finish();
      await departure.close();

      assert.ok(hasRefused());
      assert.equal(existsSync(join(path, 'moving')), false);
      const next = await openSpool({ path }).departure('a third place');
      assert.equal(next.isResumed, false);
      await next.finish();
      await next.close();
    });

    test('to take our name from the note: it finds us dead, and the next one goes on with the move', async (t) => {
      const { path, broker, start, hasRefused } = refusing(t, /\/moving\/[^/]+$/, errno);
      const departure = await broker.departure(THERE);
      start();

      await departure.close();

      assert.ok(hasRefused());
      const next = await openSpool({ path }).departure(THERE);
      assert.deepEqual([next.isResumed, next.id], [true, departure.id]);
      await next.finish();
      await next.close();
    });

    test('the same of one that arrives', async (t) => {
      const { path, broker, start, hasRefused } = refusing(t, /\/(?:workers\/[^/]+\.json|moving\/[^/]+)$/, errno);
      const id = broker.nextId();
      const arrival = await broker.arrival(THERE, id, true);
      start();

      await arrival?.close();

      assert.ok(hasRefused());
      const next = await openSpool({ path }).arrival(THERE, id, false);
      assert.equal(next?.isResumed, true);
      await next?.finish();
      await next?.close();
    });
  });
