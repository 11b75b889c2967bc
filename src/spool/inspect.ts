/** Looking at the spool from outside: where a job is, and what lies where. Reads only. */
import type { ListedState, NamedJob, Sighting, Unended, Whereabouts } from '../broker/broker.ts';
import { hasOutcomeOf, unended } from '../job/ended/again.ts';
import { idsAfter } from '../job/edges.ts';
import { endedAtMs, type JobRecord, type Standing } from '../job/job.ts';
import { DEFAULT_PRIORITY, DEFAULT_QUEUE } from '../job/names.ts';
import { readCheckpoint } from './beside/checkpoint-file.ts';
import { NOT_LISTED, valueOr } from './disk/if-there.ts';
import { Turns } from './disk/rounds.ts';
import { sortedNames } from './sorted-names.ts';
import { readReport } from './beside/progress-file.ts';
import { parseProgress, parseWaits } from '../job/values/progress.ts';
import type { SpoolContext } from './disk/context.ts';
import { AFTER_ANOTHER_MS, besidePath, parseResultFileName } from './layout.ts';
import {
  delayedSpot,
  endedSpot,
  heldSpots,
  locate,
  movingSpots,
  pendingSpot,
  type Spot,
  spotStill,
  unfinishedSpots,
} from './locate.ts';
import { readJob } from './job-file/read.ts';
import { isMarked } from './notes/notes.ts';

/** How long a job is followed that has moved on each time when its file is to be read, ms. */
const FOLLOW_MS = 2_000;

/** Where the job is now; null when it is proved to be nowhere. @param was where it was: it is looked for there before all names are */
export async function findJob(
  context: SpoolContext,
  id: string,
  was: Whereabouts | null = null,
): Promise<Sighting | null> {
  let still = was === null ? null : spotStill(context, was);
  const endAt = performance.now() + FOLLOW_MS;
  for (;;) {
    const ended = sight(context, endedSpot(context.layout, id));
    if (ended !== null) return withCheckpoint(context, withProgress(context, ended));
    const spot = still ?? (await locate(context, new Set([id]))).get(id);
    still = null;
    if (spot === undefined) return null;
    const sighting = sight(context, spot);
    if (sighting !== null) {
      const known = withRevocation(context, spot.at === 'moving' ? { ...sighting, isOnItsWay: true } : sighting);
      return withCheckpoint(context, withProgress(context, withWaiting(context, known)));
    }
    // It moves faster than its file can be read: its name has told enough. One that had ended has been forgotten just now.
    if (spot.at !== 'results' && performance.now() > endAt) return sightingOf(spot, null, null);
  }
}

/** See `Broker.list`. Sorts and reads no more than it must, and lets others have their turn meanwhile. */
export async function listJobs(
  context: SpoolContext,
  states: readonly ListedState[],
  limit: number,
  isWanted: (sighting: Sighting) => boolean = () => true,
  mayBeWanted: (job: NamedJob) => boolean | 'no more' = () => true,
): Promise<readonly Sighting[]> {
  const sightings: Sighting[] = [];
  const turns = new Turns();
  for (const state of states.length === 0 || limit <= 0 ? [] : PLACES)
    for await (const spot of states.includes(state) ? spotsIn(context, state) : []) {
      if (turns.isOver) await turns.next();
      const mayBe = spot !== null && (spot.at === 'results' || mayBeWanted(namedJob(spot)));
      if (mayBe === 'no more') break;
      if (!mayBe) continue;
      const sighting = sight(context, spot);
      if (sighting === null || !isWanted(sighting)) continue;
      if (sightings.push(sighting) >= limit) return withWhatLiesBeside(context, sightings);
    }
  return withWhatLiesBeside(context, sightings);
}

function withWhatLiesBeside(context: SpoolContext, sightings: readonly Sighting[]): readonly Sighting[] {
  const hasProgress = context.files.exists(context.layout.progress);
  return sightings.map((sighting) => {
    const waiting = withWaiting(context, sighting);
    return hasProgress ? withProgress(context, waiting) : waiting;
  });
}

