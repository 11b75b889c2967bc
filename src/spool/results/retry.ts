/**
 * Sending ended jobs back to where they wait, each by one rename, with all that is known of them (job/ended/again.ts says what that means).
 *
 * The outcome that a job had must not come back: neither from the journal, whose records of it are freed first, nor by a marker that says
 * that the job is revoked. If we die on the way, each job has either been sent back or kept its outcome.
 */
import { endedAttempt } from '../../job/ended/again.ts';
import { hasLostItsKey, hasNotEnded, hasSucceeded, isUnreadable } from '../../job/ended/not-sent-back.ts';
import { type FsqError, SpoolError } from '../../job/errors.ts';
import type { JobRecord } from '../../job/job.ts';
import { DEFAULT_PRIORITY, DEFAULT_QUEUE } from '../../job/names.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { discard, renameIfThere } from '../disk/if-there.ts';
import { Turns } from '../disk/rounds.ts';
import { tellsSetAside } from '../job-file/set-aside.ts';
import { stillRecorded } from '../journal/checkpoint.ts';
import { keyDirectory, type KeyHolder, settleHolder } from '../keys/key-holders.ts';
import { delayedFileName, jobFileName, type JobName } from '../layout.ts';
import { endedSpot, locate, type Spot } from '../locate.ts';
import { removeMarkers } from '../notes/notes.ts';
import { Candidate, takeKeyAgain } from '../sending/enqueue-unique.ts';
import { readOutcome } from './outcomes.ts';

/** Null: the job was sent back; else why it was not. */
type Answer = FsqError | null;

/** @returns what came of each of `ids`; those that are nowhere are missing */
export async function retry(context: SpoolContext, ids: readonly string[]): Promise<ReadonlyMap<string, Answer>> {
  const { layout } = context;
  const { answers, open } = await firstLook(context, ids);
  if (open.size === 0) return answers;
  for (const id of await stillRecorded(context, open)) {
    open.delete(id);
    const text = `Job ${id} was not sent back: a process that stands still has recorded its outcome, which could come back after a power cut. Call again.`;
    answers.set(id, new SpoolError('FSQ_SPOOL', text));
  }
  await syncDirectories(context, layout.results);
  const turns = new Turns();
  for (const id of open) {
    if (turns.isOver) await turns.next();
    const answer = await sendBack(context, id);
    if (answer !== undefined) answers.set(id, answer);
  }
  await syncDirectories(context, layout.cancel, layout.pending, layout.delayed, layout.results);
  return answers;
}

/** What would come of it now, job by job; nothing is changed. */
export async function wouldRetry(context: SpoolContext, ids: readonly string[]): Promise<ReadonlyMap<string, Answer>> {
  const { answers, open } = await firstLook(context, ids);
  const turns = new Turns();
  // The first of several with one key would have it.
  const taken = new Map<string, string>();
  for (const id of open) {
    if (turns.isOver) await turns.next();
    const look = lookAt(context, id);
    if (look === null) continue;
    answers.set(id, 'doubt' in look ? look.doubt : await doubtInKey(context, look.record, taken));
  }
  return answers;
}

/** Null where the job would get its key, or has none. */
async function doubtInKey(context: SpoolContext, record: JobRecord, taken: Map<string, string>): Promise<Answer> {
  const { job } = record;
  const { key } = job.options;
  if (key === undefined) return null;
  const { queue, priority } = nameOf(record);
  const place = JSON.stringify([job.task, key]);
  const directory = keyDirectory(context.layout, job.task, key);
  const candidate = new Candidate(context, directory, { until: 'ended', give: null }, { job, queue, priority });
  const otherId = taken.get(place) ?? (await candidate.lookFirst())?.id;
  if (otherId !== undefined) return hasLostItsKey(job, key, otherId);
  taken.set(place, job.id);
  return null;
}

/** Those of which a look tells that they are not to be sent back, and the others. */
async function firstLook(
  context: SpoolContext,
  ids: readonly string[],
): Promise<{ readonly answers: Map<string, Answer>; readonly open: Set<string> }> {
  const answers = new Map<string, Answer>();
  const open = new Set<string>();
  const spots = await locate(context, new Set(ids));
  // In the order in which they are named: of several with one key the first gets it.
  for (const id of new Set(ids)) {
    const spot = spots.get(id);
    if (spot === undefined) continue;
    const look = spot.at === 'results' ? lookAt(context, id) : { doubt: notEnded(spot) };
    if (look !== null && 'doubt' in look) answers.set(id, look.doubt);
    else open.add(id);
  }
  return { answers, open };
}

