/**
 * Makes one job what the journal says, or leaves it as it is where it has come farther.
 *
 * A power cut may leave a job under any of the names that it had since the last sync, with any of the bytes, or nowhere, or under two
 * names. Of what is there, one place counts: that which is farthest in the job's life, and not behind the record. If its file holds all
 * that the record holds, it is left as it is; else the record's bytes are written there, or where the record says. All other
 * names go, last: if the replayer dies before that, the next one does the same.
 */
import type { JobRecord } from '../../job/job.ts';
import type { SpoolContext } from '../disk/context.ts';
import { writeNew } from '../disk/draft.ts';
import { discard, valueOr } from '../disk/if-there.ts';
import { readBytes, readJob } from '../job-file/read.ts';
import { clearWay, tellsSetAside } from '../job-file/set-aside.ts';
import type { JobName } from '../layout.ts';
import type { Spot } from '../locate.ts';
import type { Entry } from './segment.ts';

/** The record that counts of two about one job: that which is farther in its life. */
export function farther(first: Entry, second: Entry): Entry {
  const difference = compare(stepOf(first), stepOf(second));
  if (difference !== 0) return difference > 0 ? first : second;
  // The same step twice: a job that was parked holds more. Of two ends, as recovery may record them, the later counts.
  if (first.name !== null) return first.bytes.length > second.bytes.length ? first : second;
  return attemptsIn(first) > attemptsIn(second) ? first : second;
}

/**
 * @param spots all places where the job has a name
 * @param mayWrite called before anything is written; it throws when this process must not
 * @returns whether something was written
 */
export async function restore(
  context: SpoolContext,
  spots: readonly Spot[],
  entry: Entry,
  mayWrite: () => void,
): Promise<boolean> {
  const { best, isThere } = farthest(context, spots, entry);
  const target = best?.path ?? `${context.layout[entry.place]}/${entry.fileName}`;
  const others = spots.filter(({ path }) => path !== target);
  if (isThere && others.length === 0) return false;
  mayWrite();
  if (!isThere) {
    if (context.files.entry(target)?.kind === 'directory') clearWay(context, target, 'directory');
    await writeNew(context, entry.bytes, target, { isDurable: false });
  }
  for (const { path } of others) discard(context.files, path);
  return !isThere;
}

/** The place that counts, if there is one, and whether its file holds all; each file is read once. */
function farthest(
  context: SpoolContext,
  spots: readonly Spot[],
  entry: Entry,
): { readonly best: Spot | null; readonly isThere: boolean } {
  for (const spot of spots.toSorted((a, b) => compare(stepOf(b), stepOf(a)))) {
    if (isBehind(spot, entry)) break;
    const isThere = holdsAll(context, spot, entry);
    // A broken outcome was never seen: what the record says, if that is no outcome, comes before it.
    if (isThere || spot.at !== 'results' || entry.place === 'results') return { best: spot, isThere };
  }
  return { best: null, isThere: false };
}

/** True when nothing would have to be written, or only a rename is missing that is under way. */
export function isWhole(context: SpoolContext, spot: Spot, entry: Entry): boolean {
  if (!isBehind(spot, entry)) return holdsAll(context, spot, entry);
  return valueOr(false, () => holdsJust(context, spot.path, entry.bytes), 'EIO');
}

function isBehind(spot: Spot, entry: Entry): boolean {
  return compare(stepOf(spot), stepOf(entry)) < 0;
}

type Step = readonly [number, number];

/** How far a job of that name has come: it waits, its attempt runs, it waits again, it has ended. */
function stepOf(where: Spot | Entry): Step {
  const name: JobName | null = 'name' in where ? where.name : null;
  if (name === null) return [Number.POSITIVE_INFINITY, 0];
  return [2 * name.attempt - ('at' in where && where.at === 'held' ? 1 : 0), name.crashes];
}

function compare(a: Step, b: Step): number {
  return a[0] === b[0] ? a[1] - b[1] : a[0] - b[0];
}

/** True when the file holds what the record holds, and what stands there besides came later. One in a broken place of the disk does not. */
function holdsAll(context: SpoolContext, spot: Spot, entry: Entry): boolean {
  const look = (): boolean => {
    if ((spot.at === 'results') === (entry.place === 'results') && holdsJust(context, spot.path, entry.bytes))
      return true;
    const reading = readJob(context, spot.path, spot.id);
    if (reading.kind !== 'job') return false;
    const { record } = reading.document;
    if (spot.at === 'results' && record.outcome === null) return false;
    if (spot.at === 'results' && tellsSetAside(record)) return true; // Somebody may have read that outcome.
    const recorded = readBytes(entry.bytes, entry.id);
    if (recorded.kind !== 'job') return true; // It cannot be told: what lies there is a job.
    const base = entry.bytes.subarray(0, recorded.baseBytes);
    return (
      bytesAt(context, spot.path, base.length).equals(base) &&
      isOfThisLife(record) &&
      record.attempts.length >= recorded.document.record.attempts.length
    );
  };
  return valueOr(false, look, 'EIO');
}

/** As nearly all do: then there is nothing to be read as a job. */
function holdsJust({ files, trustedUids }: SpoolContext, path: string, bytes: Buffer): boolean {
  const holds = (): boolean => {
    const fd = files.open(path, 'read');
    try {
      const { kind, links, uid, sizeBytes } = files.info(fd);
      const isOurs = kind === 'file' && links === 1 && trustedUids?.has(uid) !== false;
      return isOurs && sizeBytes === bytes.length && files.read(fd, sizeBytes).equals(bytes);
    } finally {
      files.close(fd);
    }
  };
  return valueOr(false, holds, 'ENOENT', 'ELOOP', 'ENXIO', 'EACCES', 'EPERM');
}

function bytesAt({ files }: SpoolContext, path: string, sizeBytes: number): Buffer {
  const fd = files.open(path, 'read');
  try {
    return files.read(fd, sizeBytes);
  } finally {
    files.close(fd);
  }
}

/** A tail that is older than the job is what an earlier job has left in the file. */
function isOfThisLife({ job, attempts, kept }: JobRecord): boolean {
  const ends = [...attempts.map(({ endedAtMs }) => endedAtMs), kept.endedAtMs ?? job.enqueuedAtMs];
  return ends.every((endedAtMs) => endedAtMs >= job.enqueuedAtMs);
}

function attemptsIn({ bytes, id }: Entry): number {
  const reading = readBytes(bytes, id);
  return reading.kind === 'job' ? (reading.document.record.attempts.at(-1)?.attempt ?? 0) : 0;
}