function namedJob(spot: Exclude<Spot, { at: 'results' }>): NamedJob {
  return { id: spot.id, queue: spot.name.queue, dueAtMs: dueAtOf(spot) };
}

/** Every job that has not ended, by the names alone. */
export async function unendedJobs(context: SpoolContext): Promise<readonly Unended[]> {
  const found = new Map<string, Unended>();
  // One that is found twice has moved meanwhile: the second place is the later one.
  for await (const spot of unfinishedSpots(context)) {
    const { id, queue, priority, attempt } = spot.name;
    const dueAtMs = dueAtOf(spot);
    const owner = spot.at === 'held' ? spot.owner : null;
    const state = spot.at === 'held' ? 'running' : waitingState(spot);
    found.set(id, { id, queue, priority, attempt, state, dueAtMs, owner });
  }
  return [...found.values()];
}

/** In this order jobs are listed. */
const PLACES: readonly ListedState[] = ['running', 'pending', 'delayed', 'results'];

/** Null for a name that is no job's. */
async function* spotsIn(context: SpoolContext, state: ListedState): AsyncGenerator<Spot | null, void, undefined> {
  const { files, layout } = context;
  switch (state) {
    case 'running':
      yield* heldSpots(context);
      return;
    case 'pending':
      for await (const name of sortedNames(files, layout.pending, 'ascending')) yield pendingSpot(layout, name);
      return;
    case 'delayed':
      yield* movingSpots(context);
      for await (const name of sortedNames(files, layout.delayed, 'ascending')) yield delayedSpot(layout, name);
      return;
    case 'results':
      for await (const name of sortedNames(files, layout.results, 'descending')) {
        const id = parseResultFileName(name);
        yield id === null ? null : endedSpot(layout, id);
      }
  }
}

/** The job at a spot; null when it has moved on. */
export function sight(context: SpoolContext, spot: Spot): Sighting | null {
  const reading = readJob(context, spot.path, spot.id);
  if (reading.kind === 'gone') return null;
  // A claim is a rename, which the file's ctime tells. Null when the job has moved on.
  const changedAtMs =
    spot.at === 'held' && isBegun(spot) ? (context.files.entry(spot.path)?.changedAtMs ?? null) : null;
  const record = reading.kind === 'job' ? recordAt(spot, reading.document.record) : null;
  const known = sightingOf(spot, record, changedAtMs === null ? null : Math.round(changedAtMs));
  const readySinceMs = reading.kind === 'job' ? cameBackMs(context, spot, reading.document.record) : null;
  const sighting = readySinceMs === null ? known : { ...known, readySinceMs };
  return reading.kind === 'job' && reading.document.torn ? { ...sighting, isTorn: true } : sighting;
}

/** When a job came to pending/ that lay elsewhere before: by a rename too, which the file's ctime tells. Null of any other. */
function cameBackMs({ files }: SpoolContext, spot: Spot, record: JobRecord): number | null {
  const { attempts, outcome, parked, kept } = record;
  const hasLainElsewhere = attempts.length > 0 || outcome !== null || parked !== null || kept.again !== undefined;
  const file = hasLainElsewhere && stateOf(spot, record) === 'pending' ? files.entry(spot.path) : null;
  return file === null ? null : Math.round(file.changedAtMs);
}

/** False of one that a process holds to give it new arguments. */
function isBegun({ name }: Extract<Spot, { at: 'held' }>): boolean {
  return name.attempt > 0;
}

/** Of a job that was sent back after its end that outcome is history. */
function recordAt(spot: Spot, record: JobRecord): JobRecord {
  if (spot.at === 'results') return record;
  const attempt = spot.at === 'held' ? spot.name.attempt : spot.name.attempt + 1;
  return hasOutcomeOf(record, attempt) ? record : unended(record);
}

