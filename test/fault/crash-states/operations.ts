/** What fsq does while the power may go, and what a fresh worker makes of the spool afterwards. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Broker, NewJob, StandIn } from '../../../src/broker/broker.ts';
import type { Claim, Consumer } from '../../../src/broker/worker-side.ts';
import { encodeBase } from '../../../src/job/document.ts';
import { encodeTail } from '../../../src/job/tail.ts';
import type { JsonValue } from '../../../src/job/values/json.ts';
import type { Uniqueness } from '../../../src/job/job-options.ts';
import { type Settlement, settlementOf } from '../../../src/job/lifecycle.ts';
import { examine, take } from '../../../src/spool/claims/claim.ts';
import type { SpoolContext } from '../../../src/spool/disk/context.ts';
import { type Files, nodeFiles } from '../../../src/spool/disk/files.ts';
import { enqueue } from '../../../src/spool/sending/enqueue.ts';
import { Forgetter } from '../../../src/spool/results/forget.ts';
import { AFTER_ANOTHER_MS, jobFileName } from '../../../src/spool/layout.ts';
import { Promoter } from '../../../src/spool/ready/promote.ts';
import { recoverOrphans } from '../../../src/spool/recovery/recover.ts';
import { openSpool } from '../../../src/spool/spool.ts';
import { until } from '../../support/conditions.ts';
import { contextOf, recovererOf } from '../../support/context.ts';
import { job, nextId, returned, RUN } from '../../support/factory.ts';
import { faultyFiles } from '../../support/faulty-files.ts';
import { assertSound, namesIn, placesOf } from '../../support/invariants.ts';
import { plantDeadOwner, pronounceDead, someOwner, tornInCharacter } from '../../support/owners.ts';
import type { Order } from '../../support/disk-states.ts';
import type { Recording } from '../../support/recording-files.ts';
import { assertOneJobEach, sendAgain } from './instants.ts';

/** What every job gives, whoever runs it: long enough to be torn, in the middle of a character too. */
export const VALUE = { sum: 'é世z👋'.repeat(40) };

/** Lets go of what an operation holds; of no interest any more. */
export type End = () => Promise<void>;

export interface Operation {
  readonly name: string;
  /** There is a file from the start that is no job. */
  readonly hasGarbage?: boolean;
  /** All its jobs have this key: of those only one is unfinished at a time. */
  readonly key?: string;
  /** Each of these instants of a schedule has one job, once the next worker has sent them all. */
  readonly instants?: readonly number[];
  /** Its jobs may have another outcome than that of a run. */
  readonly mayEndOtherwise?: boolean;
  /** Works in `spool` through `recording.files`; the ids that it was promised it hands to `recording.promise`. */
  readonly act: (spool: string, recording: Recording) => Promise<End>;
}

export const KEY = 'the only one';
/** Begins what is handed to `recording.promise` of a job whose outcome was removed: its id must be nowhere. */
export const GONE = 'gone: ';
/** Begins what is handed to `recording.promise` of a job that has begun and must not run twice. */
export const BEGUN = 'begun: ';
/** Begins what is handed to `recording.promise` of a job that was sent back after its end: its old outcome does not come back. */
export const AGAIN = 'again: ';
/** Begins what is handed to `recording.promise` of a job whose run has kept a checkpoint: its id and the row in it. */
export const KEPT = 'kept: ';
/** Begins what is handed to `recording.promise` of a debounced call: its job's id and its row, which no older one replaces. */
export const CALLED = 'called: ';
/** Begins what is handed to `recording.promise` of a job whose outcome was read: its id and the SHA-256 of its file. */
export const READ = 'read: ';

