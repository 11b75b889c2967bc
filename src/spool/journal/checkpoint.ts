/**
 * The end of records: what they stand for reaches the disk by a sync of the whole file system, then their segments are free.
 *
 * Only what was there before the sync began is freed. Of a process that died while the machine ran on, whoever makes the next
 * checkpoint, or the keeper of a worker, frees the segments: nothing of it is lost but the process.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { SpoolContext } from '../disk/context.ts';
import { hasCode } from '../disk/files.ts';
import { fileSystemOf } from '../place/file-system.ts';
import { bootId, UNPROVED_MS, writerState } from '../disk/identity.ts';
import { listIfReadable, unlinkIfThere } from '../disk/if-there.ts';
import { locate } from '../locate.ts';
import { encodeHeader, readPatiently, readSegment, setSegmentAside } from './segment.ts';

/** How long other processes may take to free what they have recorded, ms: each does so within two seconds, unless it stands still. */
const PATIENCE_MS = 10_000;
/** Pauses between two looks at it, ms: rising. */
const LOOK_AGAIN_MS = { first: 20, most: 200 };
/** How often a job's file that moves away is looked for, where each is synced. */
const TRIES = 5;

/**
 * Brings the files of `ids` to the disk, under whatever name: all of the file system at once where that can be had, else one by one.
 *
 * @param ids asked for only where they are needed
 * @returns false when it is not sure
 * @throws the system error of a file's fsync
 */
export async function makeDurable(context: SpoolContext, ids: () => ReadonlySet<string>): Promise<boolean> {
  return (await context.files.syncFileSystem(context.layout.pending)) || syncEach(context, ids());
}

/** The same, file by file. A disk that has refused once is asked for each: a sync of all may not tell of it (ext4 that was shut down). */
export async function syncEach(context: SpoolContext, ids: ReadonlySet<string>): Promise<boolean> {
  const { files, layout, directorySync } = context;
  let left = ids;
  for (let tries = 0; left.size > 0; tries++) {
    if (tries === TRIES) return false;
    const moved = new Set<string>();
    // Those that are nowhere were recorded, and never placed.
    for (const { id, path } of (await locate(context, left)).values()) {
      if (!(await withFile(context, path, 'read', files.sync))) moved.add(id);
    }
    left = moved;
  }
  // Where they were first. Each later step is a rename, which a power cut keeps or loses as a whole.
  await Promise.all([layout.pending, layout.delayed].map((directory) => directorySync.sync(directory)));
  return true;
}

/** False when it is gone. What is no plain file, or another user's, is nothing of ours, and left as it is. */
async function withFile(
  { files }: SpoolContext,
  path: string,
  access: 'read' | 'write',
  act: (fd: number) => Promise<void>,
): Promise<boolean> {
  let fd: number;
  try {
    fd = files.open(path, access);
  } catch (error) {
    if (hasCode(error, 'ELOOP', 'ENXIO', 'EISDIR', 'EACCES', 'EPERM')) return true;
    if (!hasCode(error, 'ENOENT')) throw error;
    return false;
  }
  try {
    // A FIFO can be opened, and not be synced.
    if (files.info(fd).kind === 'file') await act(fd);
    return true;
  } finally {
    files.close(fd);
  }
}

/** The segments in `directory` of processes that are dead, or that count as dead because nothing was written there for an hour. */
export function deadSegments(context: SpoolContext, directory: string): readonly string[] {
  const { files, nowMs } = context;
  const states = new Map<string, ReturnType<typeof writerState>>();
  if (files.entry(directory)?.kind !== 'directory') return []; // A link would lead out of the spool.
  return listIfReadable(files, directory).flatMap((name) => {
    const path = `${directory}/${name}`;
    const writer = name.slice(0, name.indexOf('.') + 1);
    const state = states.get(writer) ?? writerState(files, name);
    states.set(writer, state);
    if (state === 'alive' || state === null) return [];
    if (state === 'dead') return [path];
    const entry = files.entry(path);
    return entry !== null && nowMs() - entry.modifiedAtMs >= UNPROVED_MS ? [path] : [];
  });
}

