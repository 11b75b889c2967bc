/**
 * Which broken files a replay may remove: only what a power cut leaves of a file that nobody had synced, for a job that nobody was told is
 * accepted. Every other broken file, such as another program's, is left to the next that meets it, which moves it to corrupt/.
 */
import { idTimeMs } from '../../job/names.ts';
import type { SpoolContext } from '../disk/context.ts';
import { unlinkIfThere, valueOr, walkIfReadable } from '../disk/if-there.ts';
import { MAX_FILE_BYTES, readBytes } from '../job-file/read.ts';
import { heldSpots, locate, type Spot, waitingSpots } from '../locate.ts';

/** The least that a disk writes, bytes: what it has not written begins at a multiple. */
const SECTOR_BYTES = 512;

/** What is known of the jobs of a journal. */
interface Known {
  readonly recorded: { has(id: string): boolean };
  /** False when not all of the journal could be read: then any job may have been accepted. */
  readonly isAll: boolean;
  /** Jobs that are older were fsynced before they were seen. */
  readonly sinceMs: number;
}

/**
 * Removes the broken files of jobs that were never accepted. Of a job that is recorded, and whole by now, a broken file is a second name,
 * whose outcome must not get into the way of the job's own.
 *
 * @returns how many that no record names
 */
export async function dropBroken(context: SpoolContext, { recorded, isAll, sinceMs }: Known): Promise<number> {
  const isSuspect = (id: string): boolean => recorded.has(id) || (isAll && idTimeMs(id) >= sinceMs);
  const gone: Spot[] = [];
  const reused: { readonly spot: Spot; readonly earlier: string }[] = [];
  for (const spot of [...waitingSpots(context, isSuspect, walkIfReadable), ...heldSpots(context, isSuspect)]) {
    const broken = spot === null ? null : brokenBytes(context, spot);
    if (spot === null || broken === null) continue;
    const origin = recorded.has(spot.id) ? 'cut' : originOf(broken, spot.id);
    if (origin === 'cut') gone.push(spot);
    else if (origin !== 'written') reused.push({ spot, ...origin });
  }
  // A file is used again when its job is forgotten. One whose job is here is a copy that somebody made.
  const here = await locate(context, new Set(reused.map(({ earlier }) => earlier)));
  gone.push(...reused.filter(({ earlier }) => !here.has(earlier)).map(({ spot }) => spot));
  return gone.filter(({ id, path }) => unlinkIfThere(context.files, path) && !recorded.has(id)).length;
}

/**
 * The bytes of a file of ours that can be read and holds no job; null of every other. What is no plain file, or may not be read, is left to
 * the next that meets it. All is told by one reading: a second one may succeed where the first was refused.
 */
function brokenBytes(context: SpoolContext, { path, id }: Spot): Buffer | null {
  const entry = context.files.entry(path);
  if (entry?.kind !== 'file' || context.trustedUids?.has(entry.uid) === false) return null;
  const bytes = valueOr(null, () => bytesAt(context, path), 'ENOENT', 'EACCES', 'EPERM', 'EIO');
  if (bytes === null) return null;
  return bytes.length > MAX_FILE_BYTES || readBytes(bytes, id).kind === 'corrupt' ? bytes : null;
}

/** One byte more than a job may have, at most: what is larger does not end where it is cut. */
function bytesAt({ files }: SpoolContext, path: string): Buffer {
  const fd = files.open(path, 'read');
  try {
    return files.read(fd, Math.min(files.info(fd).sizeBytes, MAX_FILE_BYTES + 1));
  } finally {
    files.close(fd);
  }
}

/** How fsq begins a base, of whatever job. It is one line, and the line of its last brace. */
const BEGINNING = /^\{"v":1,"id":"([0-9a-f-]{36})","task":/;

/**
 * Who has made bytes that are no job, in the file of job `id`. `cut`: fsq has, and a power cut: there is nothing; or sectors that were
 * never written; or the beginning of a base. `earlier`: the same, if the file was that of this job before. `written`: somebody meant them.
 */
export function originOf(bytes: Buffer, id: string): 'cut' | 'written' | { readonly earlier: string } {
  if (bytes.length === 0) return 'cut';
  const unwritten = bytes.indexOf(0); // It stands in no JSON. In UTF-16 it stands within the first bytes.
  if (unwritten !== -1) return unwritten % SECTOR_BYTES === 0 ? 'cut' : 'written';
  const text = bytes.toString('utf8');
  const begun = BEGINNING.exec(text)?.[1];
  if (begun !== undefined && begun !== id) return { earlier: begun };
  if (begun === undefined) return `{"v":1,"id":"${id}","task":`.startsWith(text) ? 'cut' : 'written';
  return text.includes('\n') || text.endsWith('}') ? 'written' : 'cut';
}
