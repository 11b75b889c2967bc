/**
 * The markers in cancel/: each says that a job is revoked. Who revokes makes one before anything else, so that his death on
 * the way is finished by a worker; it goes when the job has an outcome that is on disk.
 *
 * Looking for one costs a system call: only ways that are rarely gone do it, never a claim or a run that went well.
 */
import { type SpoolContext, syncDirectories } from './context.ts';
import { createNew, discard } from './if-there.ts';
import { type MarkerName, markerFileName, parseMarkerFileName } from './note-names.ts';

/**
 * Makes a marker for each of `ids`; when it resolves they are durable. One that is there stays, also the stronger one.
 *
 * @throws the system error: some may have been made
 */
export async function mark(context: SpoolContext, ids: Iterable<string>, terminate: boolean): Promise<void> {
  for (const id of ids) makeMarker(context, { id, terminate });
  await syncDirectories(context, context.layout.cancel);
}

/** The name is what counts, so nothing is lost if we die before it has content. */
function makeMarker({ files, layout, nowMs }: SpoolContext, name: MarkerName): void {
  const text = `${JSON.stringify({ v: 1, ...name, atMs: nowMs(), pid: process.pid })}\n`;
  createNew(files, `${layout.cancel}/${markerFileName(name)}`, Buffer.from(text));
}

export function isMarked({ files, layout }: SpoolContext, id: string): boolean {
  return [true, false].some((terminate) => files.exists(`${layout.cancel}/${markerFileName({ id, terminate })}`));
}

/** Ids that are marked, and whether their process is to be killed. */
export function readMarkers({ files, layout }: SpoolContext): ReadonlyMap<string, boolean> {
  const found = new Map<string, boolean>();
  for (const name of files.list(layout.cancel)) {
    const marker = parseMarkerFileName(name);
    if (marker !== null) found.set(marker.id, marker.terminate || found.get(marker.id) === true);
  }
  return found;
}

/** Removes the markers of jobs that need none any more. Their outcomes reach the disk first, or a power cut could bring the job back and not the marker. */
export async function unmark(context: SpoolContext, ids: Iterable<string>): Promise<void> {
  const all = [...ids];
  if (all.length === 0) return;
  await syncDirectories(context, context.layout.results);
  for (const id of all) {
    for (const terminate of [true, false])
      discard(context.files, `${context.layout.cancel}/${markerFileName({ id, terminate })}`);
  }
}
