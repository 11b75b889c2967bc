/**
 * Goes to what lies in a spool, one by one. No name is held, and each file is read once and then let go, so that a spool of a million
 * jobs needs no more memory than a small one.
 */
import { createHash } from 'node:crypto';
import { idsAfter } from '../../job/edges.ts';
import { endedAttempt } from '../../job/ended/again.ts';
import type { Attempt, Outcome } from '../../job/job.ts';
import type { SpoolContext } from '../disk/context.ts';
import { type EntryInfo, hasCode } from '../disk/files.ts';
import { readCheckpoint } from '../beside/checkpoint-file.ts';
import { doubtInProgress } from '../beside/progress-file.ts';
import { writerState } from '../disk/identity.ts';
import { listIfReadable, NOT_LISTED, walkIfReadable } from '../disk/if-there.ts';
import {
  AFTER_ANOTHER_MS,
  BESIDE,
  type BesideFolder,
  DIRECTORIES,
  type JobName,
  MADE_AT_FIRST_USE,
  parseBesideName,
  parseDelayedFileName,
  parseOwnerDirectory,
  parseJobFileName,
  parseResultFileName,
  resultFileName,
} from '../layout.ts';
import { type Reading, readJob } from '../job-file/read.ts';
import { parseMarkerFileName } from '../notes/notes.ts';
import { doubtInFigures } from '../statistics/statistics-file.ts';

/** A name in the spool. */
export interface Entry {
  /** Absolute path. */
  readonly location: string;
  readonly place: Place;
  readonly name: string;
  /** The job that it is named for, as itself, as its marker or as something beside it; null for all else. */
  readonly id: string | null;
  readonly info: EntryInfo;
}

type ReadFile = Exclude<Reading, { kind: 'gone' }>;

export type JobContent =
  | { readonly kind: 'unreadable'; readonly reason: string }
  | {
      readonly kind: 'job';
      /** Its end was cut off in the middle of a write. */
      readonly isTorn: boolean;
      readonly state: Outcome['state'] | null;
      readonly attempts: readonly Attempt[];
      readonly etaMs: number | null;
      readonly expiresAtMs: number | null;
      /** Null where the file leaves it to the task. */
      readonly retries: number | null;
      /** Kept in an outcome; 0 elsewhere. */
      readonly crashes: number;
      /** The attempt that came to its outcome; 0 without one. */
      readonly ended: number;
      /** Of a job that was sent back after its end: the attempts up to this one count no more; else 0. */
      readonly again: number;
      /** A digest of what the producer wrote; null where nothing is to be compared with it. */
      readonly base: string | null;
    };

/** A file that is named like a job or an outcome. */
export interface JobFile<Content = JobContent> extends JobSpot {
  readonly location: string;
  readonly content: Content;
  /** Null of a job that does not wait for others. */
  readonly waits: WaitsFor | null;
}

/** What a job waits for in delayed/: one that has no outcome, or, where all have one, since when. */
export type WaitsFor = { readonly id: string } | { readonly overSinceMs: number };

export interface Seen<Content = JobContent> {
  readonly entry: Entry;
  /** Null for all that is not named like a job, and for one that has gone while it was looked at. */
  readonly job: JobFile<Content> | null;
  /** Of a draft in tmp/, whether its writer lives: see `writerState`. Null for all else. */
  readonly writer: ReturnType<typeof writerState>;
  /** Of a file beside a job, or of figures: why it counts for nothing; null where it counts. */
  readonly doubt: string | null;
}

/** What to keep of a job's file. */
export type Extracting<Content> = (reading: ReadFile, id: string) => Content;
/** Whether to look at what is named for a job, or lies there. */
export type Wanted = (id: string | null, location: string) => boolean;

/** Files read before other work of this process gets its turn. */
const YIELD_EVERY = 256;

