/** What the doctor says of the journal: I16, I17, a replay that is due, and what could not be read. */
import assert from 'node:assert/strict';
import { chmodSync, cpSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { NewJob } from '../../../../src/broker/broker.ts';
import { encodeBase } from '../../../../src/job/document.ts';
import type { SpoolContext } from '../../../../src/spool/disk/context.ts';
import { nodeFiles } from '../../../../src/spool/disk/files.ts';
import { contextFor, diagnose } from '../../../../src/spool/doctor/examine.ts';
import type { Finding } from '../../../../src/spool/doctor/finding.ts';
import type { Journal } from '../../../../src/spool/journal/journal.ts';
import { replay } from '../../../../src/spool/journal/replay.ts';
import { jobFileName } from '../../../../src/spool/layout.ts';
import { openSpool } from '../../../../src/spool/spool.ts';
import { checkSpool } from '../../../oracle/check.ts';
import { invariantFindings, takeSnapshot } from '../../../oracle/snapshot.ts';
import { ofNoBoot } from '../../../support/boots.ts';
import { tempContext } from '../../../support/context.ts';
import { settledJob } from '../../../support/ended-jobs.ts';
import { job, returned } from '../../../support/factory.ts';
import { namesIn } from '../../../support/invariants.ts';
import { foldersIn, journalIn, segmentPaths, send, sendInEarlierBoot } from '../../../support/journal.ts';
import { nextWithin } from '../../../support/next-claim.ts';

const ALLOWED = { allowNetworkFs: true, allowUnsafe: true };

function pathOf({ layout }: SpoolContext, { job: { id }, queue, priority }: NewJob): string {
  return join(layout.pending, jobFileName({ id, queue, priority, attempt: 0, crashes: 0 }));
}

/** One look. */
async function look({ layout, files }: SpoolContext): Promise<readonly Finding[]> {
  return invariantFindings(await takeSnapshot({ ...contextFor(layout.root), files }));
}

async function lookFor(context: SpoolContext, code: string): Promise<Finding | undefined> {
  return (await look(context)).find((finding) => finding.code === code);
}

/** A spool with a journal of this process, and jobs that it has recorded. */
function sent(t: TestContext, ...jobs: readonly NewJob[]): Promise<SpoolContext> {
  const context = tempContext(t);
  return sentThrough(t, context, journalIn(context), jobs);
}

async function sentThrough(
  t: TestContext,
  context: SpoolContext,
  journal: Journal,
  jobs: readonly NewJob[],
): Promise<SpoolContext> {
  await send(journal, ...jobs);
  t.after(() => journal.close());
  return context;
}

/** The segments are those of a process that is dead. */
function letDie({ layout: { root } }: SpoolContext): void {
  for (const path of segmentPaths(root)) renameSync(path, path.replace(`/${process.pid}-`, '/4194304-'));
}

describe('I16 each record names a job that is somewhere, whole:', () => {
  test('wherever it is in its life', async (t) => {
    const [waits, later, ended] = [job(), job({ etaMs: Date.now() + 600_000 }), job({ priority: 1 })];
    const context = await sent(t, waits, later, ended);
    const broker = openSpool({ path: context.layout.root });
    const consumer = await broker.consumer({ queues: null, tasks: [] });
    const claim = await nextWithin(consumer, 10_000);
    await claim?.settle(returned(1), null);
    await consumer.close();
    await broker.close();

    assert.equal((await broker.outcome(ended.job.id))?.outcome?.state, 'succeeded');
    assert.deepEqual(await checkSpool(context, { atRest: true }), []);
  });

  test('one that is nowhere', async (t) => {
    const [gone, whole] = [job(), job()];
    const context = await sent(t, gone, whole);
    nodeFiles.unlink(pathOf(context, gone));

    const found = (await look(context)).filter(({ code }) => code === 'lost-record');

    assert.deepEqual(
      found.map(({ id, invariant, severity }) => [id, invariant, severity]),
      [[gone.job.id, 'I16', 'error']],
    );
    assert.match(found[0]?.message ?? '', /it is nowhere: a power cut would bring it back/);
  });

  for (const [what, bytes] of [
    ['another base', (of: NewJob) => encodeBase({ ...of.job, args: ['other'] })],
    ['nothing', () => ''],
  ] as const)
    test(`one whose file holds ${what}`, async (t) => {
      const changed = job();
      const context = await sent(t, changed);
      writeFileSync(pathOf(context, changed), bytes(changed));

      assert.equal((await lookFor(context, 'lost-record'))?.id, changed.job.id);
    });

  test('but for one that was set aside: its outcome may have been read, and no power cut brings the job back', async (t) => {
    const broken = job();
    const context = await sent(t, broken);
    const { root } = context.layout;
    writeFileSync(pathOf(context, broken), 'no job');
    await settledJob(root, {}, returned(1)); // Whoever takes it sets the broken one aside first.
    assert.equal(namesIn(root, 'corrupt').length, 1);

    assert.equal(await lookFor(context, 'lost-record'), undefined);

    const folder = dirname(segmentPaths(root)[0] ?? '');
    renameSync(folder, join(dirname(folder), '00000000-aaaa-4aaa-8aaa-aaaaaaaaaaaa'));
    assert.equal((await replay(context)).restored, 0);
  });

  test('a record of the dead may be of a job that was never accepted', async (t) => {
    const unplaced = job();
    const context = await sent(t, unplaced);
    nodeFiles.unlink(pathOf(context, unplaced));
    letDie(context);

    assert.equal(await lookFor(context, 'lost-record'), undefined);
  });

  test('a record that its process frees within two checkpoints is no finding', async (t) => {
    const unplaced = job();
    const context = tempContext(t);
    await sentThrough(t, context, journalIn(context, 65_536, 300), [unplaced]);
    nodeFiles.unlink(pathOf(context, unplaced));

    assert.deepEqual(await checkSpool(context), []);
  });
});

describe('I17 no segment that nobody needs stays while a worker lives:', () => {
  test('of a dead process, where no worker lives, it is a note', async (t) => {
    const context = await sent(t, job());
    letDie(context);

    const found = await lookFor(context, 'dead-segment');

    assert.deepEqual([found?.severity, found?.invariant, found?.canRepair], ['info', undefined, true]);
  });

  test('where a worker lives it is an error, unless the worker removes it in time', async (t) => {
    const context = await sent(t, job());
    const broker = openSpool({ path: context.layout.root });
    const keeper = await broker.keeper({ queues: null });
    letDie(context);

    const found = await lookFor(context, 'dead-segment');
    const later = await checkSpool(context);
    await keeper.close();
    await broker.close();

    assert.deepEqual([found?.severity, found?.invariant], ['error', 'I17']);
    assert.deepEqual(later, []);
  });

  test('a journal that waits for a replay is told, and by whom it is replayed', async (t) => {
    const context = tempContext(t);
    const { root, journal } = context.layout;
    await sendInEarlierBoot(root, job());
    const [folder = ''] = foldersIn(root);

    const waiting = await lookFor(context, 'not-replayed');
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    renameSync(join(journal, folder), join(journal, `${folder}~${boot}~${context.uniqueName()}`));
    const underWay = await lookFor(context, 'not-replayed');

    assert.deepEqual([waiting?.severity, waiting?.canRepair], ['warning', true]);
    assert.match(waiting?.message ?? '', /1 segment of the journal of an earlier boot, is not replayed/);
    assert.deepEqual([underWay?.severity, underWay?.canRepair], ['info', false]);
    assert.match(underWay?.message ?? '', new RegExp(`is being replayed by process ${process.pid}:`));
    assert.equal(underWay?.location, waiting?.location, 'the same finding in each look');
  });

  test('where nobody can tell one boot from another, that is an error', async (t) => {
    const context = tempContext(t);
    await sendInEarlierBoot(context.layout.root, job());

    const found = await lookFor({ ...context, files: ofNoBoot(nodeFiles) }, 'not-replayed');

    assert.deepEqual([found?.severity, found?.canRepair], ['error', false]);
    assert.match(found?.advice ?? '', /local disk of a Linux machine/);
  });
});

test("a copy that somebody made of a segment is named as not fsq's", async (t) => {
  const context = await sent(t, job());
  const [path = ''] = segmentPaths(context.layout.root);
  cpSync(path, join(dirname(path), 'copy'));
  chmodSync(join(dirname(path), 'copy'), 0o600);

  const found = (await look(context)).filter(({ code }) => code === 'foreign');

  assert.deepEqual(
    found.map(({ location }) => basename(location ?? '')),
    ['copy'],
  );
});

test('a repair restores before it sets aside, makes durable what the dead have recorded, and says what cannot be read', async (t) => {
  const [broken, lost] = [job(), job()];
  const context = await sent(t, job());
  const { root } = context.layout;
  letDie(context);
  await sendInEarlierBoot(root, broken, lost);
  writeFileSync(pathOf(context, broken), '');
  nodeFiles.unlink(pathOf(context, lost));
  const folder = foldersIn(root).find((name) => name.startsWith('00000000')) ?? '';
  writeFileSync(join(root, 'journal', folder, 'garbage'), 'g'.repeat(600));

  const { repaired, findings, journal } = await diagnose(contextFor(root), { ...ALLOWED, repair: true });

  assert.deepEqual(
    repaired.map(({ code }) => code),
    ['not-replayed', 'unread-segment', 'dead-segment'],
  );
  assert.match(repaired[0]?.message ?? '', /2 jobs restored/);
  assert.equal(readFileSync(pathOf(context, broken), 'utf8'), encodeBase(broken.job));
  assert.deepEqual(
    [journal.segments, journal.earlier, namesIn(root, 'results')],
    [0, 0, []],
    'no job has a failed outcome',
  );
  const left = findings.filter(({ code }) => code === 'unread-segment');
  assert.deepEqual(
    left.map(({ location, severity }) => [basename(location ?? '').split('.')[0], severity]),
    [['segment', 'warning']],
  );
});

test('segments and records are counted, by whether their process lives', async (t) => {
  const context = await sent(t, job(), job());
  const { journal } = await diagnose(contextFor(context.layout.root), { ...ALLOWED, repair: false });

  assert.deepEqual(journal, {
    segments: 1,
    bytes: 65_536,
    records: 2,
    owners: { alive: 1, dead: 0, unknown: 0 },
    earlier: 0,
  });
});
