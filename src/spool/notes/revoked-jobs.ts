/**
 * The notes in cancel/, called markers: each says that a job is revoked. A process that revokes makes the marker before anything
 * else; if it dies on the way, a worker goes on. The marker goes when the job has an outcome that is on disk.
 *
 * Looking for a marker costs a system call. A claim or a run that went well never looks for one.
 */
import { isId } from '../../job/names.ts';
import { type SpoolContext, syncDirectories } from '../disk/context.ts';
import { createNew, discard } from '../disk/if-there.ts';

/** The name says all; what the file holds is for people. */
export interface MarkerName {
  readonly id: string;
  /** The process that runs the job is to be killed, rather than asked. */
  readonly terminate: boolean;
}

const TERMINATE = '.terminate';

export function markerFileName({ id, terminate }: MarkerName): string {
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
  const { files, layout, nowMs } = context;
  for (const id of ids) {
    const text = `${JSON.stringify({ v: 1, id, terminate, atMs: nowMs(), pid: process.pid })}\n`;
    // If we die before the file has its text, its name still says all.
    createNew(files, `${layout.cancel}/${markerFileName({ id, terminate })}`, Buffer.from(text));
  }
  await syncDirectories(context, layout.cancel);
}

export function isMarked({ files, layout }: SpoolContext, id: string): boolean {
  return [true, false].some((terminate) => files.exists(`${layout.cancel}/${markerFileName({ id, terminate })}`));
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

/**
 * Removes the markers of jobs that have ended. The outcomes reach the disk first: else a power cut could bring the job back, and
 * not its marker.
 */
export async function unmark(context: SpoolContext, ids: Iterable<string>): Promise<void> {
  const all = [...ids];
  if (all.length === 0) return;
  await syncDirectories(context, context.layout.results);
  for (const id of all) {
    for (const terminate of [true, false])
      discard(context.files, `${context.layout.cancel}/${markerFileName({ id, terminate })}`);
  }
}
