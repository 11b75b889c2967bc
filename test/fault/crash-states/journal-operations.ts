/** What fsq does with the journal while the power may go. All of it happens in another boot than the one that looks afterwards. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeBase } from '../../../src/job/document.ts';
import { encodeTail } from '../../../src/job/tail.ts';
import type { Claim } from '../../../src/broker/worker-side.ts';
import type { Attempt } from '../../../src/job/job.ts';
import type { Settlement } from '../../../src/job/lifecycle.ts';
import { examine, openTaken, take } from '../../../src/spool/claims/claim.ts';
import { settle } from '../../../src/spool/claims/settle.ts';
import type { HeldFile } from '../../../src/spool/job-file/holder.ts';
import { parseJobFileName } from '../../../src/spool/layout.ts';
import { Promoter } from '../../../src/spool/ready/promote.ts';
import { recoverOrphans } from '../../../src/spool/recovery/recover.ts';
import type { SpoolContext } from '../../../src/spool/disk/context.ts';
import { Forgetter } from '../../../src/spool/results/forget.ts';
import { retry } from '../../../src/spool/results/retry.ts';
import type { Journal } from '../../../src/spool/journal/journal.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { EARLIER_BOOT, EARLIEST_BOOT, ofBoot } from '../../support/boots.ts';
import { until } from '../../support/conditions.ts';
import { contextOf, recovererOf } from '../../support/context.ts';
import { job, returned, RUN, threw } from '../../support/factory.ts';
import { namesIn } from '../../support/invariants.ts';
import { journalIn, send } from '../../support/journal.ts';
import { pronounceDead, someOwner } from '../../support/owners.ts';
import type { Recording } from '../../support/recording-files.ts';
import { AGAIN, type End, finish, GONE, type Operation, promiseRead, useSpareFiles, VALUE } from './operations.ts';

export const JOURNAL_OPERATIONS: readonly Operation[] = [
  { name: 'send through the journal', act: sendThrough },
  { name: 'send two at a time, one for later', act: sendTwo },
  { name: 'send through the journal, and free it', act: sendAndCheckpoint },
  { name: 'send, free, and send into the same segment', act: sendAgain },
  { name: 'send, run and publish what the journal holds', act: sendAndRun },
  { name: 'send into files that are used again', act: sendIntoSpare },
  { name: 'free the journal, and expire what it held', act: sendAndExpire },
  { name: 'settle through the journal', act: (spool, recording) => settleThrough(spool, recording, true) },
  { name: 'send and settle, all of it in journals', act: (spool, recording) => settleThrough(spool, recording, false) },
  { name: 'settle two at a time', act: settleTwo },
  { name: 'settle through the journal, and free it', act: settleAndFree },
  {
    name: 'send back through the journal, and settle',
    act: (spool, recording) => sendBackThrough(spool, recording, RERUN),
  },
  { name: 'park through the journal, and settle', act: (spool, recording) => sendBackThrough(spool, recording, PARK) },
  { name: 'recover through the journal', act: recoverThrough },
  { name: 'fail through the journal, and be sent back', act: failAndSendBack, mayEndOtherwise: true },
  { name: 'replay', act: replayAfterAll },
];

/** Segments so small that all of their states can be tried. */
const SEGMENT_BYTES = 2_048;

const RUNNER = someOwner(3);
const RECOVERER = someOwner(2);
const RERUN: Settlement = {
  kind: 'rerun',
  delayMs: 0,
  crashes: 0,
  error: { name: 'Error', message: 'm'.repeat(100) },
};
const PARK: Settlement = { kind: 'park', delayMs: 0, parked: { reason: 'r'.repeat(100), sinceMs: 1 } };

/** It is dead after the cut; so is whoever recovers what it held. */
function plantRunner(spool: string): void {
  pronounceDead(spool, RUNNER);
  pronounceDead(spool, RECOVERER);
  mkdirSync(join(spool, 'running', RUNNER), { mode: 0o700 });
}

/** A spool and a journal that has its segment already. */
async function prepare(
  spool: string,
  recording: Recording,
): Promise<{ readonly context: SpoolContext; readonly journal: Journal }> {
  openSpool({ path: spool });
  const context = contextOf(spool, { files: ofBoot(EARLIER_BOOT, recording.files) });
  const journal = journalIn(context, SEGMENT_BYTES);
  await send(journal, job());
  assert.ok(await journal.checkpoint());
  for (const name of namesIn(spool, 'pending')) recording.files.unlink(join(spool, 'pending', name));
  plantRunner(spool);
  recording.restart();
  return { context, journal };
}

async function sendThrough(spool: string, recording: Recording): Promise<End> {
  openSpool({ path: spool });
  const context = contextOf(spool, { files: ofBoot(EARLIER_BOOT, recording.files) });
  recording.restart();
  const journal = journalIn(context, SEGMENT_BYTES);
  const sent = job();
  await send(journal, sent);
  recording.promise(sent.job.id);
  return () => journal.close();
}

