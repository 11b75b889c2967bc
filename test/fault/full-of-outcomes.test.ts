/** A disk that the queue filled itself: what is over makes room, so that a worker can start, and the next jobs run. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmSync, statfsSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { describe, type TestContext } from 'node:test';
import { encodeBase } from '../../src/job/document.ts';
import { encodeTail } from '../../src/job/tail.ts';
import { resultFileName } from '../../src/spool/layout.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { until } from '../support/conditions.ts';
import { job, jobRecord } from '../support/factory.ts';
import { plantDeadOwner, someOwner } from '../support/owners.ts';
import { type Project, startWorker, tempProject, type WorkerHandle } from '../support/project.ts';
import { sender } from '../support/sender.ts';
import { ext4, fill, NO_DISKS, smallDisk, takeInodes, untilFull } from '../support/small-disk.ts';

const TASKS = `
import { task } from 'fsq';
export const add = task('add', (a, b) => a + b);
`;
const OLD = new Date(Date.now() - 48 * 3_600_000);
/** Jobs of a spool that is two days old. */
let next = 0;
const oldId = (): string => `00000000-0000-4000-8000-${String(next++).padStart(12, '0')}`;

/** Disks whose bytes, or inodes, are used up first. */
const DISKS: Readonly<Record<string, (t: TestContext) => string>> = {
  'the bytes of a tmpfs': (t) => smallDisk(t, '4m'),
  'the inodes of a tmpfs': (t) => smallDisk(t, '64m', 600),
  'the bytes of an ext4': (t) => ext4(t, ['-N', '4096']),
  'the inodes of an ext4': (t) => ext4(t, ['-N', '512']),
};

describe('full of', { skip: NO_DISKS }, () => {
  for (const [what, make] of Object.entries(DISKS)) {
    test(`${what} with outcomes whose time is over: a worker starts, removes them, and jobs run`, async (t) => {
      const { at, disk } = await project(t, make);
      plantOutcomes(join(at.spool, 'results'));
      const before = free(disk);

      const worker = await start(t, at, ['-c', '2']);
      await until(() => readdirSync(join(at.spool, 'results')).length === 0, 'they are removed');
      const sum = await (await sender(t, at).send('add', [1, 2])).get('20s');

      assert.equal(sum, 3);
      assert(before.bytes < 65_536 || before.inodes < 3, 'the disk was not full');
      assertRoom(disk);
      assert.equal((await worker.stop()).code, 0, worker.stderr());
    });

    test(`${what} with files that are kept for use again: a worker starts, and jobs run`, async (t) => {
      const { at, disk } = await project(t, make);
      mkdirSync(join(at.spool, 'spare/batch'), { mode: 0o700 });
      plantOutcomes(join(at.spool, 'spare/batch'));

      const worker = await start(t, at, ['-c', '2']);
      const sum = await (await sender(t, at).send('add', [1, 2])).get('20s');

      assert.equal(sum, 3);
      await until(() => !existsSync(join(at.spool, 'spare/batch')), 'they are removed');
      assertRoom(disk);
      assert.equal((await worker.stop()).code, 0, worker.stderr());
    });

    test(`${what} with outcomes that end while a worker runs: they are removed, and jobs run`, async (t) => {
      const { at, disk } = await project(t, make);
      const worker = await start(t, at, ['-c', '1'], { FSQ_RESULT_TTL: '60s' });
      plantOutcomes(join(at.spool, 'results'));

      await until(() => readdirSync(join(at.spool, 'results')).length === 0, 'they are removed');
      const sum = await (await sender(t, at).send('add', [1, 2])).get('20s');

      assert.equal(sum, 3);
      // Some of them were moved to spare/ before the disk was nearly full.
      assertRoom(disk, 1 / 10);
      assert.equal((await worker.stop()).code, 0, worker.stderr());
    });
  }

  for (const what of ['bytes', 'inodes'] as const) {
    test(`others’ ${what}: the reserve lets a worker start and recover what the dead held`, async (t) => {
      const { at, disk } = await project(t, (test) => ext4(test, ['-N', '4096'], '64M'));
      await (await start(t, at, ['-c', '1'])).stop();
      const reserve = join(at.spool, 'spare/reserve');
      assert.equal(readdirSync(reserve).length, 64);
      const held = jobRecord({ task: 'add', args: [1, 2] });
      plantDeadOwner(at.spool, someOwner(), { [`5.${held.id}.default.1.0.json`]: encodeBase(held) });
      mkdirSync(join(disk, 'ballast'));
      if (what === 'bytes') fill(join(disk, 'ballast/one'));
      else takeInodes(join(disk, 'ballast'));

      const worker = await start(t, at, ['-c', '1']);
      await until(() => existsSync(join(at.spool, 'results', resultFileName(held.id))), 'the job has run again');
      assert(!existsSync(reserve));
      rmSync(join(disk, 'ballast'), { recursive: true });
      assert.equal((await worker.stop()).code, 0, worker.stderr());

      await (await start(t, at, ['-c', '1'])).stop();
      assert.equal(readdirSync(reserve).length, 64, 'it is made anew when there is room');
    });
  }

  test('a job is accepted on a disk without an inode left, in a file that was kept for use again', async (t) => {
    const path = join(smallDisk(t, '64m', 600), 'spool');
    const broker = openSpool({ path });
    t.after(() => broker.close());
    mkdirSync(join(path, 'spare/batch'), { mode: 0o700 });
    plantOutcomes(join(path, 'spare/batch'));
    const sent = job();

    await broker.enqueue([sent]);

    assert.equal((await broker.find(sent.job.id))?.state, 'pending');
  });
});

async function project(
  t: TestContext,
  make: (t: TestContext) => string,
): Promise<{ readonly at: Project; readonly disk: string }> {
  const disk = make(t);
  const spool = join(disk, 'spool');
  await openSpool({ path: spool }).close();
  const at = tempProject(t, { 'tasks.js': TASKS });
  return { at: { ...at, spool }, disk };
}

function start(
  t: TestContext,
  at: Project,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<WorkerHandle> {
  return startWorker(t, at, args, { env: { FSQ_SPOOL: at.spool, ...env } });
}

/** As many as there is room for; what room is left for a byte more is filled as well. */
function plantOutcomes(directory: string): void {
  const value = 'x'.repeat(20_000);
  untilFull(() => {
    const record = jobRecord({ id: oldId() });
    const standing = { queue: 'default', priority: 5, attempt: 1, crashes: 0 };
    const tail = encodeTail([], { outcome: { state: 'succeeded', value }, standing });
    const path = join(directory, resultFileName(record.id));
    try {
      writeFileSync(path, encodeBase(record).slice(0, -1) + tail, { mode: 0o600 });
    } finally {
      if (existsSync(path)) utimesSync(path, OLD, OLD); // A part of the last one fits.
    }
  });
}

function free(disk: string): { readonly bytes: number; readonly inodes: number } {
  const { bavail, bsize, ffree } = statfsSync(disk);
  return { bytes: bavail * bsize, inodes: ffree };
}

/** So great a part of the disk is free again. */
function assertRoom(disk: string, part = 1 / 2): void {
  const { blocks, bavail, files, ffree } = statfsSync(disk);
  assert(bavail > blocks * part, `${bavail} of ${blocks} blocks are free`);
  assert(ffree > files * part, `${ffree} of ${files} inodes are free`);
}