/** Null now and then, for others to have their turn. */
export function* visit<Content>(
  context: SpoolContext,
  extract: Extracting<Content>,
  isWanted: Wanted = () => true,
): Generator<Seen<Content> | null, void> {
  let looks = 0;
  yield* places(context, isWanted);
  for (const place of ORDER) {
    for (const { inside, name, location, spot } of walkPlace(context, place)) {
      const id = spot?.id ?? idOf(place, name);
      if (!isWanted(id, location)) continue;
      if (++looks % YIELD_EVERY === 0) yield null;
      const info = context.files.entry(location);
      if (info === null) continue;
      yield {
        entry: { location, place, name, id, info },
        job: jobAt(context, location, spot, extract),
        writer: place === 'tmp' && inside === null ? writerState(context.files, name) : null,
        doubt: doubtIn(context, place, name, id),
      };
    }
  }
}

/** The job that something in `place` is named for without being its file. */
function idOf(place: Place, name: string): string | null {
  if (place === 'cancel') return parseMarkerFileName(name)?.id ?? null;
  return isBeside(place) ? parseBesideName(place, name) : null;
}

/** Why what lies there counts for nothing; null where it counts, where nothing is read, or where the disk refuses. */
function doubtIn(context: SpoolContext, place: Place, name: string, id: string | null): string | null {
  try {
    if (place === 'statistics') return doubtInFigures(context, name);
    if (place === 'progress' && id !== null) return doubtInProgress(context, id);
    const reading = place === 'checkpoints' && id !== null ? readCheckpoint(context, id) : null;
    return reading?.kind === 'corrupt' ? reading.reason : null;
  } catch {
    return null;
  }
}

/** Whether files beside a job lie there. */
export function isBeside(place: Place): place is BesideFolder {
  return BESIDE.some((folder) => folder === place);
}

/** The spool's own directories. */
function* places({ files, layout }: SpoolContext, isWanted: Wanted): Generator<Seen<never>, void> {
  for (const place of DIRECTORIES) {
    const location = layout[place];
    const info = isWanted(null, location) ? files.entry(location) : null;
    if (info !== null)
      yield { entry: { location, place, name: place, id: null, info }, job: null, writer: null, doubt: null };
  }
}

function jobAt<Content>(
  context: SpoolContext,
  location: string,
  spot: JobSpot | null,
  extract: Extracting<Content>,
): JobFile<Content> | null {
  if (spot === null) return null;
  const reading = readJob(context, location, spot.id);
  if (reading.kind === 'gone') return null;
  const isFollower = reading.kind === 'job' && spot.dueAtMs === AFTER_ANOTHER_MS;
  const waits = isFollower ? waitsFor(context, idsAfter(reading.document.record.job.options)) : null;
  return { ...spot, location, content: extract(reading, spot.id), waits };
}

function waitsFor({ files, layout }: SpoolContext, after: readonly string[]): WaitsFor | null {
  let overSinceMs = Number.NEGATIVE_INFINITY;
  for (const id of after.toReversed()) {
    const info = files.entry(`${layout.results}/${resultFileName(id)}`);
    if (info === null) return { id };
    overSinceMs = Math.max(overSinceMs, info.changedAtMs);
  }
  return after.length === 0 ? null : { overSinceMs };
}

/** @param isCompared there is another file of this job, so that what the producer wrote matters */
export function contentOf(reading: ReadFile, isCompared: boolean): JobContent {
  if (reading.kind === 'corrupt') return { kind: 'unreadable', reason: reading.reason };
  const { record, torn } = reading.document;
  return {
    kind: 'job',
    isTorn: torn,
    state: record.outcome?.state ?? null,
    attempts: record.attempts,
    etaMs: record.job.options.etaMs ?? null,
    expiresAtMs: record.job.options.expiresAtMs ?? null,
    retries: record.job.options.retries ?? null,
    crashes: record.kept.crashes ?? 0,
    ended: record.outcome === null ? 0 : endedAttempt(record),
    again: record.kept.again ?? 0,
    base: isCompared ? createHash('sha256').update(JSON.stringify(record.job)).digest('base64') : null,
  };
}