async function sendTwo(spool: string, recording: Recording): Promise<End> {
  const { journal } = await prepare(spool, recording);
  const dueAtMs = Date.now() + 100;
  const jobs = [job(), job({ etaMs: dueAtMs, args: ['é'.repeat(50)] })];
  await send(journal, ...jobs);
  for (const sent of jobs) recording.promise(sent.job.id);
  await until(() => Date.now() > dueAtMs, 'the last is due');
  return () => journal.close();
}

async function sendAndCheckpoint(spool: string, recording: Recording): Promise<End> {
  const { journal } = await prepare(spool, recording);
  const sent = job();
  await send(journal, sent);
  recording.promise(sent.job.id);
  assert.ok(await journal.checkpoint());
  return () => journal.close();
}

async function sendAgain(spool: string, recording: Recording): Promise<End> {
  const { journal } = await prepare(spool, recording);
  const [first, second] = [job(), job()];
  await send(journal, first);
  recording.promise(first.job.id);
  assert.ok(await journal.checkpoint());
  await send(journal, second);
  recording.promise(second.job.id);
  return () => journal.close();
}

async function sendAndRun(spool: string, recording: Recording): Promise<End> {
  const { context, journal } = await prepare(spool, recording);
  const sent = job();
  await send(journal, sent);
  recording.promise(sent.job.id);
  await runAll(spool, context, recording);
  return () => journal.close();
}

/** Of another job: whole, with an outcome, and as long as the new one. */
async function sendIntoSpare(spool: string, recording: Recording): Promise<End> {
  const { context, journal } = await prepare(spool, recording);
  const old = job({ args: [1], enqueuedAtMs: 1_000 });
  const tail = encodeTail([{ attempt: 1, endedAtMs: 2_000, owner: someOwner() }], {
    outcome: { state: 'succeeded', value: 'of another job' },
    standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
  });
  mkdirSync(join(spool, 'spare', 'batch'), { mode: 0o700 });
  writeFileSync(join(spool, 'spare', 'batch', `${old.job.id}.json`), encodeBase(old.job).slice(0, -1) + tail, {
    mode: 0o600,
  });
  useSpareFiles(context, 1);
  recording.restart();
  const sent = job({ args: [1] });
  await send(journal, sent);
  recording.promise(sent.job.id);
  assert.ok(
    recording.calls.some((call) => call.call === 'truncate'),
    'no file was written again',
  );
  return () => journal.close();
}

/** Neither while the journal names it nor after that does the job come back. */
async function sendAndExpire(spool: string, recording: Recording): Promise<End> {
  const { context, journal } = await prepare(spool, recording);
  const sent = job({ enqueuedAtMs: 1_000 });
  await send(journal, sent);
  await runAll(spool, context, recording);
  // Of what can get lost before this, `sendAndRun` tells.
  await context.directorySync.sync(context.layout.results);
  recording.restart();
  const later = { ...context, nowMs: () => Date.now() + 10_000 };
  await new Forgetter(later, 1_000).forget();
  assert.equal(namesIn(spool, 'results').length, 1, 'an outcome was removed that the journal names');
  assert.ok(await journal.checkpoint());
  await new Forgetter(later, 1_000).forget();
  assert.deepEqual(namesIn(spool, 'results'), []);
  recording.promise(`${GONE}${sent.job.id}`);
  await send(journal, job());
  return () => journal.close();
}

/** The power goes again while the jobs of an earlier boot are restored. */
async function replayAfterAll(spool: string, recording: Recording): Promise<End> {
  openSpool({ path: spool });
  const earlier = contextOf(spool, { files: ofBoot(EARLIEST_BOOT, recording.files) });
  const journal = journalIn(earlier, SEGMENT_BYTES);
  const [lost, broken, whole] = [job(), job(), job()];
  await send(journal, lost, broken, whole);
  for (const name of namesIn(spool, 'pending')) {
    if (name.includes(lost.job.id)) recording.files.unlink(join(spool, 'pending', name));
    if (name.includes(broken.job.id)) writeFileSync(join(spool, 'pending', name), '');
  }
  plantRunner(spool);
  recording.restart();
  for (const sent of [lost, broken, whole]) recording.promise(sent.job.id);
  const broker = openSpool({ path: spool, files: ofBoot(EARLIER_BOOT, recording.files) });
  await broker.counts();
  await runAll(spool, contextOf(spool, { files: ofBoot(EARLIER_BOOT, recording.files) }), recording);
  return () => broker.close();
}

/** All that waits is run; without a journal in the context by file. */
async function runAll(spool: string, context: SpoolContext, recording: Recording): Promise<void> {
  for (const claim of await claimAll(spool, context)) await finish(spool, recording, claim);
}

