/**
 * What may lie in the journal by an accident, a broken disk or ill will: nothing that was accepted is lost, nothing runs after its outcome
 * was read, nothing outside of the spool is touched, and somebody is told.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Broker, NewJob } from '../../src/broker/broker.ts';
import type { BrokerEvent } from '../../src/broker/worker-side.ts';
import { nodeFiles } from '../../src/spool/disk/files.ts';
import { bootId } from '../../src/spool/disk/identity.ts';
import { freeDead } from '../../src/spool/journal/checkpoint.ts';
import { jobFileName } from '../../src/spool/layout.ts';
import { Forgetter } from '../../src/spool/results/forget.ts';
import { openSpool } from '../../src/spool/spool.ts';
import { checkSpool } from '../oracle/check.ts';
import { EARLIER_BOOT, EARLIEST_BOOT, ofBoot } from '../support/boots.ts';
import { contextOf } from '../support/context.ts';
import { job, returned } from '../support/factory.ts';
import { namesIn } from '../support/invariants.ts';
import { foldersIn, journalIn, segmentPaths, send, sendInEarlierBoot } from '../support/journal.ts';
import { nextWithin } from '../support/next-claim.ts';
import { tempDir } from '../support/temp.ts';

const BOOT = bootId(nodeFiles) ?? '';

/** A spool beside a folder that nobody may touch. */
function newSpool(t: TestContext): { readonly spool: string; readonly outside: string } {
  const folder = tempDir(t);
  const [spool, outside] = [join(folder, 'spool'), join(folder, 'outside')];
  openSpool({ path: spool });
  mkdirSync(outside);
  return { spool, outside };
}

function pathOf(spool: string, { job: { id }, queue, priority }: NewJob): string {
  return join(spool, 'pending', jobFileName({ id, queue, priority, attempt: 0, crashes: 0 }));
}

/** Runs all jobs that are ready; the ids in the order in which they began. */
async function runAll(broker: Broker, value: number): Promise<readonly string[]> {
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  const ids: string[] = [];
  try {
    while ((await broker.counts()).pending > 0) {
      const claim = await nextWithin(consumer, 10_000);
      if (claim === null) continue;
      ids.push(claim.job.id);
      await claim.settle(returned(value), null);
    }
  } finally {
    await consumer.close();
  }
  return ids;
}

/** What is in `folder` of an earlier boot, beside a segment of it, or beside the folder; what is told, null: nothing. */
type Case = readonly [what: string, plant: (folder: string, outside: string) => void, told: RegExp | null];

const PLANTED: readonly Case[] = [
  ['garbage', (folder) => writeFileSync(join(folder, 'x'), 'g'.repeat(5_000)), /x: it does not begin as a segment/],
  ['zeros', (folder) => writeFileSync(join(folder, 'x'), Buffer.alloc(5_000)), null],
  ['an empty file', (folder) => writeFileSync(join(folder, 'x'), ''), null],
  [
    'a newer format',
    (folder) => writeFileSync(join(folder, 'x'), 'fsq-journal 2 '.padEnd(600)),
    /x: it is of format 2/,
  ],
  ['a damaged header', damaged, /x: its header is damaged/],
  ['a segment cut within its records', (folder) => truncateSync(copyOfSegment(folder), 700), null],
  ['a segment cut within its header', (folder) => truncateSync(copyOfSegment(folder), 90), /x: its header is damaged/],
  ['a link', (folder, outside) => symlinkSync(join(outside, 'none'), join(folder, 'x')), /x: it is not a plain file/],
  ['a FIFO', (folder) => void execFileSync('mkfifo', [join(folder, 'x')]), /x: it is not a plain file/],
  ['a folder', (folder) => mkdirSync(join(folder, 'x', 'y'), { recursive: true }), /x: it is not a plain file/],
  ['a link beside it', (folder, outside) => symlinkSync(outside, join(dirname(folder), 'x')), /x: it is no folder/],
  ['a FIFO beside it', (folder) => void execFileSync('mkfifo', [join(dirname(folder), 'x')]), /x: it is no folder/],
  ['a file beside it', (folder) => writeFileSync(join(dirname(folder), 'x'), 'x'), /x: it is no folder/],
  ['an empty folder beside it', (folder) => mkdirSync(join(dirname(folder), 'x')), null],
];

