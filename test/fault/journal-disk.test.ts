/** The journal on real disks that are full, or that become read-only at any step as ext4 does after an error. Needs root to mount them. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Broker, NewJob } from '../../src/broker/broker.ts';
import type { Claim } from '../../src/broker/worker-side.ts';
import { SpoolError } from '../../src/job/errors.ts';
import { type Files, nodeFiles } from '../../src/spool/disk/files.ts';
import { recoverOrphans } from '../../src/spool/recovery/recover.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { bootAnew } from '../support/boots.ts';
import { contextOf, recovererOf } from '../support/context.ts';
import { job, returned, RUN } from '../support/factory.ts';
import type { Operation } from '../support/faulty-files.ts';
import { assertSound, namesIn, placesOf } from '../support/invariants.ts';
import { foldersIn, segmentPaths, sendInEarlierBoot } from '../support/journal.ts';
import { loopDisk, whyNoLoopDisk } from '../support/loop-disk.ts';
import { nextWithin } from '../support/next-claim.ts';
import { someOwner } from '../support/owners.ts';
import { ext4, fill, fillBut, NO_DISKS } from '../support/small-disk.ts';

/** So many in one call go through the journal. */
const MANY = 20;
/** Steps at which the disk fails, evenly taken from all, and as many that wait for it. */
const MOST_POINTS = 12;
const WAITING: readonly Operation[] = ['sync', 'syncData', 'syncFileSystem'];

/** `act` is called before the call of that number. */
function before(call: number, act: () => void): { readonly files: Files; readonly calls: Operation[] } {
  const calls: Operation[] = [];
  const files = new Proxy(nodeFiles, {
    get: (target, key) => {
      const operation = key as Operation;
      const real = target[operation] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (calls.push(operation) === call) act();
        return real(...args);
      };
    },
  });
  return { files, calls };
}

function pointsIn(calls: readonly Operation[]): readonly number[] {
  const step = Math.max(1, Math.floor(calls.length / MOST_POINTS));
  let waits = 0;
  return calls.flatMap((operation, i) =>
    i % step === 0 || (WAITING.includes(operation) && waits++ < MOST_POINTS) ? [i + 1] : [],
  );
}

interface Answers {
  readonly accepted: string[];
  readonly rejected: string[];
  readonly errors: SpoolError[];
}

/** Sends in three calls, two of them at one time, and frees what was recorded. */
async function sendMany(broker: Broker): Promise<Answers> {
  const answers: Answers = { accepted: [], rejected: [], errors: [] };
  const send = async (...jobs: readonly NewJob[]): Promise<void> => {
    const ids = jobs.map(({ job: { id } }) => id);
    try {
      await broker.enqueue(jobs);
      answers.accepted.push(...ids);
    } catch (error) {
      assert.ok(error instanceof SpoolError, String(error));
      answers.errors.push(error);
      answers.rejected.push(...ids.filter((id) => !error.uncertain.includes(id)));
    }
  };
  await send(...Array.from({ length: MANY }, () => job()));
  await Promise.all([send(job()), send(job({ etaMs: Date.now() + 3_600_000 }))]);
  await broker.close();
  return answers;
}

/** Of the machine after its next start: each job that was accepted is there, none that was surely not queued. */
async function assertKept(spool: string, { accepted, rejected }: Answers): Promise<void> {
  bootAnew(spool);
  const broker = openSpool({ path: spool });
  await broker.counts();
  await broker.close();
  assertSound(spool, accepted);
  const places = placesOf(spool);
  assert.deepEqual(
    rejected.filter((id) => places.has(id)),
    [],
    'they were rejected as not queued',
  );
  assert.deepEqual(foldersIn(spool), []);
}