/** Undefined when it is nowhere any more. */
async function sendBack(context: SpoolContext, id: string): Promise<Answer | undefined> {
  for (;;) {
    const look = lookAt(context, id);
    if (look !== null && 'doubt' in look) return look.doubt;
    const done = look === null ? null : await sendBackAs(context, look.record);
    if (done !== null) return done.answer;
    const spot = (await locate(context, new Set([id]))).get(id);
    if (spot === undefined) return undefined;
    if (spot.at !== 'results') return notEnded(spot);
  }
}

/** Null when another process was faster, to send it back or to forget it. */
async function sendBackAs(context: SpoolContext, record: JobRecord): Promise<{ readonly answer: Answer } | null> {
  const { job } = record;
  const { key } = job.options;
  if (key === undefined) return answerTo(record, moveBack(context, record));
  const { queue, priority } = nameOf(record);
  const taken = await takeKeyAgain(context, { job, queue, priority }, key);
  if ('blockedBy' in taken) return { answer: hasLostItsKey(job, key, taken.blockedBy) };
  return answerTo(
    record,
    holdingKey(context, taken, () => moveBack(context, record)),
  );
}

/** What came of the rename: it was not tried for a job that would be revoked again at once. */
type Move = 'moved' | 'gone' | 'marked';

function answerTo({ job: { id } }: JobRecord, move: Move): { readonly answer: Answer } | null {
  if (move !== 'marked') return move === 'gone' ? null : { answer: null };
  const text = `Job ${id} was not sent back: the marker in cancel/ that says that it is revoked cannot be removed. Remove cancel/${id}* and call again.`;
  return { answer: new SpoolError('FSQ_SPOOL', text) };
}

/** While `act` is done the key is held for a time, whatever others find; from then on as long as the job has not ended. */
function holdingKey(context: SpoolContext, holder: KeyHolder, act: () => Move): Move {
  let move: Move = 'gone';
  try {
    return (move = act());
  } finally {
    if (move === 'moved') settleHolder(context, holder);
    else discard(context.files, holder.path);
  }
}

/**
 * The commit point. The outcome was read before: if another process has sent the job back and it has ended anew in between, the rename moves
 * an outcome that is newer than the name, and the claim publishes it as it stands.
 */
function moveBack(context: SpoolContext, record: JobRecord): Move {
  const { files, layout, nowMs } = context;
  const { id, options } = record.job;
  const name = nameOf(record);
  const isDue = options.etaMs === undefined || options.etaMs <= nowMs();
  const to = isDue
    ? `${layout.pending}/${jobFileName(name)}`
    : `${layout.delayed}/${delayedFileName(options.etaMs ?? 0, name)}`;
  if (!removeMarkers(context, id)) return 'marked';
  return renameIfThere(files, endedSpot(layout, id).path, to) ? 'moved' : 'gone';
}

/** The next attempt is the one after that of the outcome; crashes are counted anew. */
function nameOf(record: JobRecord): JobName {
  const { queue = DEFAULT_QUEUE, priority = DEFAULT_PRIORITY } = record.kept;
  return { id: record.job.id, queue, priority, attempt: endedAttempt(record), crashes: 0 };
}

/** The record of an ended job, or why it is not to be sent back; null when it is gone just now. */
function lookAt(
  context: SpoolContext,
  id: string,
): { readonly record: JobRecord } | { readonly doubt: FsqError } | null {
  let record: JobRecord | null;
  try {
    record = readOutcome(context, id);
  } catch (error) {
    if (error instanceof SpoolError && error.code === 'FSQ_CORRUPT_JOB') return { doubt: error };
    throw error;
  }
  if (record === null) return null;
  if (tellsSetAside(record) || !Number.isFinite(endedAttempt(record))) {
    return { doubt: isUnreadable(id) };
  }
  return record.outcome?.state === 'succeeded' ? { doubt: hasSucceeded(record.job) } : { record };
}

function notEnded(spot: Exclude<Spot, { at: 'results' }>): FsqError {
  const waits = spot.at === 'waiting' && spot.dueAtMs === null ? 'waits to run' : 'waits, delayed';
  return hasNotEnded(spot.id, spot.at === 'held' ? 'runs' : waits);
}
