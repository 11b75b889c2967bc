/** What belongs to a job that leaves, and what this user may not read for a while: the job stays, and moves later with all of it. */
import assert from 'node:assert/strict';
import test, { describe, type TestContext } from 'node:test';
import { migrate, type Migrated } from '../../../../src/app/migrating/migrate.ts';
import type { Broker } from '../../../../src/broker/broker.ts';
import { type Files, nodeFiles } from '../../../../src/spool/disk/files.ts';
import { systemError } from '../../../support/faulty-files.ts';
import { sendMovableJobs, toldOf } from '../../../support/movable-jobs.ts';
import { tempSpool } from '../../../support/temp.ts';

/** A spool in which some paths may not be read, from `refuse` on. */
function guarded(t: TestContext, errno: string): { readonly broker: Broker; refuse(of: RegExp | null): void } {
  let refused: RegExp | null = null;
  const open: Files['open'] = (path, access) => {
    if (refused?.test(path) === true && nodeFiles.exists(path)) throw systemError(errno, 'open');
    return nodeFiles.open(path, access);
  };
  const { broker } = tempSpool(t, { fsync: false, files: { ...nodeFiles, open } });
  return { broker, refuse: (of) => (refused = of) };
}

function move(from: Broker, to: Broker): Promise<Migrated> {
  return migrate({ from, to, results: false, waits: false, signal: new AbortController().signal });
}

describe('a job of which something may not be read stays, says so, and moves with it when it may', () => {
  for (const [what, folder, name] of [
    ['the checkpoint', 'checkpoints', 'retried'],
    ['the log', 'logs', 'retried'],
    ['the report', 'progress', 'retried'],
    ['an outcome that it needs', 'results', 'taking'],
  ] as const)
    for (const errno of ['EACCES', 'EPERM'])
      test(`${what}, ${errno}`, async (t) => {
        const { broker: from, refuse } = guarded(t, errno);
        const { broker: to } = tempSpool(t, { fsync: false });
        const { waiting, ended } = await sendMovableJobs(from, true);
        const [ids, id = ''] = [Object.values(waiting), waiting[name]];
        const before = await toldOf(from, ids);
        refuse(new RegExp(`/${folder}/[^/]+$`));

        const { moved, left } = await move(from, to);

        assert.ok(moved > 0);
        assert.deepEqual([...left.refused.keys()], [id]);
        assert.match(left.refused.get(id)?.message ?? '', /read/);
        assert.equal(await to.find(id), null);
        refuse(null);
        assert.equal((await move(from, to)).left.refused.size, 0);
        assert.deepEqual(await toldOf(to, ids), before);
        assert.notEqual(await to.outcome(ended[0]), null);
      });
});

test('a disk that fails where it is to read what lies beside a job ends the move, and the next one takes all along', async (t) => {
  for (const folder of ['checkpoints', 'logs', 'progress']) {
    const { broker: from, refuse } = guarded(t, 'EIO');
    const { broker: to } = tempSpool(t, { fsync: false });
    const { waiting } = await sendMovableJobs(from, true);
    const ids = Object.values(waiting);
    const before = await toldOf(from, ids);
    refuse(new RegExp(`/${folder}/[^/]+$`));

    await assert.rejects(move(from, to), { code: 'FSQ_SPOOL' });

    refuse(null);
    await move(from, to);
    assert.deepEqual(await toldOf(to, ids), before);
  }
});