describe('a disk that becomes read-only', { skip: whyNoLoopDisk() ?? false }, () => {
  test('at any step of sending through the journal and of freeing it: what was accepted is there, and the error says why', async (t) => {
    const make = async (spool: string): Promise<string[]> => {
      openSpool({ path: spool });
      return [];
    };
    await atEachPoint(t, make, async ({ spool, files, again }) => {
      const answers = await sendMany(openSpool({ path: spool, files }));
      await again();

      for (const error of answers.errors) assertTold(error);
      await assertKept(spool, answers);
    });
  });

  test('at any step of a replay: it is done again when the disk is back, and until then nothing is sent', async (t) => {
    await atEachPoint(t, prepare, async ({ spool, files, accepted, again }) => {
      const error: unknown = await replayed(files, spool).catch((caught: unknown) => caught);
      await again();

      if (error !== undefined) assertTold(error);
      await assertKept(spool, { accepted, rejected: [], errors: [] });
    });
  });

  test('at any step of settling through the journal: an outcome that could be read is there again, byte for byte', async (t) => {
    const make = async (path: string): Promise<string[]> => {
      const broker = openSpool({ path });
      const { accepted } = await sendMany(broker);
      return accepted;
    };
    await atEachPoint(t, make, async ({ spool, files, accepted, read, again }) => {
      const error: unknown = await settleAll(files, spool).catch((caught: unknown) => caught);
      await again();

      if (error !== undefined) assert.match(String(error), /read-only file system/i);
      await assertReadAgain(spool, accepted, read());
    });
  });
});

/** Claims all that waits, and ends it in one go. */
async function settleAll(files: Files, path: string): Promise<void> {
  const broker = openSpool({ path, files });
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  try {
    const claims: Claim[] = [];
    while (claims.length < MANY) {
      const claim = await nextWithin(consumer, 10_000);
      assert.ok(claim !== null, 'there is a job to claim');
      claims.push(claim);
    }
    const ends = await Promise.allSettled(claims.map(async (claim, i) => claim.settle(returned({ of: i }), RUN)));
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  } finally {
    await consumer.close().catch(() => undefined); // Of what fails there the claims have told.
    await broker.close();
  }
}

/** Of the machine after its next start: what could be read is the same, and the rest ends. */
async function assertReadAgain(spool: string, accepted: string[], read: Outcomes): Promise<void> {
  await assertKept(spool, { accepted, rejected: [], errors: [] });
  await recoverOrphans(contextOf(spool), recovererOf(someOwner(9)));
  const after = outcomesIn(spool);
  for (const [name, text] of read) assert.equal(after.get(name), text, `${name} was read`);
  assertSound(spool, accepted);
}

type Outcomes = ReadonlyMap<string, string>;

function outcomesIn(spool: string): Outcomes {
  const results = join(spool, 'results');
  if (!existsSync(results)) return new Map();
  return new Map(namesIn(spool, 'results').map((name) => [name, readFileSync(join(results, name), 'utf8')]));
}

/** Uncertain when the disk failed after the job was seen. */
function assertTold(error: unknown): void {
  assert.ok(error instanceof SpoolError, String(error));
  assert.match(error.code, /^FSQ_(SPOOL_NOT_WRITABLE|ENQUEUE_UNCERTAIN)$/, error.message);
  assert.match(error.message, /read-only file system/i);
}

interface Point {
  /** Outcomes that were there when the disk failed. */
  readonly read: () => Outcomes;
  readonly spool: string;
  readonly files: Files;
  /** What `make` gave. */
  readonly accepted: string[];
  /** The disk is mounted again, and works. */
  readonly again: () => Promise<void>;
}

/** Plays `act` in new spools, first on a disk that works, then on one that fails at one of the calls that it made. */
async function atEachPoint(
  t: TestContext,
  make: (spool: string) => Promise<string[]>,
  act: (point: Point) => Promise<void>,
): Promise<void> {
  const disk = await loopDisk('ext4');
  t.after(() => disk.remove());
  const play = async (call: number): Promise<readonly Operation[]> => {
    const spool = join(disk.path, String(call));
    const accepted = await make(spool);
    let read: Outcomes = new Map();
    const { files, calls } = before(call, () => {
      read = outcomesIn(spool);
      disk.refuseWrites();
    });
    const point = { read: () => read, spool, files, accepted, again: call === 0 ? noWait : disk.restart };
    try {
      await act(point);
    } catch (error) {
      throw new Error(`at call ${call}, ${calls[call - 1]}: ${String(error)}`, { cause: error });
    }
    rmSync(spool, { recursive: true });
    return calls;
  };
  const points = pointsIn(await play(0));
  t.diagnostic(`${points.length} points`);
  for (const call of points) await play(call);
}

