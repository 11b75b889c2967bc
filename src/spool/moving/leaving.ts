/**
 * The jobs that leave for another place lie in moving/, where nothing takes them:
 *
 *   pending/<job>, delayed/<due>.<job>  ─►  moving/<due>.<job>  ─►  gone
 *
 * A ready job has the time 0 there. Each rename is one step, on disk before the other place is told anything; so is the removal.
 */
import type { MovedJob, MoveReading } from '../../broker/moving.ts';
import { CorruptJobError } from '../../job/document.ts';
import { SpoolError } from '../../job/errors.ts';
import { unended } from '../../job/ended/again.ts';
import type { JobRecord, Standing } from '../../job/job.ts';
import { DEFAULT_PRIORITY, DEFAULT_QUEUE } from '../../job/names.ts';
import type { LogLine } from '../../job/values/log-lines.ts';
import { reasonOf } from '../../job/values/realm.ts';
import { removeBeside } from '../beside/beside-files.ts';
import { readCheckpoint } from '../beside/checkpoint-file.ts';
import { readProgressSurely } from '../beside/progress-file.ts';
import { readLog } from '../beside/read-log.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { renameIfThere, unlinkIfThere } from '../disk/if-there.ts';
import { readJob } from '../job-file/read.ts';
import { stillRecorded } from '../journal/checkpoint.ts';
import { keyDirectory, keyHoldersIn } from '../keys/key-holders.ts';
import { AFTER_ANOTHER_MS, BESIDE, delayedFileName, jobFileName } from '../layout.ts';
import { type EndedSpot, endedSpot, locate, type MovingSpot, movingSpots } from '../locate.ts';
import { isMarked } from '../notes/notes.ts';
import { renameOver } from '../job-file/set-aside.ts';

/** Takes those of `ids` that wait. @returns those that were to be had: with the others a worker was faster */
export async function take(context: SpoolContext, ids: readonly string[]): Promise<readonly string[]> {
  const { files, layout } = context;
  const taken: string[] = [];
  for (const [id, spot] of await locate(context, new Set(ids))) {
    // A file with a second name, which a power cut may leave, is for a worker to mend.
    if (spot.at !== 'waiting' || files.entry(spot.path)?.links !== 1) continue;
    const target = `${layout.moving}/${delayedFileName(spot.dueAtMs ?? 0, spot.name)}`;
    if (renameIfThere(files, spot.path, target)) taken.push(id);
  }
  await syncDirectories(context, layout.moving, layout.pending, layout.delayed);
  return taken;
}

/** The jobs in moving/. A power cut may have left a second name of a job that goes on elsewhere: it is removed. */
export async function underway(context: SpoolContext): Promise<readonly string[]> {
  const { files, layout } = context;
  const found: string[] = [];
  for (const { id, path } of movingSpots(context)) {
    const links = files.entry(path)?.links ?? 0;
    if (links === 1) found.push(id);
    if (links > 1) unlinkIfThere(files, path);
  }
  await syncDirectories(context, layout.moving);
  return found;
}

/** Sends jobs from moving/ to where they wait: they are given back, or have arrived. */
export async function sendToWait(context: SpoolContext, ids: readonly string[]): Promise<void> {
  const { layout, nowMs } = context;
  const wanted = new Set(ids);
  for (const { path, name, dueAtMs } of movingSpots(context, (id) => wanted.has(id))) {
    const isReady = dueAtMs === null || (dueAtMs <= nowMs() && dueAtMs !== AFTER_ANOTHER_MS);
    const to = isReady
      ? `${layout.pending}/${jobFileName(name)}`
      : `${layout.delayed}/${delayedFileName(dueAtMs, name)}`;
    renameOver(context, path, to);
  }
  await syncDirectories(context, layout.moving, layout.pending, layout.delayed);
}

/**
 * Removes jobs from moving/: they are in the other place. First no record of the journal may tell of them any more: a power cut would bring
 * them back. What lies beside them goes too; what stands for their keys is swept.
 *
 * @returns those that are marked as revoked
 */