export const OPERATIONS: readonly Operation[] = [
  { name: 'make a spool and send a job', act: establish },
  { name: 'send several at once', act: sendSeveral },
  { name: 'send a chord', act: sendChord },
  { name: 'finish one whose value is taken, and the taker', act: finishBoth },
  { name: 'send with a key', act: (spool, recording) => sendUnique(spool, recording), key: KEY },
  {
    name: 'send with a key that is held for a time',
    act: (spool, recording) => sendUnique(spool, recording, { ms: 3_600_000 }),
    key: KEY,
  },
  { name: 'send with a key whose job has ended', act: sendAfterTheEnd, key: KEY },
  { name: 'be told of a job with a key that is not durable yet', act: beToldOfAnother, key: KEY },
  { name: 'start a worker, claim and finish', act: startAndFinish },
  {
    name: 'finish over an older tail',
    act: (spool, recording) => settleOne(spool, recording, returned(VALUE), PARKED),
  },
  {
    name: 'park',
    act: (spool, recording) =>
      settleOne(spool, recording, { kind: 'park', delayMs: 0, parked: { reason: 'r'.repeat(200), sinceMs: 1 } }),
  },
  {
    name: 'send back',
    act: (spool, recording) => settleOne(spool, recording, { kind: 'rerun', delayMs: 0, crashes: 1, error: DEATH }),
  },
  { name: 'requeue', act: (spool, recording) => settleOne(spool, recording, { kind: 'requeue' }) },
  { name: 'finish when the disk refuses once', act: finishOnFaultyDisk },
  { name: 'set aside what is no job', act: setAside, hasGarbage: true },
  { name: 'recover', act: (spool, recording) => recover(spool, recording) },
  { name: 'recover after a recoverer', act: (spool, recording) => recover(spool, recording, someOwner(5)) },
  { name: 'finish and end', act: finishAndEnd },
  { name: 'expire, and write again', act: expireAndReuse },
];

const DEATH = { name: 'WorkerLostError', message: 'm'.repeat(200) };
const PARKED = encodeTail([], { parked: { reason: 'r'.repeat(400), sinceMs: 1 } });

async function establish(spool: string, recording: Recording): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  const sent = job();
  await broker.enqueue([sent]);
  recording.promise(sent.job.id);
  return () => broker.close();
}

async function sendSeveral(spool: string, recording: Recording): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  recording.restart();
  const dueAtMs = Date.now() + 100;
  const jobs = [job(), job({ args: ['x'.repeat(5_000)] }), job({ etaMs: dueAtMs })];
  await broker.enqueue(jobs);
  for (const sent of jobs) recording.promise(sent.job.id);
  await until(() => Date.now() > dueAtMs, 'the last is due');
  return () => broker.close();
}

/** The callback is named first, and has its place last. */
async function sendChord(spool: string, recording: Recording): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  recording.restart();
  const members = [job(), job()];
  const callback = job({ options: { after: members.map((member) => member.job.id), takes: 'values' } });
  await broker.enqueue([callback, ...members]);
  for (const sent of [callback, ...members]) recording.promise(sent.job.id);
  return () => broker.close();
}

/** The second begins with the value of the first; after the cut both are there, or the first gives the same value again. */
async function finishBoth(spool: string, recording: Recording): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  const first = job();
  const second = job({ options: { after: first.job.id, takes: 'value' } });
  await broker.enqueue([first, second]);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  recording.restart();
  for (const sent of [first, second]) recording.promise(sent.job.id);
  await finish(spool, recording, await nextOf(consumer));
  await promote(contextOf(spool, { files: recording.files }));
  const claim = await nextOf(consumer);
  assert.deepEqual([claim.job.id, claim.job.args], [second.job.id, [VALUE]]);
  await finish(spool, recording, claim);
  return () => consumer.close();
}

/** Half a minute has passed: a keeper has looked for what is waited for, and claims decide what becomes of those that wait for nothing. */
function judgeAllThatWait(spool: string): void {
  for (const name of namesIn(spool, 'delayed').filter((one) => one.startsWith(`${AFTER_ANOTHER_MS}.`)))
    renameSync(join(spool, 'delayed', name), join(spool, 'pending', name.slice(`${AFTER_ANOTHER_MS}.`.length)));
}

/** What is due becomes ready, and so does what has waited for jobs that have ended. */
async function promote(context: SpoolContext): Promise<void> {
  const promoter = new Promoter(context, (error) => assert.fail(String(error)));
  promoter.promoteDue();
  await until(() => promoter.isSettled(), 'all that waits was looked at');
  promoter.stop();
}

/** The first in a spool that an older fsq made, and one that is told of it. */
async function sendUnique(spool: string, recording: Recording, until: Uniqueness['until'] = 'ended'): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  rmdirSync(join(spool, 'keys'));
  recording.restart();
  for (let i = 0; i < 2; i++) recording.promise((await askForKey(broker, until)).id);
  return () => broker.close();
}