async function noWait(): Promise<void> {
  // It works.
}

/** Jobs of an earlier boot, two of three of which the power cut has taken. */
async function prepare(spool: string): Promise<string[]> {
  const jobs = Array.from({ length: 9 }, () => job());
  // On another disk: whoever sends keeps a file open, as long as he lives.
  const elsewhere = join(mkdtempSync(join(tmpdir(), 'fsq-journal-')), 'spool');
  openSpool({ path: elsewhere });
  await sendInEarlierBoot(elsewhere, ...jobs);
  for (const [i, name] of namesIn(elsewhere, 'pending').entries())
    if (i % 3 > 0) rmSync(join(elsewhere, 'pending', name));
  cpSync(elsewhere, spool, { recursive: true });
  execFileSync('sync', ['-f', spool]);
  rmSync(dirname(elsewhere), { recursive: true });
  return jobs.map(({ job: { id } }) => id);
}

async function replayed(files: Files, path: string): Promise<void> {
  const broker = openSpool({ path, files });
  try {
    await broker.enqueue([job()]);
  } finally {
    await broker.close();
  }
}

describe('a disk that is full', { skip: NO_DISKS }, () => {
  test('without room for a segment, jobs are accepted as files of their own', async (t) => {
    const disk = ext4(t, ['-N', '512']);
    const spool = join(disk, 'spool');
    const broker = openSpool({ path: spool });
    fillBut(disk, 600_000);

    const answers = await sendMany(broker);

    assert.deepEqual(answers.errors, []);
    assert.equal(answers.accepted.length, MANY + 2);
    await assertKept(spool, answers);
  });

  test('without any room: nothing is queued; what was recorded is freed all the same', async (t) => {
    const disk = ext4(t, ['-N', '512']);
    const spool = join(disk, 'spool');
    const broker = openSpool({ path: spool });
    const jobs = Array.from({ length: MANY }, () => job());
    await broker.enqueue(jobs);
    assert.equal(segmentPaths(spool).length, 1);
    fill(join(disk, 'ballast'));

    const error: unknown = await broker.enqueue([job(), job()]).catch((caught: unknown) => caught);
    await broker.close();

    assert.ok(error instanceof SpoolError && error.code === 'FSQ_SPOOL_FULL', String(error));
    assert.deepEqual(error.uncertain, []);
    assert.deepEqual(segmentPaths(spool), []);
    assert.equal(namesIn(spool, 'pending').length, MANY);
    assert.deepEqual(namesIn(spool, 'tmp'), []);
  });

  test('a replay waits for room: until then nothing is sent, and no worker starts', async (t) => {
    const disk = ext4(t, ['-N', '512']);
    const spool = join(disk, 'spool');
    const accepted = await prepare(spool);
    rmSync(join(spool, 'spare'), { recursive: true });
    fill(join(disk, 'ballast'));
    const broker = openSpool({ path: spool });

    const errors: unknown[] = [];
    await broker.enqueue([job()]).catch((error: unknown) => errors.push(error));
    await broker.keeper({ queues: null }).catch((error: unknown) => errors.push(error));
    rmSync(join(disk, 'ballast'));
    await broker.enqueue([job()]);
    await broker.close();

    for (const error of errors)
      assert.ok(error instanceof SpoolError && error.code === 'FSQ_SPOOL_FULL', String(error));
    assert.equal(errors.length, 2);
    assert.equal(existsSync(join(spool, 'corrupt')) && namesIn(spool, 'corrupt').length, 0);
    await assertKept(spool, { accepted, rejected: [], errors: [] });
  });
});