/**
 * Frees segments of others, after what they record was made durable, and removes them. The header first, on the disk: a power cut
 * may bring the name back.
 */
export async function removeSegments(context: SpoolContext, paths: readonly string[]): Promise<void> {
  const { files } = context;
  for (const path of paths) {
    const segment = await readPatiently(context, path);
    if (segment.kind === 'odd') setSegmentAside(context, path);
    if (segment.kind === 'segment') {
      const header = encodeHeader({ ...segment, generation: segment.generation + 1 });
      await withFile(context, path, 'write', (fd) => {
        files.write(fd, header, 0);
        return files.syncData(fd);
      });
    }
    if (segment.kind === 'segment' || segment.kind === 'empty') unlinkIfThere(files, path);
  }
}

/** The ids that these segments record. */
export function idsIn(context: SpoolContext, paths: readonly string[]): Set<string> {
  const ids = new Set<string>();
  for (const path of paths) {
    const segment = readSegment(context, path);
    if (segment.kind === 'segment') for (const { id } of segment.entries) ids.add(id);
  }
  return ids;
}

/** Paths of what lies in the journal: folders named for a boot of the machine, with segments in them. */
export function segmentsIn({ files, layout }: SpoolContext): readonly string[] {
  return listIfReadable(files, layout.journal).flatMap((boot) => {
    const directory = `${layout.journal}/${boot}`;
    // A link would lead out of the spool.
    if (files.entry(directory)?.kind !== 'directory') return [];
    return listIfReadable(files, directory).map((name) => `${directory}/${name}`);
  });
}

/**
 * The ids of all jobs that a power cut may bring back. Their outcomes must not be removed, or they would run again. What this
 * answer takes for freed is freed on the disk as well.
 */
export async function recordedIds(context: SpoolContext): Promise<ReadonlySet<string>> {
  const { files } = context;
  const paths = segmentsIn(context);
  const ids = idsIn(context, paths);
  for (const path of paths) await withFile(context, path, 'read', files.syncData);
  return ids;
}

/** A round of a worker's keeper: what processes that died in this boot have recorded becomes durable, and their segments go. */
export async function freeDead(context: SpoolContext, directory: string): Promise<void> {
  const dead = deadSegments(context, directory);
  if (dead.length === 0) return;
  if (await makeDurable(context, () => idsIn(context, dead))) await removeSegments(context, dead);
}

/** The kernel's id of this boot; null where there is none, or where processes of another machine may use the same files. */
export function usableBoot({ files, layout }: SpoolContext): string | null {
  try {
    const { kind } = fileSystemOf(files.fileSystem(layout.root).type);
    return kind === 'network' || kind === 'fuse' ? null : bootId(files);
  } catch {
    return null; // No such call on this system.
  }
}

/**
 * Waits until no record tells of any of `ids`: after a power cut a record would bring back an outcome that was sent back to run again, or
 * run a job anew whose outcome was forgotten.
 *
 * @returns those that are recorded all the same
 */
export async function stillRecorded(
  context: SpoolContext,
  ids: ReadonlySet<string>,
  patienceMs: number = PATIENCE_MS,
): Promise<readonly string[]> {
  const endAt = performance.now() + patienceMs;
  for (let pauseMs = LOOK_AGAIN_MS.first; ; pauseMs = Math.min(LOOK_AGAIN_MS.most, 2 * pauseMs)) {
    const recorded = await recordedIds(context);
    const left = [...ids].filter((id) => recorded.has(id));
    if (left.length === 0 || performance.now() > endAt) return left;
    await context.journal?.checkpoint().catch(() => false);
    const boot = usableBoot(context);
    if (boot !== null) await freeDead(context, `${context.layout.journal}/${boot}`);
    await wait(pauseMs);
  }
}
