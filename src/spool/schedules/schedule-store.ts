/**
 * Schedules in a spool: one job for each instant, however many workers send it, and whenever one of them stops or dies.
 *
 * An instant is a key that no task has (keys/): its job has a holder there from before it is accepted until a mark says that the instant
 * is done. A sender looks at the marks last, when its own holder is there, and no other is. So of two senders the later one either finds
 * the holder of the first, or, where that is gone, the mark. (test/model/schedules.ts checks this in every order of steps, with deaths.)
 *
 * If we die after the job was accepted, and before the mark, the next sender finds the holder and makes the mark. If we die after the
 * mark, the next sender removes the holder.
 */
import type { NewJob, StandIn } from '../../broker/broker.ts';
import type { ScheduledInstant, ScheduleStore } from '../../broker/schedules.ts';
import { FsqError } from '../../job/errors.ts';
import type { SpoolContext } from '../disk/context.ts';
import { discard, removeIfEmpty } from '../disk/if-there.ts';
import { isUndecided, keyDirectory, keyHoldersIn } from '../keys/key-holders.ts';
import { enqueueAs } from '../sending/enqueue-unique.ts';
import { doneMsOf, listRecords, mark, pauseSchedule, readRecord, resumeSchedule, turnBackTo } from './marks.ts';

/** How a spool answers questions, and lets itself be changed: after a replay, and with errors of fsq. */
export interface Access {
  look<T>(act: () => T | Promise<T>): Promise<T>;
  change<T>(done: string, act: () => Promise<T>): Promise<T>;
}

/** @param nextId names the job of an instant that is sent again after it was outdone */
export function scheduleStore(context: SpoolContext, nextId: () => string, access: Access): ScheduleStore {
  return {
    find: (schedule) => access.look(() => readRecord(context, schedule)),
    list: () => access.look(() => listRecords(context)),
    send: (instant, job) => access.change('sent', () => sendInstant(context, nextId, instant, job)),
    pass: (instant) => access.change('kept', () => mark(context, instant, null)),
    turnBack: (instant) => access.change('kept', () => turnBack(context, instant)),
    pause: (schedule) => access.change('paused', () => pauseSchedule(context, schedule)),
    resume: (schedule) => access.change('resumed', () => resumeSchedule(context, schedule)),
  };
}

/**
 * A holder stands until its instant is marked. One is left for good only where a sender died between the two, and the instant was then
 * passed over: the sweep of keys/ removes it after this time, ms. A clock that runs a year ahead for a while removes none.
 */
const HELD_MS = 400 * 86_400_000;

/** Thrown to a sender that comes too late. */
const DONE = new FsqError('FSQ_KEY_TAKEN', 'The instant is done');

async function sendInstant(
  context: SpoolContext,
  nextId: () => string,
  instant: ScheduledInstant,
  job: NewJob,
): Promise<StandIn | null> {
  const { schedule, atMs } = instant;
  const doneMs = doneMsOf(context, schedule);
  if (doneMs !== null) await release(context, schedule, doneMs);
  if (doneMs !== null && doneMs >= atMs) return null;
  const check = (): void => {
    if ((doneMsOf(context, schedule) ?? -1) >= atMs) throw DONE;
  };
  try {
    const directory = instantDirectory(context, schedule, atMs);
    const standIn = await enqueueAs(context, nextId, job, directory, { until: { ms: HELD_MS }, give: null, check });
    await mark(context, instant, standIn.id);
    await release(context, schedule, atMs);
    return standIn;
  } catch (error) {
    if (error !== DONE) throw error;
    return null;
  }
}

async function turnBack(context: SpoolContext, instant: ScheduledInstant): Promise<void> {
  // These instants come again, and each may then have a job.
  for (const atMs of await turnBackTo(context, instant)) await release(context, instant.schedule, atMs);
}

/** No task has such a name, so no key of one lies there. */
function instantDirectory({ layout }: SpoolContext, schedule: string, atMs: number): string {
  return keyDirectory(layout, `@schedule/${schedule}`, String(atMs));
}

/** Removes the holder of an instant that is marked: its job was accepted. What a rival is about to send it withdraws, or a sweep does. */
async function release(context: SpoolContext, schedule: string, atMs: number): Promise<void> {
  const { files } = context;
  const directory = instantDirectory(context, schedule, atMs);
  const holders = keyHoldersIn(context, directory);
  for (const holder of holders) if (!(await isUndecided(context, holder))) discard(files, holder.path);
  if (holders.length > 0) removeIfEmpty(files, directory);
}
