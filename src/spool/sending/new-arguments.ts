/**
 * Giving a job that has not begun the arguments of a later call, and the time at which that call lets it begin.
 *
 * The process takes the job as a claim does, by a rename into its own directory of running/, but under the name that the job has: its
 * attempt is 0 there, which says that no run has begun. There a new file takes the job's name, and goes back to where the job waits.
 * Of all that want the job at that moment, workers too, one has it.
 *
 *   delayed/<due>.<job>  ─►  running/<us>/<job>, the old file  ─►  the same, the new file  ─►  delayed/<later>.<job>
 *
 * If we die on the way, recovery sends back what lies there, with the old arguments or the new ones, and counts no attempt. Each name is
 * on disk before the next: a power cut leaves one of the two files, under one name.
 */
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { NewJob } from '../../broker/broker.ts';
import { renewed } from '../../broker/unique/debounced-calls.ts';
import type { Debounce } from '../../job/job-options.ts';
import { openTaken } from '../claims/claim.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { removeQuietly } from '../disk/draft.ts';
import { spoolError } from '../disk/trouble.ts';
import { type Held, type Taken, takeFrom } from '../job-file/holder.ts';
import { renameOver } from '../job-file/set-aside.ts';
import { hasTail } from '../job-file/write-tail.ts';
import { type HeldSpot, locate } from '../locate.ts';
import { isMarked } from '../notes/notes.ts';
import { describe, placeOf, writeDrafts } from './enqueue.ts';
import type { HoldsForAMoment } from './moment-holder.ts';

/**
 * How long the job may lie with one other process, ms, which holds it for some fsyncs. After that its call is left to itself: that process
 * is stopped, or dead and no worker recovers it.
 */
const PATIENCE_MS = 1_000;
/** Pauses between two looks at it, ms: rising. */
const LOOK_AGAIN_MS = { first: 1, most: 50 };

/**
 * @param id of the job that gets them
 * @returns false when it has begun, or ended, or cannot be had: then it is as it was
 * @throws SpoolError; its `uncertain` names the job when that may have the new arguments after a power cut, or the old ones
 */
export async function giveArguments(
  context: SpoolContext,
  holding: HoldsForAMoment,
  id: string,
  call: NewJob,
  debounce: Debounce,
): Promise<boolean> {
  const patience = new Patience(context);
  for (let pauseMs = LOOK_AGAIN_MS.first; ; pauseMs = Math.min(LOOK_AGAIN_MS.most, pauseMs * 2)) {
    const spot = (await locate(context, new Set([id]))).get(id);
    if (spot === undefined || spot.at === 'results' || spot.at === 'moving') return false;
    if (hasBegun(spot.name) || isMarked(context, id)) return false;
    if (spot.at === 'held') {
      if (patience.isOverFor(spot)) return false;
    } else {
      const given = await holding.hold(async (holder) => {
        const taken = takeFrom(context, holder, spot, spot.name);
        return taken === null ? null : giveTaken(context, taken, call, debounce);
      });
      if (given !== null) return given;
    }
    await wait(pauseMs);
  }
}

function hasBegun({ attempt, crashes }: { readonly attempt: number; readonly crashes: number }): boolean {
  return attempt + crashes > 0;
}

/** Whether one process has held a job for too long, without a step. */
class Patience {
  readonly #context: SpoolContext;
  #state = '';
  #sinceMs = 0;

  constructor(context: SpoolContext) {
    this.#context = context;
  }

  isOverFor({ path, owner }: HeldSpot): boolean {
    const entry = this.#context.files.entry(path);
    const state = `${owner} ${entry?.inode} ${entry?.changedAtMs}`;
    const nowMs = performance.now();
    if (state !== this.#state) this.#sinceMs = nowMs;
    this.#state = state;
    return nowMs - this.#sinceMs > PATIENCE_MS;
  }
}

/** What is left held when this throws is taken back by whoever recovers the holder: see `HoldsForAMoment`. */
async function giveTaken(context: SpoolContext, taken: Taken, call: NewJob, debounce: Debounce): Promise<boolean> {
  const held = await putBackIfThrown(context, taken, async () => openTaken(context, taken, taken.takenFrom));
  if (typeof held === 'string') return false;
  // A worker has looked at it: it is parked, and the journal may have a record of its file as it is.
  if (hasTail(held)) return putBack(context, taken);
  const changed = { ...call, job: renewed(held.record.job, call.job, debounce, context.nowMs()) };
  await putBackIfThrown(context, taken, () => replaceFile(context, held, taken, changed));
  await release(context, taken, changed);
  return true;
}

/**
 * The new file under the name of the old one. First the name of the old one is on disk, here and nowhere else: else a power cut could leave
 * both.
 */
async function replaceFile(
  context: SpoolContext,
  { path, holder }: Held,
  { takenFrom }: Taken,
  renewed: NewJob,
): Promise<void> {
  const drafts: string[] = [];
  const ends = await Promise.allSettled([
    writeDrafts(context, [renewed], drafts, context.fsync),
    syncDirectories(context, holder.directory, dirname(takenFrom.path)),
  ]);
  try {
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
    context.files.rename(drafts[0] ?? '', path);
  } catch (error) {
    for (const draft of drafts) removeQuietly(context.files, draft);
    throw spoolError(error, `${describe([renewed])} not changed`);
  }
}

/**
 * The file has the new arguments. When its name is on disk here it may go back to where it waits: a power cut that loses that rename leaves it
 * here, and it is recovered. Before the call is answered the name here is gone from the disk: whoever takes the job next makes another file.
 */
async function release(context: SpoolContext, { path, holder }: Taken, renewed: NewJob): Promise<void> {
  try {
    const [synced] = await Promise.allSettled([syncDirectories(context, holder.directory)]);
    const { directory, fileName } = placeOf(context, renewed);
    renameOver(context, path, `${directory}/${fileName}`);
    if (synced.status === 'rejected') throw synced.reason;
    await syncDirectories(context, holder.directory, directory);
  } catch (error) {
    throw spoolError(error, `${describe([renewed])} not surely changed`, [renewed.job.id]);
  }
}

function putBack(context: SpoolContext, { path, takenFrom }: Taken): false {
  renameOver(context, path, takenFrom.path);
  return false;
}

async function putBackIfThrown<T>(context: SpoolContext, taken: Taken, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    putBack(context, taken);
    throw error;
  }
}