/** Its path. */
function copyOfSegment(folder: string): string {
  const [name = ''] = readdirSync(folder);
  cpSync(join(folder, name), join(folder, 'x'));
  return join(folder, 'x');
}

function damaged(folder: string): void {
  const path = copyOfSegment(folder);
  writeFileSync(path, readFileSync(path, 'latin1').replace(/ 0000000001 /, ' 0000000002 '), 'latin1');
}

describe('in the journal of an earlier boot there is, beside what jobs are restored from,', () => {
  for (const [what, plant, told] of PLANTED)
    test(what, async (t) => {
      const { spool, outside } = newSpool(t);
      const [ended, lost, whole] = [job(), job(), job()];
      await openSpool({ path: spool }).enqueue([ended]);
      await runAll(openSpool({ path: spool }), 1);
      await sendInEarlierBoot(spool, lost, whole);
      rmSync(pathOf(spool, lost));
      plant(join(spool, 'journal', EARLIER_BOOT), outside);
      const events: BrokerEvent[] = [];
      const broker = openSpool({ path: spool, onEvent: (event) => events.push(event) });

      await broker.enqueue([]);

      const odd = events.flatMap((event) => (event.kind === 'replayed' ? event.odd : []));
      if (told === null) assert.deepEqual(odd, []);
      else assert.match(odd.join('; '), told);
      assert.equal(namesIn(spool, 'corrupt').length, told === null ? 0 : 1, 'what was told is kept');
      assert.deepEqual(foldersIn(spool), []);
      assert.deepEqual((await runAll(broker, 2)).toSorted(), [lost.job.id, whole.job.id].toSorted());
      assert.deepEqual((await broker.outcome(ended.job.id))?.outcome, { state: 'succeeded', value: 1 });
      assert.deepEqual(readdirSync(outside), []);
      await broker.close();
    });
});

describe('in the journal of this boot, while processes use it, there is', () => {
  const inUse: readonly (readonly [what: string, plant: (path: string, outside: string) => void])[] = [
    ['garbage', (path) => writeFileSync(path, 'g'.repeat(5_000))],
    ['a newer format', (path) => writeFileSync(path, 'fsq-journal 2 '.padEnd(600))],
    ['a link to a file', (path, outside) => symlinkSync(join(outside, 'none'), path)],
    ['a link to a folder', (path, outside) => symlinkSync(outside, path)],
    ['a FIFO', (path) => void execFileSync('mkfifo', [path])],
    ['a folder', (path) => mkdirSync(path)],
  ];
  for (const [what, plant] of inUse)
    for (const [whose, name] of [
      ['nobody', 'x'],
      ['a dead process', '4194304-1-00000000-00000000.0.0'],
    ] as const)
      test(`${what} of ${whose}: jobs are accepted, records freed, outcomes forgotten`, async (t) => {
        const { spool, outside } = newSpool(t);
        const context = contextOf(spool);
        const journal = journalIn(context);
        const sent = job();
        await send(journal, sent);
        plant(join(spool, 'journal', BOOT, name), outside);
        const broker = openSpool({ path: spool });
        assert.deepEqual(await runAll(broker, 1), [sent.job.id]);

        assert.equal(await journal.checkpoint(), true);
        await freeDead(context, join(spool, 'journal', BOOT));
        await new Forgetter({ ...context, nowMs: () => Date.now() + 10_000 }, 1_000).forget();

        assert.deepEqual(namesIn(spool, 'results'), []);
        await send(journal, job());
        await journal.close();
        await broker.close();
        assert.deepEqual(readdirSync(outside), []);
        assert.deepEqual(
          (await checkSpool(context)).filter(({ invariant }) => /^I1[67]$/.test(invariant ?? '')),
          [],
        );
      });

  for (const [what, plant] of inUse)
    test(`${what} where its folder is to be: jobs are accepted all the same`, async (t) => {
      const { spool, outside } = newSpool(t);
      plant(join(spool, 'journal', BOOT), outside);
      const broker = openSpool({ path: spool });

      await broker.enqueue(Array.from({ length: 40 }, () => job()));

      assert.equal((await runAll(broker, 1)).length, 40);
      await freeDead(contextOf(spool), join(spool, 'journal', BOOT));
      await broker.close();
      assert.deepEqual(readdirSync(outside), []);
    });
});