async function sendAfterTheEnd(spool: string, recording: Recording): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  recording.promise((await askForKey(broker)).id);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  recording.restart();
  await finish(spool, recording, await nextOf(consumer));
  recording.promise((await askForKey(broker)).id);
  return () => consumer.close();
}

/** Its own producer waits for the disk when another asks for the key. */
async function beToldOfAnother(spool: string, recording: Recording): Promise<End> {
  let isPlaced = false;
  const inner = recording.files;
  const waiting: Files = {
    ...inner,
    rename: (from, to) => {
      inner.rename(from, to);
      isPlaced = to.includes('/pending/');
    },
    sync: (fd) => (isPlaced ? new Promise<never>(() => undefined) : inner.sync(fd)),
  };
  const slow = openSpool({ path: spool, files: waiting });
  const other = openSpool({ path: spool, files: inner });
  recording.restart();
  void askForKey(slow);
  await until(() => isPlaced, 'the job waits');
  const { id, isDuplicate } = await askForKey(other);
  assert.ok(isDuplicate);
  recording.promise(id);
  return () => other.close();
}

function askForKey(broker: Broker, until: Uniqueness['until'] = 'ended'): Promise<StandIn> {
  const asked = job({ id: broker.nextId(), options: { key: KEY } });
  return broker.enqueueUnique(asked, { key: KEY, until });
}

async function startAndFinish(spool: string, recording: Recording): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  const sent = job();
  await broker.enqueue([sent]);
  recording.restart();
  recording.promise(sent.job.id);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  await finish(spool, recording, await nextOf(consumer));
  return () => consumer.close();
}

/** A job that waits, with this behind its base, is claimed and settled. */
async function settleOne(spool: string, recording: Recording, settlement: Settlement, tail?: string): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  const sent = plantPending(spool, tail);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  recording.restart();
  recording.promise(sent.job.id);
  const claim = await nextOf(consumer);
  if (settlement.kind === 'publish') await finish(spool, recording, claim);
  else await claim.settle(settlement, RUN);
  return () => consumer.close();
}

async function finishOnFaultyDisk(spool: string, recording: Recording): Promise<End> {
  const faulty = faultyFiles(recording.files);
  const broker = openSpool({ path: spool, files: faulty.files });
  const sent = plantPending(spool);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  recording.restart();
  recording.promise(sent.job.id);
  const claim = await nextOf(consumer);
  faulty.plan({ operation: 'sync', call: 1, errno: 'EIO', lasts: 'once' });
  await finish(spool, recording, claim);
  return () => consumer.close();
}

async function setAside(spool: string, recording: Recording): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  const name = { id: nextId(), queue: 'default', priority: 1, attempt: 0, crashes: 0 };
  writeFileSync(join(spool, 'pending', jobFileName(name)), 'no job', { mode: 0o600 });
  const sent = plantPending(spool);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  recording.restart();
  recording.promise(sent.job.id);
  await finish(spool, recording, await nextOf(consumer));
  return () => consumer.close();
}

/** Jobs of a dead owner: just begun, torn, ended, and one that has killed its process too often. */
async function recover(spool: string, recording: Recording, recoverer?: string): Promise<End> {
  openSpool({ path: spool });
  const [begun, torn, ended] = [job(), job(), job()];
  const outcome = encodeTail([{ attempt: 1, endedAtMs: 1, owner: someOwner() }], {
    outcome: { state: 'succeeded', value: VALUE },
    standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
  });
  const held = [
    [begun, encodeBase(begun.job)],
    [torn, tornInCharacter(encodeBase(torn.job).slice(0, -1) + outcome)],
    [ended, encodeBase(ended.job).slice(0, -1) + outcome],
  ] as const;
  plantDeadOwner(
    spool,
    someOwner(),
    Object.fromEntries(
      held.map(
        ([
          {
            job: { id },
          },
          text,
        ]) => [nameOf(id, 1), text],
      ),
    ),
    recoverer,
  );
  pronounceDead(spool, someOwner(2)); // Who recovers now: after the cut it is dead too.
  recording.restart();
  for (const [
    {
      job: { id },
    },
  ] of held)
    recording.promise(id);
  await recoverOrphans(contextOf(spool, { files: recording.files }), recovererOf(someOwner(2)));
  promiseRead(spool, recording, ended.job.id);
  return async () => undefined;
}