export type Place = (typeof DIRECTORIES)[number];

export type JobPlace = 'pending' | 'delayed' | 'moving' | 'running' | 'results';

interface JobSpot {
  readonly id: string;
  readonly place: JobPlace;
  /** Null in results/. */
  readonly name: JobName | null;
  readonly dueAtMs: number | null;
  /** The owner that answers for it, or its recoverer; null unless it lies in running/. */
  readonly holder: string | null;
}

interface SpoolName {
  /** The directory in its place in which it lies; null for the place itself. */
  readonly inside: string | null;
  readonly name: string;
  /** Absolute path. */
  readonly location: string;
  /** Null for what is not named like a job there. */
  readonly spot: JobSpot | null;
}

/** A directory of the spool that is not there, or cannot be listed, and why. */
export interface Unlisted {
  readonly place: Place;
  readonly location: string;
  readonly reason: string;
}

/** In the order in which jobs move forward: one that moves during the walk is seen at least once. */
const ORDER: readonly Place[] = [...new Set<Place>(['tmp', 'moving', 'delayed', ...DIRECTORIES])];

/**
 * running/ holds owners' directories, keys/ those of keys, spare/ batches, limits/ those of queues and tasks, schedules/ those
 * of schedules; a batch on its way lies in tmp/.
 */
const WITH_DIRECTORIES: ReadonlySet<Place> = new Set([
  'running',
  'keys',
  'journal',
  'spare',
  'limits',
  'schedules',
  'tmp',
]);

/** All names in `place`, and behind a directory's name what lies in it. */
export function* walkPlace({ files, layout }: SpoolContext, place: Place): Generator<SpoolName, void> {
  for (const name of walkIfReadable(files, layout[place])) {
    const location = `${layout[place]}/${name}`;
    yield { inside: null, name, location, spot: jobSpot(place, null, name) };
    if (!WITH_DIRECTORIES.has(place)) continue;
    for (const below of listIfReadable(files, location))
      yield { inside: name, name: below, location: `${location}/${below}`, spot: jobSpot(place, name, below) };
  }
}

export function unlistedIn({ files, layout }: SpoolContext): readonly Unlisted[] {
  return ORDER.flatMap((place) => {
    const location = layout[place];
    try {
      const names = files.walk(location)[Symbol.iterator]();
      names.next();
      names.return?.();
      return [];
    } catch (error) {
      if (!hasCode(error, ...NOT_LISTED)) throw error;
      // A spool that an older fsq made gets these when they are needed first.
      const isMadeLater = place === 'keys' || place === 'journal' || MADE_AT_FIRST_USE.has(place);
      return isMadeLater && hasCode(error, 'ENOENT') ? [] : [{ place, location, reason: reasonOf(error) }];
    }
  });
}

function reasonOf(error: unknown): string {
  if (hasCode(error, 'ENOENT')) return 'missing';
  if (hasCode(error, 'ENOTDIR', 'ELOOP')) return 'not a directory';
  return 'not readable by this user';
}

/** @param inside the directory in `place` in which the name lies; null for `place` itself */
function jobSpot(place: Place, inside: string | null, fileName: string): JobSpot | null {
  if (place === 'results') {
    const id = parseResultFileName(fileName);
    return id === null ? null : { id, place, name: null, dueAtMs: null, holder: null };
  }
  if (place === 'delayed' || place === 'moving') {
    const delayed = parseDelayedFileName(fileName);
    return delayed === null ? null : { id: delayed.name.id, place, ...delayed, holder: null };
  }
  if (place !== 'pending' && place !== 'running') return null;
  const held = inside === null ? null : parseOwnerDirectory(inside);
  const name = (held === null) === (place === 'pending') ? parseJobFileName(fileName) : null;
  return name === null
    ? null
    : { id: name.id, place, name, dueAtMs: null, holder: held === null ? null : (held.recoverer ?? held.owner) };
}