test('a journal that is a link is not followed', async (t) => {
  const { spool, outside } = newSpool(t);
  await sendInEarlierBoot(spool, job());
  renameSync(join(spool, 'journal'), join(outside, 'journal'));
  symlinkSync(join(outside, 'journal'), join(spool, 'journal'));
  const broker = openSpool({ path: spool, allowUnsafe: true });

  await broker.enqueue([job()]);

  assert.deepEqual(readdirSync(join(outside, 'journal')), [EARLIER_BOOT]);
  await assert.rejects(openSpool({ path: spool, mustExist: true }).pause('x'), { code: 'FSQ_SPOOL_UNSAFE' });
  await broker.close();
});

test('a segment of an earlier boot in the folder of this one is as good as one of this boot', async (t) => {
  const { spool } = newSpool(t);
  const sent = job();
  await sendInEarlierBoot(spool, sent);
  renameSync(join(spool, 'journal', EARLIER_BOOT), join(spool, 'journal', BOOT));
  rmSync(pathOf(spool, sent));
  const broker = openSpool({ path: spool });

  assert.equal((await broker.counts()).pending, 0, 'the machine has not lost its power since it was put there');
  const [path = ''] = segmentPaths(spool);
  renameSync(dirname(path), join(spool, 'journal', EARLIEST_BOOT));

  assert.deepEqual(await runAll(openSpool({ path: spool }), 1), [sent.job.id]);
});

test('a spool that was copied to another machine while it ran: its jobs are whole there, and those that had ended do not run', async (t) => {
  const { spool, outside } = newSpool(t);
  const context = contextOf(spool);
  const journal = journalIn(context);
  const [ended, missed, torn, whole] = [job({ priority: 1 }), job(), job(), job()];
  await send(journal, ended);
  const broker = openSpool({ path: spool });
  assert.deepEqual(await runAll(broker, 1), [ended.job.id]);
  await send(journal, missed, torn, whole);
  const copy = join(outside, 'spool');
  cpSync(spool, copy, { recursive: true, mode: 0 });
  // The copy came while these were written.
  rmSync(pathOf(copy, missed));
  truncateSync(pathOf(copy, torn), 50);
  const events: BrokerEvent[] = [];
  const there = openSpool({
    path: copy,
    files: ofBoot(EARLIEST_BOOT, nodeFiles),
    onEvent: (event) => events.push(event),
  });

  const ran = await runAll(there, 2);

  assert.deepEqual(ran.toSorted(), [missed, torn, whole].map(({ job: { id } }) => id).toSorted());
  assert.deepEqual((await there.outcome(ended.job.id))?.outcome, { state: 'succeeded', value: 1 });
  assert.deepEqual(
    events.map((event) => (event.kind === 'replayed' ? [event.restored, event.odd] : event.kind)),
    [[2, []]],
  );
  assert.ok(existsSync(join(spool, 'journal', BOOT)), 'here all goes on');
  assert.equal((await runAll(broker, 3)).length, 3);
  await journal.close();
  await Promise.all([broker.close(), there.close()]);
});