async function finishAndEnd(spool: string, recording: Recording): Promise<End> {
  const broker = openSpool({ path: spool, files: recording.files });
  const sent = plantPending(spool);
  const consumer = await broker.consumer({ queues: null, tasks: [] });
  recording.restart();
  recording.promise(sent.job.id);
  await finish(spool, recording, await nextOf(consumer));
  await consumer.close();
  return () => broker.close();
}

async function expireAndReuse(spool: string, recording: Recording): Promise<End> {
  const context = contextOf(spool, { files: recording.files });
  openSpool({ path: spool, files: recording.files });
  const old = job({ id: 'aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa'.replace(/^a{8}-a{4}/, '00000000-0001') });
  const outcome = encodeTail([{ attempt: 1, endedAtMs: 1, owner: someOwner() }], {
    outcome: { state: 'succeeded', value: VALUE },
    standing: { queue: 'default', priority: 5, attempt: 1, crashes: 0 },
  });
  const result = join(spool, 'results', `${old.job.id}.json`);
  writeFileSync(result, encodeBase(old.job).slice(0, -1) + outcome, { mode: 0o600 });
  const dayAgoS = Date.now() / 1_000 - 86_400;
  utimesSync(result, dayAgoS, dayAgoS);
  useSpareFiles(context);
  recording.restart();
  await new Forgetter(context, 1_000).forget();
  const sent = job();
  await enqueue(context, [sent]);
  recording.promise(sent.job.id);
  assert.ok(
    recording.calls.some((call) => call.call === 'truncate'),
    'no file was written again',
  );
  return async () => undefined;
}

/** Makes so many files that the next are looked for among spare ones. @param made already */
export function useSpareFiles({ draftFiles, files }: SpoolContext, made: number = 0): void {
  for (let i = made; i < 64; i++) {
    const { path, fd } = draftFiles.next();
    files.close(fd);
    files.unlink(path);
  }
}

/** The job ends; from then on its outcome can be read. */
export async function finish(spool: string, recording: Recording, claim: Claim): Promise<void> {
  const nowMs = Date.now();
  await claim.settle(returned(VALUE), { startedAtMs: nowMs, endedAtMs: nowMs });
  promiseRead(spool, recording, claim.job.id);
}

export function promiseRead(spool: string, recording: Recording, id: string): void {
  const bytes = readFileSync(join(spool, 'results', `${id}.json`));
  recording.promise(`${READ}${id} ${createHash('sha256').update(bytes).digest('hex')}`);
}

function plantPending(spool: string, tail?: string): NewJob {
  const sent = job();
  const base = encodeBase(sent.job);
  const text = tail === undefined ? base : base.slice(0, -1) + tail.slice(0);
  writeFileSync(join(spool, 'pending', nameOf(sent.job.id, 0)), text, { mode: 0o600 });
  return sent;
}

function nameOf(id: string, attempt: number): string {
  return jobFileName({ id, queue: 'default', priority: 5, attempt, crashes: 0 });
}

async function nextOf(consumer: Consumer): Promise<Claim> {
  const claim = await consumer.next(new AbortController().signal);
  assert.ok(claim !== null);
  return claim;
}

/** No second cut comes: nothing waits for the process that syncs the file system. */
const LASTING: Files = { ...nodeFiles, syncFileSystem: async () => true };

/**
 * Does what a worker does after a restart, until nothing is left: recover, promote, run. Then each of `ids` must have the one
 * outcome that every run gives.
 *
 * @throws AssertionError saying what was lost, torn or taken for what it is not
 */