export async function letGo(context: SpoolContext, ids: readonly string[]): Promise<readonly string[]> {
  const { files, layout, odd } = context;
  const wanted = new Set(ids);
  const spots = [...movingSpots(context, (id) => wanted.has(id))];
  const recorded = spots.length === 0 ? [] : await stillRecorded(context, new Set(spots.map(({ id }) => id)));
  if (recorded.length > 0) {
    const text = `${recorded.length} jobs cannot leave yet: a process that stands still has recorded that it sent them, and they would come back after a power cut. Run it again.`;
    throw new SpoolError('FSQ_MOVING', text);
  }
  for (const { path } of spots) unlinkIfThere(files, path);
  await syncDirectories(context, layout.moving);
  for (const { id } of spots)
    for (const folder of BESIDE) odd.try(`${folder}/${id}`, () => removeBeside(context, folder, id));
  return ids.filter((id) => isMarked(context, id));
}

/** All that is known of jobs in moving/, or of ended ones. */
export function readMoved(context: SpoolContext, ids: readonly string[]): ReadonlyMap<string, MoveReading> {
  const wanted = new Set(ids);
  const moving = new Map([...movingSpots(context, (id) => wanted.has(id))].map((spot) => [spot.id, spot]));
  const found = new Map<string, MoveReading>();
  for (const id of ids) {
    const reading = readAt(context, moving.get(id) ?? endedSpot(context.layout, id));
    if (reading !== null) found.set(id, reading);
  }
  return found;
}

function readAt(context: SpoolContext, spot: MovingSpot | EndedSpot): MoveReading | null {
  const reading = readJob(context, spot.path, spot.id);
  if (reading.kind === 'gone') return null;
  if (reading.kind === 'corrupt')
    return { error: new CorruptJobError(`Job ${spot.id} cannot be read: ${reading.reason}.`) };
  const { record } = reading.document;
  try {
    return { job: spot.at === 'moving' ? waitingJob(context, spot, record) : endedJob(context, spot, record) };
  } catch (error) {
    // What lies beside it goes with the job here, and would be lost.
    if (!hasCode(error, 'EACCES', 'EPERM')) throw error;
    const text = `Job ${spot.id} was not moved: what is kept beside it may not be read: ${reasonOf(error)}.`;
    return { error: new SpoolError('FSQ_MOVING', text, { cause: error }) };
  }
}

function waitingJob(context: SpoolContext, { id, name, dueAtMs }: MovingSpot, record: JobRecord): MovedJob {
  return {
    record: unended(record),
    standing: name,
    dueAtMs: dueAtMs === AFTER_ANOTHER_MS ? null : dueAtMs,
    isFollower: dueAtMs === AFTER_ANOTHER_MS,
    key: keyOf(context, record),
    isRevoked: isMarked(context, id),
    ...besideOf(context, id),
  };
}

function endedJob(context: SpoolContext, { id }: EndedSpot, record: JobRecord): MovedJob {
  const { queue = DEFAULT_QUEUE, priority = DEFAULT_PRIORITY, crashes = 0, attempt } = record.kept;
  const standing: Standing = { queue, priority, crashes, attempt: attempt ?? record.attempts.at(-1)?.attempt ?? 0 };
  return { record, standing, dueAtMs: null, isFollower: false, key: null, isRevoked: false, ...besideOf(context, id) };
}

function keyOf(context: SpoolContext, { job: { id, task, options } }: JobRecord): MovedJob['key'] {
  if (options.key === undefined) return null;
  const directory = keyDirectory(context.layout, task, options.key);
  const holder = keyHoldersIn(context, directory).findLast((each) => each.id === id);
  return holder === undefined ? null : { untilMs: holder.untilMs };
}

function besideOf(context: SpoolContext, id: string): Pick<MovedJob, 'progress' | 'checkpoint' | 'log'> {
  const kept = readCheckpoint(context, id);
  if (kept.kind === 'corrupt' && kept.refusal !== undefined) throw kept.refusal;
  const checkpoint = kept.kind === 'checkpoint' ? { value: kept.value, attempt: kept.attempt, atMs: kept.atMs } : null;
  return { progress: readProgressSurely(context, id), checkpoint, log: wholeLog(context, id) };
}

/** Something else lies there, or nothing. */
const NO_LOG: readonly string[] = ['ENOENT', 'ENOTDIR', 'ELOOP'];

function wholeLog(context: SpoolContext, id: string): readonly LogLine[] {
  const lines: LogLine[] = [];
  for (let position = 0; ;) {
    const part = readLog(context, id, position, NO_LOG);
    if (part.lines.length === 0) return lines;
    lines.push(...part.lines);
    position = part.position;
  }
}