async function claimAll(spool: string, context: SpoolContext): Promise<readonly Claim[]> {
  const claimant = { owner: RUNNER, directory: join(spool, 'running', RUNNER) };
  const claims: Claim[] = [];
  for (const name of namesIn(spool, 'pending')) {
    const taken = take(context, claimant, name);
    const claim = taken === null ? null : await examine(context, claimant, taken);
    if (claim !== null) claims.push(claim);
  }
  return claims;
}

/** Claimed by a process that settles through a journal of its own. @param isSynced its file and name are on the disk before that */
async function claimed(
  spool: string,
  recording: Recording,
  { isSynced, jobs = 1 }: { readonly isSynced: boolean; readonly jobs?: number },
): Promise<{ readonly context: SpoolContext; readonly journal: Journal; readonly claims: readonly Claim[] }> {
  const { journal } = await prepare(spool, recording);
  const sent = Array.from({ length: jobs }, () => job());
  await send(journal, ...sent);
  if (isSynced) {
    assert.ok(await journal.checkpoint());
    recording.restart();
  }
  for (const {
    job: { id },
  } of sent)
    recording.promise(id);
  const own = contextOf(spool, { files: ofBoot(EARLIER_BOOT, recording.files) });
  const settling = journalIn(own, SEGMENT_BYTES);
  own.journal = settling;
  return { context: own, journal: settling, claims: await claimAll(spool, own) };
}

async function settleThrough(spool: string, recording: Recording, isSynced: boolean): Promise<End> {
  const { journal, claims } = await claimed(spool, recording, { isSynced });
  for (const claim of claims) await finish(spool, recording, claim);
  return () => journal.close();
}

/** One wait for the disk is for both. */
async function settleTwo(spool: string, recording: Recording): Promise<End> {
  const { journal, claims } = await claimed(spool, recording, { isSynced: true, jobs: 2 });
  await Promise.all(claims.map((claim) => finish(spool, recording, claim)));
  return () => journal.close();
}

async function settleAndFree(spool: string, recording: Recording): Promise<End> {
  const { journal, claims } = await claimed(spool, recording, { isSynced: true });
  for (const claim of claims) await finish(spool, recording, claim);
  assert.ok(await journal.checkpoint());
  return () => journal.close();
}

/** Back to delayed/, and then through the journal to its end over the older tail. */
async function sendBackThrough(spool: string, recording: Recording, settlement: Settlement): Promise<End> {
  const { context, journal, claims } = await claimed(spool, recording, { isSynced: true });
  const nowMs = Date.now();
  for (const claim of claims) await claim.settle(settlement, { startedAtMs: nowMs, endedAtMs: nowMs });
  const promoter = new Promoter(context, (error) => assert.fail(String(error)));
  promoter.promoteDue();
  await until(() => promoter.isSettled(), 'what is due is ready');
  for (const claim of await claimAll(spool, context)) await finish(spool, recording, claim);
  return () => journal.close();
}

/** The record of the failure must not bring it back. What is sent back runs and ends, through the journal again. */
async function failAndSendBack(spool: string, recording: Recording): Promise<End> {
  const { context, journal, claims } = await claimed(spool, recording, { isSynced: true });
  for (const claim of claims) await claim.settle(threw('no'), RUN);
  const ids = claims.map(({ job: { id } }) => id);
  assert.deepEqual([...(await retry(context, ids)).values()], [null]);
  for (const id of ids) recording.promise(`${AGAIN}${id}`);
  for (const claim of await claimAll(spool, context)) await finish(spool, recording, claim);
  return () => journal.close();
}

/** What a dead child has run, and not published, is published through the journal of the recoverer. */
async function recoverThrough(spool: string, recording: Recording): Promise<End> {
  const { context, journal, claims } = await claimed(spool, recording, { isSynced: true });
  const died = contextOf(spool, { files: { ...recording.files, rename: () => assert.fail('it is dead') } });
  assert.equal(claims.length, 1);
  const [name = ''] = namesIn(join(spool, 'running'), RUNNER);
  const file = await openTaken(died, heldFile(spool, name), null);
  assert.ok(typeof file !== 'string');
  await assert.rejects(async () => settle(died, file, returned(VALUE), attempt(file.name.attempt)));
  await recoverOrphans(context, recovererOf(RECOVERER));
  promiseRead(spool, recording, file.name.id);
  return () => journal.close();
}

function heldFile(spool: string, fileName: string): HeldFile {
  const name = parseJobFileName(fileName);
  assert.ok(name !== null);
  const directory = join(spool, 'running', RUNNER);
  return { holder: { owner: RUNNER, directory }, path: join(directory, fileName), name };
}

function attempt(number: number): Attempt {
  const nowMs = Date.now();
  return { attempt: number, startedAtMs: nowMs, endedAtMs: nowMs, owner: RUNNER };
}