function sightingOf(spot: Spot, record: JobRecord | null, startedAtMs: number | null): Sighting {
  return {
    // As the file says it: a part of a path keeps all of the path in memory, and a look at all jobs keeps their ids.
    id: record?.job.id ?? spot.id,
    state: stateOf(spot, record),
    standing: spot.at === 'results' ? endedStanding(record) : spot.name,
    dueAtMs: dueAtOf(spot),
    owner: spot.at === 'held' && isBegun(spot) ? spot.owner : null,
    startedAtMs,
    endedAtMs: record === null ? null : endedAtMs(record),
    progress: null,
    location: spot.path,
    record,
  };
}

/** Null of a job that does not wait, or waits for another. */
function dueAtOf(spot: Spot): number | null {
  if (spot.at === 'results' || spot.at === 'held') return null;
  return spot.dueAtMs === AFTER_ANOTHER_MS ? null : spot.dueAtMs;
}

function withRevocation(context: SpoolContext, sighting: Sighting): Sighting {
  return sighting.endedAtMs === null && isMarked(context, sighting.id) ? { ...sighting, isRevoked: true } : sighting;
}

/** A job that waits for others lies under no time of its own. */
function withWaiting({ files, layout }: SpoolContext, sighting: Sighting): Sighting {
  const { state, dueAtMs, record } = sighting;
  const ids = state === 'delayed' && dueAtMs === null && record !== null ? idsAfter(record.job.options) : [];
  if (ids.length === 0) return sighting;
  const ended = ids.filter((id) => files.exists(endedSpot(layout, id).path)).length;
  return { ...sighting, waitsFor: { jobs: ids.length, ended } };
}

/** Read after the job's file: with an outcome goes the last report. */
export function withProgress(context: SpoolContext, sighting: Sighting): Sighting {
  const report = readReport(context, sighting.id);
  const awaits = sighting.state === 'running' ? parseWaits(report, sighting.standing.attempt) : [];
  return { ...sighting, progress: parseProgress(report), ...(awaits.length > 0 ? { awaits } : {}) };
}

function withCheckpoint(context: SpoolContext, sighting: Sighting): Sighting {
  const { files, layout } = context;
  const file = files.entry(besidePath(layout, 'checkpoints', sighting.id));
  if (file === null) return sighting;
  const { sizeBytes } = file;
  const reading = valueOr(
    { kind: 'corrupt', reason: 'it may not be read' } as const,
    () => readCheckpoint(context, sighting.id),
    ...NOT_LISTED,
  );
  if (reading.kind === 'gone') return sighting;
  const about =
    reading.kind === 'corrupt'
      ? { attempt: null, atMs: null, problem: reading.reason }
      : { attempt: reading.attempt, atMs: reading.atMs, problem: null };
  return { ...sighting, checkpoint: { ...about, sizeBytes } };
}

/** A file in results/ without an outcome counts as failed. */
function stateOf(spot: Spot, record: JobRecord | null): Sighting['state'] {
  switch (spot.at) {
    case 'results':
      return record?.outcome?.state ?? 'failed';
    case 'held':
      return isBegun(spot) ? 'running' : 'delayed';
    case 'moving':
    case 'waiting':
      return waitingState(spot);
  }
}

/** A job on its way to another place is not ready, whenever it is due. */
function waitingState({ at, dueAtMs }: Exclude<Spot, { at: 'results' | 'held' }>): 'pending' | 'delayed' {
  return at === 'waiting' && dueAtMs === null ? 'pending' : 'delayed';
}

/** An ended job's file keeps what its name said before, where that was not the default. */
function endedStanding(record: JobRecord | null): Standing {
  return {
    queue: record?.kept.queue ?? DEFAULT_QUEUE,
    priority: record?.kept.priority ?? DEFAULT_PRIORITY,
    crashes: record?.kept.crashes ?? 0,
    attempt: record?.attempts.at(-1)?.attempt ?? 0,
  };
}
