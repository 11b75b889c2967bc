/**
 * The jobs that arrive from another place lie in moving/ until that place has let them go:
 *
 *   moving/<due>.<job>  ─►  pending/<job>, delayed/<due>.<job>
 *
 * First comes what lies beside a job, then its file, then the marker of one that is revoked, last what stands for its key. If we die in between, the job arrives, or not yet; who goes
 * on with the move does the rest again.
 */
import type { MovedJob } from '../../broker/moving.ts';
import { encodeBase } from '../../job/document.ts';
import { type FsqError, SpoolError } from '../../job/errors.ts';
import type { Job } from '../../job/job.ts';
import { encodeTail } from '../../job/tail.ts';
import { logText } from '../../job/values/log-lines.ts';
import { removeBeside } from '../beside/beside-files.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { writeNew } from '../disk/draft.ts';
import { makeDirectory, unlinkIfThere } from '../disk/if-there.ts';
import { AFTER_ANOTHER_MS, BESIDE, type BesideFolder, besidePath, delayedFileName, resultFileName } from '../layout.ts';
import { locate, movingSpots } from '../locate.ts';
import { mark } from '../notes/notes.ts';
import { dropKey, standForKey } from './arriving-key.ts';

/** @returns why not, for those that cannot arrive */
export async function accept(context: SpoolContext, jobs: readonly MovedJob[]): Promise<ReadonlyMap<string, FsqError>> {
  const { layout } = context;
  const refused = new Map<string, FsqError>();
  const spots = await locate(context, new Set(jobs.map(idOf)));
  for (const [id, { at }] of spots)
    if (at !== 'moving')
      refused.set(id, new SpoolError('FSQ_MOVING', `Job ${id} is in ${layout.root} already, and was not moved there.`));
  await each(
    jobs.filter((job) => !spots.has(idOf(job))),
    async (job) => {
      await writeBeside(context, job);
      const target = `${layout.moving}/${delayedFileName(dueOf(job), { id: idOf(job), ...job.standing })}`;
      await writeNew(context, Buffer.from(textOf(job)), target, { isDurable: true });
    },
  );
  // After that: the marker of a job that is nowhere is swept.
  const revoked = jobs.filter((job) => job.isRevoked && !refused.has(idOf(job))).map(idOf);
  if (revoked.length > 0) await mark(context, revoked, false);
  for (const job of jobs) {
    const error = refused.has(idOf(job)) ? null : await standForKey(context, job);
    if (error !== null) refused.set(idOf(job), error);
  }
  await syncDirectories(context, layout.moving);
  return refused;
}

/** Those of jobs that are here already are left out. */
export async function acceptOutcomes(context: SpoolContext, jobs: readonly MovedJob[]): Promise<void> {
  const { layout } = context;
  const spots = await locate(context, new Set(jobs.map(idOf)));
  await each(
    jobs.filter((job) => !spots.has(idOf(job))),
    async (job) => {
      await writeBeside(context, job);
      const target = `${layout.results}/${resultFileName(idOf(job))}`;
      await writeNew(context, Buffer.from(textOf(job)), target, { isDurable: true });
    },
  );
  await syncDirectories(context, layout.results);
}

export async function discardArriving(context: SpoolContext, ids: readonly string[]): Promise<void> {
  const wanted = new Set(ids);
  for (const { id, path, name } of movingSpots(context, (found) => wanted.has(found))) {
    await dropKey(context, path, id);
    unlinkIfThere(context.files, path);
    for (const folder of BESIDE) context.odd.try(`${folder}/${name.id}`, () => removeBeside(context, folder, id));
  }
  await syncDirectories(context, context.layout.moving);
}

function idOf({ record }: MovedJob): string {
  return record.job.id;
}

/** Under which time it lies in moving/. */
function dueOf({ dueAtMs, isFollower }: MovedJob): number {
  return isFollower ? AFTER_ANOTHER_MS : (dueAtMs ?? 0);
}

/** The whole file. */
function textOf({ record, standing }: MovedJob): string {
  const { job, attempts, outcome, parked, kept } = record;
  const base = encodeBase(job).slice(0, -1);
  const again = kept.again ?? 0;
  if (outcome !== null) {
    const end = { outcome, standing, endedAtMs: kept.endedAtMs ?? null, ttlMs: kept.ttlMs };
    return base + encodeTail(attempts, end, again);
  }
  if (parked !== null) return base + encodeTail(attempts, { parked }, again);
  return attempts.length + again === 0 ? encodeBase(job) : base + encodeTail(attempts, null, again);
}

async function writeBeside(context: SpoolContext, { record, progress, checkpoint, log }: MovedJob): Promise<void> {
  const { layout, files } = context;
  const { id }: Job = record.job;
  const texts: Partial<Record<BesideFolder, string>> = {
    ...(progress === null ? {} : { progress: `${JSON.stringify({ v: 1, ...progress })}\n` }),
    ...(checkpoint === null ? {} : { checkpoints: `${JSON.stringify({ v: 1, ...checkpoint })}\n` }),
    ...(log.length === 0 ? {} : { logs: log.map((line) => `${logText(line)}\n`).join('') }),
  };
  for (const folder of BESIDE) {
    const text = texts[folder];
    if (text === undefined) continue;
    if (makeDirectory(files, layout[folder])) await syncDirectories(context, layout.root);
    await writeNew(context, Buffer.from(text), besidePath(layout, folder, id), { isDurable: folder === 'checkpoints' });
    if (folder === 'checkpoints') await syncDirectories(context, layout.checkpoints);
  }
}

/** For all at once, for their fsyncs to share the disk. Waits for all, also when one fails. */
async function each(jobs: readonly MovedJob[], act: (job: MovedJob) => Promise<void>): Promise<void> {
  const ends = await Promise.allSettled(jobs.map(act));
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}
