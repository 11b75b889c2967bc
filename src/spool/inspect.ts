/** Looking at the spool from outside: where a job is, what lies where, how much there is. Reads only. */
import type { Backlog, Counts, ListedState, Sighting } from '../broker/broker.ts';
import { DEFAULT_PRIORITY, DEFAULT_QUEUE, idTimeMs } from '../job/names.ts';
import { endedAtMs, type JobRecord, type Standing } from '../job/job.ts';
import type { SpoolContext } from './context.ts';
import { listIfReadable } from './if-there.ts';
import {
  parseDelayedFileName,
  parseHeldName,
  parseJobFileName,
  parseResultFileName,
  resultFileName,
} from './layout.ts';
import { readJob } from './read.ts';
import { locate, type Whereabouts } from './whereabouts.ts';

/** A job's name as found in a directory; its content is not read. */
interface Spot {
  readonly id: string;
  readonly state: ListedState;
  readonly path: string;
  /** Null in results/, where the content tells it. */
  readonly standing: Standing | null;
  readonly dueAtMs: number | null;
  readonly owner: string | null;
}

/** How long a job is followed that has moved on each time when its file is to be read, ms. */
const FOLLOW_MS = 2_000;

/** Where the job is now; null when it is proved to be nowhere. */
export async function findJob(context: SpoolContext, id: string): Promise<Sighting | null> {
  const endAt = performance.now() + FOLLOW_MS;
  for (;;) {
    const ended = sight(context, resultSpot(context, id));
    if (ended !== null) return ended;
    const found = (await locate(context, new Set([id]))).get(id);
    if (found === undefined) return null;
    const spot = found.at === 'results' ? resultSpot(context, id) : spotOf(id, found);
    const sighting = sight(context, spot) ?? (performance.now() > endAt ? seenByName(spot) : null);
    if (sighting !== null) return sighting;
  }
}

function spotOf(id: string, found: Exclude<Whereabouts, { at: 'results' }>): Spot {
  const { path, name: standing } = found;
  if (found.at === 'held') return { id, state: 'running', path, standing, dueAtMs: null, owner: found.owner };
  return {
    id,
    state: found.dueAtMs === null ? 'pending' : 'delayed',
    path,
    standing,
    dueAtMs: found.dueAtMs,
    owner: null,
  };
}

/** Which of `ids` are somewhere in the spool; the others are proved to be nowhere. */
export async function existingIds(context: SpoolContext, ids: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  return new Set((await locate(context, ids)).keys());
}

/** At most `limit` jobs that are wanted: those to run first, then those ended last. */
export function listJobs(
  context: SpoolContext,
  states: readonly ListedState[],
  limit: number,
  isWanted: (sighting: Sighting) => boolean = () => true,
): readonly Sighting[] {
  const sightings: Sighting[] = [];
  for (const spot of spots(context, states)) {
    if (sightings.length >= limit) break;
    const sighting = sight(context, spot);
    if (sighting !== null && isWanted(sighting)) sightings.push(sighting);
  }
  return sightings;
}

export function countJobs(context: SpoolContext, backlog: Backlog): Counts {
  const { files, layout } = context;
  const jobs = (names: Iterable<string>): number => count(names, parseJobFileName);
  const held = heldDirectories(context);
  return {
    pending: Object.values(backlog.queues).reduce((sum, ready) => sum + ready, 0),
    delayed: count(files.walk(layout.delayed), parseDelayedFileName),
    running: held.reduce((sum, { path }) => sum + jobs(listIfReadable(context.files, path)), 0),
    results: count(files.walk(layout.results), parseResultFileName),
    corrupt: files.list(layout.corrupt).length,
  };
}

/** How many of `names` are such; none of them is kept. */
function count(names: Iterable<string>, parse: (name: string) => unknown): number {
  let found = 0;
  for (const name of names) if (parse(name) !== null) found++;
  return found;
}

/** Longest list of foreign names: enough to see what is going on. */
const MAX_FOREIGN = 100;

