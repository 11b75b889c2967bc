/** Goes to what lies in a spool, one by one: each is looked at and read once, and then let go. */
import { createHash } from 'node:crypto';
import type { Attempt, Outcome } from '../../job/job.ts';
import type { SpoolContext } from '../disk/context.ts';
import type { EntryInfo } from '../disk/files.ts';
import { writerState } from '../disk/identity.ts';
import { DIRECTORIES } from '../layout.ts';
import { type Reading, readJob } from '../job-file/read.ts';
import { parseMarkerFileName } from '../notes/notes.ts';
import { type JobSpot, type Place, walkSpool } from './walk.ts';

/** A name in the spool. */
export interface Entry {
  /** Absolute path. */
  readonly location: string;
  readonly place: Place;
  readonly name: string;
  /** The job that it is named for, as itself or as its marker; null for all else. */
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
      /** A digest of what the producer wrote; null where nothing is to be compared with it. */
      readonly base: string | null;
    };

/** A file that is named like a job or an outcome. */
export interface JobFile<Content = JobContent> extends JobSpot {
  readonly location: string;
  readonly content: Content;
}

export interface Seen<Content = JobContent> {
  readonly entry: Entry;
  /** Null for all that is not named like a job, and for one that has gone while it was looked at. */
  readonly job: JobFile<Content> | null;
  /** Of a draft in tmp/, whether its writer lives: see `writerState`. Null for all else. */
  readonly writer: ReturnType<typeof writerState>;
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
  for (const { place, inside, name, location, spot } of walkSpool(context)) {
    const id = spot?.id ?? (place === 'cancel' ? (parseMarkerFileName(name)?.id ?? null) : null);
    if (!isWanted(id, location)) continue;
    if (++looks % YIELD_EVERY === 0) yield null;
    const info = context.files.entry(location);
    if (info === null) continue;
    yield {
      entry: { location, place, name, id, info },
      job: jobAt(context, location, spot, extract),
      writer: place === 'tmp' && inside === null ? writerState(context.files, name) : null,
    };
  }
}

/** The spool's own directories. */
function* places({ files, layout }: SpoolContext, isWanted: Wanted): Generator<Seen<never>, void> {
  for (const place of DIRECTORIES) {
    const location = layout[place];
    const info = isWanted(null, location) ? files.entry(location) : null;
    if (info !== null) yield { entry: { location, place, name: place, id: null, info }, job: null, writer: null };
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
  return reading.kind === 'gone' ? null : { ...spot, location, content: extract(reading, spot.id) };
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
    base: isCompared ? createHash('sha256').update(JSON.stringify(record.job)).digest('base64') : null,
  };
}
