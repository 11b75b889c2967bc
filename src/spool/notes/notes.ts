/**
 * Notes are files whose names say all; what they hold is for people. Workers watch their directories.
 *
 * A note in queues/ says that a queue is paused, until the note is removed.
 *
 * A note in cancel/, called a marker, says that a job is revoked. A process that revokes makes the marker before anything else; if it
 * dies on the way, a worker goes on. The marker goes when the job has an outcome that is on disk. Looking for a marker costs a system
 * call. A claim or a run that went well never looks for one.
 */
import { isId, isQueueName } from '../../job/names.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { createNew, discard, listIfThere, makeDirectory, unlinkIfThere } from '../disk/if-there.ts';
import { NoteWatch, type NoteWatchOptions } from './note-watch.ts';

type Heard<T extends { readonly size: number }> = Pick<NoteWatchOptions<T>, 'onFound' | 'onTrouble'>;

const PAUSED = '.paused';

export function parsePausedFileName(fileName: string): string | null {
  const queue = fileName.slice(0, -PAUSED.length);
  return fileName.endsWith(PAUSED) && isQueueName(queue) ? queue : null;
}

/** @returns false when it was paused already. When it resolves that is durable. */
export async function pauseQueue(context: SpoolContext, queue: string): Promise<boolean> {
  const { files, layout } = context;
  makeDirectory(files, layout.queues);
  const isNew = makeNote(context, layout.queues, queue + PAUSED, { queue });
  await syncDirectories(context, layout.queues, layout.root);
  return isNew;
}

/** @returns false when it was not paused. When it resolves that is durable. */
export async function resumeQueue(context: SpoolContext, queue: string): Promise<boolean> {
  const { files, layout } = context;
  if (!unlinkIfThere(files, `${layout.queues}/${queue}${PAUSED}`)) return false;
  await syncDirectories(context, layout.queues);
  return true;
}

/** None in a spool of an older fsq, which has no such directory before a queue is paused. */
export function pausedQueues({ files, layout }: SpoolContext): readonly string[] {
  return listIfThere(files, layout.queues)
    .map(parsePausedFileName)
    .filter((queue) => queue !== null)
    .toSorted();
}

export function watchPausedQueues(
  context: SpoolContext,
  heard: Heard<ReadonlySet<string>>,
): NoteWatch<ReadonlySet<string>> {
  return new NoteWatch<ReadonlySet<string>>(context.files, {
    directory: context.layout.queues,
    read: () => new Set(pausedQueues(context)),
    ...heard,
  });
}

interface MarkerName {
  readonly id: string;
  /** The process that runs the job is to be killed, rather than asked. */
  readonly terminate: boolean;
}

const TERMINATE = '.terminate';

function markerFileName({ id, terminate }: MarkerName): string {
  return terminate ? id + TERMINATE : id;
}

export function parseMarkerFileName(fileName: string): MarkerName | null {
  const terminate = fileName.endsWith(TERMINATE);
  const id = terminate ? fileName.slice(0, -TERMINATE.length) : fileName;
  return isId(id) ? { id, terminate } : null;
}

/**
 * Makes a marker for each of `ids`; when it resolves they are durable. A marker that is there already stays as it is.
 *
 * @throws the system error: some may have been made
 */
export async function mark(context: SpoolContext, ids: Iterable<string>, terminate: boolean): Promise<void> {
  const { cancel } = context.layout;
  for (const id of ids) makeNote(context, cancel, markerFileName({ id, terminate }), { id, terminate });
  await syncDirectories(context, cancel);
}

export function isMarked({ files, layout }: SpoolContext, id: string): boolean {
  return [true, false].some((terminate) => files.exists(`${layout.cancel}/${markerFileName({ id, terminate })}`));
}

/** Whether it is marked so that the process that runs it is to be killed. */
export function isToBeKilled({ files, layout }: SpoolContext, id: string): boolean {
  return files.exists(`${layout.cancel}/${markerFileName({ id, terminate: true })}`);
}

/** The ids that are marked, each with its `terminate`. */
export function readMarkers({ files, layout }: SpoolContext): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  for (const name of files.list(layout.cancel)) {
    const marker = parseMarkerFileName(name);
    if (marker !== null) found.set(marker.id, marker.terminate || found.get(marker.id) === true);
  }
  return found;
}

export function watchMarkers(
  context: SpoolContext,
  heard: Heard<ReadonlyMap<string, boolean>>,
): NoteWatch<ReadonlyMap<string, boolean>> {
  return new NoteWatch(context.files, {
    directory: context.layout.cancel,
    read: () => readMarkers(context),
    ...heard,
  });
}

/**
 * Removes the markers of jobs that have ended. The outcomes reach the disk first: else a power cut could bring the job back, and
 * not its marker.
 */
export async function unmark(context: SpoolContext, ids: Iterable<string>): Promise<void> {
  const all = [...ids];
  if (all.length === 0) return;
  await syncDirectories(context, context.layout.results);
  for (const id of all) removeMarkers(context, id);
}

/** Of a job that has ended, when its outcome is on disk. False when one stays: an immutable file, or a folder. */
export function removeMarkers({ files, layout }: SpoolContext, id: string): boolean {
  const paths = [true, false].map((terminate) => `${layout.cancel}/${markerFileName({ id, terminate })}`);
  return paths.filter((path) => !discard(files, path)).length === 0;
}

/** False when it was there. If we die before the file has its text, its name still says all. */
function makeNote(context: SpoolContext, directory: string, name: string, about: object): boolean {
  const text = `${JSON.stringify({ v: 1, ...about, atMs: context.nowMs(), pid: process.pid })}\n`;
  return createNew(context.files, `${directory}/${name}`, Buffer.from(text));
}