/** What the names in pending/ tell. */
export function backlogOf({ files, layout }: SpoolContext): Backlog {
  const foreign: string[] = [];
  const queues: Record<string, number> = {};
  let oldest: string | null = null;
  for (const fileName of files.walk(layout.pending)) {
    const name = parseJobFileName(fileName);
    if (name === null) {
      if (foreign.length < MAX_FOREIGN) foreign.push(fileName);
      continue;
    }
    queues[name.queue] = (queues[name.queue] ?? 0) + 1;
    if (name.id[14] === '7' && (oldest === null || name.id < oldest)) oldest = name.id; // Only version 7 tells the time.
  }
  return { oldestAtMs: oldest === null ? null : idTimeMs(oldest), queues, foreign };
}

function* spots(context: SpoolContext, states: readonly ListedState[]): Generator<Spot> {
  const { layout } = context;
  const ended = { dueAtMs: null, owner: null };
  if (states.includes('running')) {
    for (const { path, owner } of heldDirectories(context)) {
      for (const fileName of listIfReadable(context.files, path)) {
        const name = parseJobFileName(fileName);
        if (name !== null)
          yield { id: name.id, state: 'running', path: `${path}/${fileName}`, standing: name, dueAtMs: null, owner };
      }
    }
  }
  if (states.includes('pending')) {
    for (const fileName of context.files.list(layout.pending).sort()) {
      const name = parseJobFileName(fileName);
      if (name !== null)
        yield { id: name.id, state: 'pending', path: `${layout.pending}/${fileName}`, standing: name, ...ended };
    }
  }
  if (states.includes('delayed')) {
    for (const fileName of context.files.list(layout.delayed).sort()) {
      const parsed = parseDelayedFileName(fileName);
      if (parsed === null) continue;
      const { name, dueAtMs } = parsed;
      yield {
        id: name.id,
        state: 'delayed',
        path: `${layout.delayed}/${fileName}`,
        standing: name,
        dueAtMs,
        owner: null,
      };
    }
  }
  if (states.includes('results')) {
    for (const fileName of context.files.list(layout.results).sort().reverse()) {
      const id = parseResultFileName(fileName);
      if (id !== null) yield resultSpot(context, id);
    }
  }
}

function resultSpot({ layout }: SpoolContext, id: string): Spot {
  return {
    id,
    state: 'results',
    path: `${layout.results}/${resultFileName(id)}`,
    standing: null,
    dueAtMs: null,
    owner: null,
  };
}

/** The job at a spot; null when it has moved on. What lies in results/ without an outcome counts as failed. */
function sight(context: SpoolContext, spot: Spot): Sighting | null {
  const { id, state, path, dueAtMs, owner } = spot;
  const reading = readJob(context, path, id);
  if (reading.kind === 'gone') return null;
  const record = reading.kind === 'job' ? reading.document.record : null;
  const standing = spot.standing ?? endedStanding(record);
  const times = {
    dueAtMs,
    startedAtMs: state === 'running' ? changedAtMs(context, path) : null,
    endedAtMs: record === null ? null : endedAtMs(record),
  };
  const common = { id, standing, owner, location: path, record, ...times };
  if (state !== 'results') return { ...common, state };
  return { ...common, state: record?.outcome?.state ?? 'failed' };
}

/** What its name told when it was there: it moves faster than its file can be read. */
function seenByName({ id, state, path, standing, dueAtMs, owner }: Spot): Sighting | null {
  if (state === 'results' || standing === null) return null; // It has expired just now.
  return { id, state, standing, dueAtMs, owner, startedAtMs: null, endedAtMs: null, location: path, record: null };
}

/** Of what a worker holds: the claim is a rename. Null when it has moved on. */
function changedAtMs({ files }: SpoolContext, path: string): number | null {
  const entry = files.entry(path);
  return entry === null ? null : Math.round(entry.changedAtMs);
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

function heldDirectories(context: SpoolContext): readonly { readonly path: string; readonly owner: string }[] {
  const { files, layout } = context;
  return files.list(layout.running).flatMap((directory) => {
    const held = parseHeldName(directory);
    return held === null ? [] : [{ path: `${layout.running}/${directory}`, owner: held.owner }];
  });
}
