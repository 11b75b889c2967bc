/** What somebody has seen before the power went: that a job had begun which must not run twice, or how a job had ended. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Broker, NewJob } from '../../../src/broker/broker.ts';
import type { Claim } from '../../../src/broker/worker-side.ts';
import { settlementOf } from '../../../src/job/lifecycle.ts';
import { examine, take } from '../../../src/spool/claims/claim.ts';
import type { SpoolContext } from '../../../src/spool/disk/context.ts';
import { enqueue } from '../../../src/spool/sending/enqueue.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { EARLIER_BOOT, EARLIEST_BOOT, ofBoot } from '../../support/boots.ts';
import { contextOf } from '../../support/context.ts';
import { job, returned, RUN } from '../../support/factory.ts';
import { namesIn } from '../../support/invariants.ts';
import { journalIn, send } from '../../support/journal.ts';
import { pronounceDead, someOwner } from '../../support/owners.ts';
import type { Recording } from '../../support/recording-files.ts';
import { AGAIN, BEGUN, type End, type Operation, READ, VALUE } from './operations.ts';

export const WITNESSED_OPERATIONS: readonly Operation[] = [
  { name: 'send, claim and begin what must not run twice', act: beginOnce(false), mayEndOtherwise: true },
  { name: 'the same through the journal', act: beginOnce(true), mayEndOtherwise: true },
  { name: 'begin what must not run twice and was restored', act: beginRestored, mayEndOtherwise: true },
  { name: 'publish what is read', act: publish },
  { name: 'expire a job, and be read', act: expire, mayEndOtherwise: true },
  { name: 'revoke a job, and be read', act: revoke, mayEndOtherwise: true },
  { name: 'revoke a job, and send it back', act: sendBackRevoked, mayEndOtherwise: true },
  { name: 'expire a job, and send it back', act: sendBackExpired, mayEndOtherwise: true },
];

/** As small as a segment can be, so that all of its states can be tried. */
const SEGMENT_BYTES = 2_048;
const RUNNER = someOwner(3);

/** @param isThroughJournal whether a record makes the job durable, and not its own file */
function beginOnce(isThroughJournal: boolean): Operation['act'] {
  return async (spool, recording) => {
    const context = begin(spool, recording);
    const sent = job({ options: { onCrash: 'fail' } });
    const journal = isThroughJournal ? journalIn(context, SEGMENT_BYTES) : null;
    recording.restart();
    if (journal === null) await enqueue(context, [sent]);
    else await send(journal, sent);
    recording.promise(sent.job.id);
    await claimAndBegin(spool, context, recording);
    return async () => journal?.close();
  };
}

/** The record of the job is there still when the power goes again, after it has begun. */
async function beginRestored(spool: string, recording: Recording): Promise<End> {
  begin(spool, recording);
  const sent: NewJob = job({ options: { onCrash: 'fail' } });
  await send(journalIn(contextOf(spool, { files: ofBoot(EARLIEST_BOOT, recording.files) }), SEGMENT_BYTES), sent);
  for (const name of namesIn(spool, 'pending')) recording.files.unlink(join(spool, 'pending', name));
  recording.restart();
  recording.promise(sent.job.id);
  const broker = openSpool({ path: spool, files: ofBoot(EARLIER_BOOT, recording.files) });
  await broker.counts();
  await claimAndBegin(spool, contextOf(spool, { files: ofBoot(EARLIER_BOOT, recording.files) }), recording);
  return () => broker.close();
}

async function publish(spool: string, recording: Recording): Promise<End> {
  const context = begin(spool, recording);
  const sent = job();
  await enqueue(context, [sent]);
  recording.restart();
  recording.promise(sent.job.id);
  await settleNext(spool, context, (claim) => claim.settle(returned(VALUE), RUN));
  promiseRead(spool, recording, sent);
  return async () => undefined;
}

async function expire(spool: string, recording: Recording): Promise<End> {
  const context = begin(spool, recording);
  const sent = job({ options: { expiresAtMs: Date.now() - 1 } });
  await enqueue(context, [sent]);
  recording.restart();
  recording.promise(sent.job.id);
  await settleNext(spool, context, (claim) =>
    claim.settle(settlementOf({ kind: 'expired' }, claim, Date.now(), 0), null),
  );
  promiseRead(spool, recording, sent);
  return async () => undefined;
}

async function revoke(spool: string, recording: Recording): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  const sent = job();
  await broker.enqueue([sent]);
  recording.restart();
  recording.promise(sent.job.id);
  assert.equal((await broker.revoke([sent.job.id])).get(sent.job.id), 'revoked');
  promiseRead(spool, recording, sent);
  return () => broker.close();
}

/** Neither the outcome nor the marker comes back. */
async function sendBackRevoked(spool: string, recording: Recording): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  const sent = job();
  await broker.enqueue([sent]);
  recording.restart();
  recording.promise(sent.job.id);
  await broker.revoke([sent.job.id]);
  await sendBack(broker, sent, recording);
  return () => broker.close();
}

async function sendBackExpired(spool: string, recording: Recording): Promise<End> {
  const context = begin(spool, recording);
  const broker = openSpool({ path: spool, files: ofBoot(EARLIER_BOOT, recording.files) });
  const sent = job({ options: { expiresAtMs: Date.now() - 1 } });
  await broker.enqueue([sent]);
  recording.restart();
  recording.promise(sent.job.id);
  await settleNext(spool, context, (claim) =>
    claim.settle(settlementOf({ kind: 'expired' }, claim, Date.now(), 0), null),
  );
  await sendBack(broker, sent, recording);
  return () => broker.close();
}

async function sendBack(broker: Broker, { job: { id } }: NewJob, recording: Recording): Promise<void> {
  assert.deepEqual([...(await broker.retry([id]))], [[id, null]]);
  recording.promise(`${AGAIN}${id}`);
}

/** A spool in an earlier boot, and a process there that is dead after the cut. */
function begin(spool: string, recording: Recording): SpoolContext {
  openSpool({ path: spool });
  pronounceDead(spool, RUNNER);
  mkdirSync(join(spool, 'running', RUNNER), { mode: 0o700 });
  return contextOf(spool, { files: ofBoot(EARLIER_BOOT, recording.files) });
}

async function claimAndBegin(spool: string, context: SpoolContext, recording: Recording): Promise<void> {
  await settleNext(spool, context, (claim) => recording.promise(`${BEGUN}${claim.job.id}`));
}

async function settleNext(
  spool: string,
  context: SpoolContext,
  act: (claim: Claim) => void | Promise<void>,
): Promise<void> {
  const claimant = { owner: RUNNER, directory: join(spool, 'running', RUNNER) };
  const [name = ''] = namesIn(spool, 'pending');
  const taken = take(context, claimant, name);
  const claim = taken === null ? null : await examine(context, claimant, taken);
  assert.ok(claim !== null, 'there is a job to claim');
  await act(claim);
}

function promiseRead(spool: string, recording: Recording, { job: { id } }: NewJob): void {
  const bytes = readFileSync(join(spool, 'results', `${id}.json`));
  recording.promise(`${READ}${id} ${createHash('sha256').update(bytes).digest('hex')}`);
}