export async function bringToEnd(
  spool: string,
  promises: readonly string[],
  { hasGarbage = false, key, mayEndOtherwise = false, instants = [] }: Operation,
  order: Order,
): Promise<void> {
  const ids = promises.filter((promise) => !promise.includes(' '));
  const ran = new Map<string, JsonValue | undefined>();
  const broker = openSpool({ path: spool, fsync: false, files: LASTING });
  await broker.counts(); // What the journal holds is there again.
  if (!hasGarbage && order !== 'doubled') assertSound(spool, ids);
  if (key !== undefined) {
    assert.ok(unfinished(spool) <= 1, 'two jobs of one key');
    await askForKey(broker);
    assert.equal(unfinished(spool), 1, 'unfinished jobs of the key, once it was asked for again');
  }
  await sendAgain(broker, instants);
  const context = contextOf(spool, { fsync: false, files: LASTING });
  const me = someOwner(9);
  const claimant = { owner: me, directory: join(spool, 'running', me) };
  mkdirSync(claimant.directory, { mode: 0o700 });
  for (let round = 0; round < 3; round++) {
    await recoverOrphans(context, recovererOf(me));
    await promote(context);
    if (round > 0) judgeAllThatWait(spool);
    for (const name of namesIn(spool, 'pending')) {
      const taken = take(context, claimant, name);
      const claim = taken === null ? null : await examine(context, claimant, taken);
      if (claim === null) continue;
      const nowMs = Date.now();
      if ((claim.job.options.expiresAtMs ?? nowMs) < nowMs) {
        await claim.settle(settlementOf({ kind: 'expired' }, claim, nowMs, 0), null);
        continue;
      }
      ran.set(claim.job.id, claim.checkpointed());
      if (claim.job.options.takes !== undefined)
        assert.ok(claim.job.args[0] !== undefined, 'it takes what it was sent for');
      assert.equal((await broker.find(claim.job.id))?.progress?.value ?? 0.5, 0.5, 'progress is whole, or none');
      await claim.settle(returned(VALUE), { startedAtMs: nowMs, endedAtMs: nowMs });
    }
  }
  assertSound(spool, ids);
  await assertPromises(spool, broker, promises, ran);
  assertOneJobEach(spool, instants);
  for (const id of ids) {
    const outcome = (await broker.outcome(id))?.outcome ?? null;
    if (mayEndOtherwise) assert.notEqual(outcome, null, `the outcome of ${id}`);
    else assert.deepEqual(outcome, { state: 'succeeded', value: VALUE }, `the outcome of ${id}`);
  }
  assert.deepEqual(
    [namesIn(spool, 'pending'), namesIn(spool, 'delayed'), namesIn(spool, 'running')],
    [[], [], [me]],
    'what is left',
  );
  const broken = namesIn(spool, 'corrupt').filter(
    (name) => readFileSync(join(spool, 'corrupt', name), 'utf8') !== 'no job',
  );
  assert.deepEqual(broken, [], 'files that were taken for jobs');
  await broker.close();
}

/** Of those that say more than that a job is accepted. @param ran what was run after the power cut, and the checkpoint that it found */
async function assertPromises(
  spool: string,
  broker: Broker,
  promises: readonly string[],
  ran: ReadonlyMap<string, JsonValue | undefined>,
): Promise<void> {
  for (const promise of promises) {
    const [, id = '', digest = ''] = promise.split(' ');
    if (promise.startsWith(AGAIN)) assert.equal((await broker.outcome(id))?.outcome?.state, 'succeeded', promise);
    if (promise.startsWith(GONE)) assert.equal(await broker.find(id), null, promise);
    if (promise.startsWith(BEGUN) || promise.startsWith(READ)) assert.ok(!ran.has(id), `ran again: ${promise}`);
    if (promise.startsWith(CALLED)) {
      const [args] = (await broker.outcome(id))?.job.args ?? [];
      const { row, rest } = args as { readonly row: number; readonly rest: string };
      assert.ok(row >= Number(digest) && rest.length > 0, `${promise}, found ${row}`);
    }
    if (promise.startsWith(KEPT) && ran.has(id)) {
      const found = ran.get(id) as { readonly row: number; readonly rest: string } | undefined;
      assert.ok((found?.row ?? 0) >= Number(digest), `${promise}, found ${found?.row}`);
    }
    if (!promise.startsWith(READ)) continue;
    const bytes = readFileSync(join(spool, 'results', `${id}.json`));
    assert.equal(createHash('sha256').update(bytes).digest('hex'), digest, 'an outcome is not as it was read');
  }
}

/** Jobs, each once, under however many names. */
function unfinished(spool: string): number {
  return [...placesOf(spool).values()].filter((paths) => !paths.some((path) => path.startsWith('results/'))).length;
}
