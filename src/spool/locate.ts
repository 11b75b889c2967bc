/**
 * Where jobs lie, told by their names alone: their files are not read, and a backlog is not sorted.
 *
 * A look through the directories may miss a job that moves. So that it is nowhere has to be **proved**:
 *
 * 1. A look goes the way of a job's life: results/, where an ended job may be sent back from, running/, moving/, delayed/, pending/,
 *    moving/ and running/ again, results/ again. A job that only goes forward meanwhile is seen. To be missed, a job must come into or leave
 *    moving/ or a directory in running/ between two of these.
 * 2. If neither moving/ nor a directory in running/ has changed during the look, no job has done so: a job that was missed is nowhere.
 * 3. Else the look is repeated, after rising pauses. All looks miss a job only if in each of them, just then, it is claimed and
 *    sent back.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { Whereabouts } from '../broker/broker.ts';
import type { SpoolContext } from './disk/context.ts';
import { hasCode } from './disk/files.ts';
import { listIfReadable, listIfThere, walkIfThere } from './disk/if-there.ts';
import {
  AFTER_ANOTHER_MS,
  delayedFileName,
  jobFileName,
  type JobName,
  type Layout,
  parseDelayedFileName,
  parseOwnerDirectory,
  parseJobFileName,
  parseMoveFileName,
  parseResultFileName,
  resultFileName,
} from './layout.ts';
import { Turns } from './disk/rounds.ts';
import { RACY_MS } from './disk/watch.ts';

/** A job's place, as its name tells it. */
export type Spot = EndedSpot | WaitingSpot | MovingSpot | HeldSpot;

export interface EndedSpot {
  readonly at: 'results';
  readonly id: string;
  readonly path: string;
}

interface WaitingSpot {
  readonly at: 'waiting';
  readonly id: string;
  readonly path: string;
  readonly name: JobName;
  /** Null in pending/. */
  readonly dueAtMs: number | null;
}

/** It leaves for another place, or arrives from there: nobody may take it. */
export interface MovingSpot {
  readonly at: 'moving';
  readonly id: string;
  readonly path: string;
  readonly name: JobName;
  /** Null of a ready job. */
  readonly dueAtMs: number | null;
}

export interface HeldSpot {
  readonly at: 'held';
  readonly id: string;
  readonly path: string;
  readonly name: JobName;
  readonly owner: string;
  /** The recoverer that took it from the owner, if one did: then its life counts. */
  readonly recoverer: string | null;
}

/** Pauses between looks while jobs move, ms: half a second in all. */
const LOOK_AGAIN_MS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/** Where an id begins in a job's name, behind a due time, and in the name of an outcome. */
export const ID_AT = { job: 2, delayed: 16, result: 0 } as const;
export const ID_LENGTH = 36;

/** Where each of `ids` is; those that are missing are proved to be nowhere. */
export async function locate(context: SpoolContext, ids: ReadonlySet<string>): Promise<ReadonlyMap<string, Spot>> {
  const found = new Map<string, Spot>();
  await untilProved(context, async () => {
    const left = new Set([...ids].filter((id) => !found.has(id)));
    for (const [id, spot] of await lookFor(context, left)) found.set(id, spot);
    return found.size === ids.size;
  });
  return found;
}

/** The same by one look: those that are missing may be on their way. */
export async function lookFor(context: SpoolContext, ids: ReadonlySet<string>): Promise<ReadonlyMap<string, Spot>> {
  const { files, layout } = context;
  const found = new Map<string, Spot>();
  const turns = new Turns();
  const lookForEnded = async (): Promise<void> => {
    for (const id of ids) {
      const spot = endedSpot(layout, id);
      if (found.get(id)?.at !== 'results' && files.exists(spot.path)) found.set(id, spot);
      if (turns.isOver) await turns.next();
    }
  };
  await lookForEnded();
  if (found.size === ids.size) return found;
  const isWanted = (id: string): boolean => ids.has(id);
  for await (const spot of unfinishedSpots(context, isWanted)) {
    // A job that has moved meanwhile was seen later where it is now. One that has ended has no place besides, but for a second
    // name of its file.
    if (found.get(spot.id)?.at !== 'results') found.set(spot.id, spot);
    if (found.size === ids.size) return found;
  }
  await lookForEnded();
  return found;
}

/** At most `limit` ids that start with `prefix`, each once; when there are none, it is proved. */
export async function idsByPrefix(context: SpoolContext, prefix: string, limit: number): Promise<readonly string[]> {
  const { files, layout } = context;
  const found = new Set<string>();
  const turns = new Turns();
  await untilProved(context, async () => {
    for (const fileName of files.walk(layout.results)) {
      if (turns.isOver) await turns.next();
      if (!fileName.startsWith(prefix)) continue;
      const id = parseResultFileName(fileName);
      if (id !== null) found.add(id);
      if (found.size >= limit) return true;
    }
    for await (const { id } of unfinishedSpots(context, (wanted) => wanted.startsWith(prefix))) {
      found.add(id);
      if (found.size >= limit) break;
    }
    return found.size > 0;
  });
  return [...found];
}

export function endedSpot(layout: Layout, id: string): EndedSpot {
  return { at: 'results', id, path: `${layout.results}/${resultFileName(id)}` };
}

/** Null unless `fileName`, in delayed/, is that of a job. */
export function delayedSpot(layout: Layout, fileName: string): WaitingSpot | null {
  const parsed = parseDelayedFileName(fileName);
  if (parsed === null) return null;
  const { name, dueAtMs } = parsed;
  return { at: 'waiting', id: name.id, path: `${layout.delayed}/${fileName}`, name, dueAtMs };
}

/** Null unless `fileName`, in moving/, is that of a job. */
export function movingSpot(layout: Layout, fileName: string): MovingSpot | null {
  const parsed = parseDelayedFileName(fileName);
  if (parsed === null) return null;
  const { name, dueAtMs } = parsed;
  return { at: 'moving', id: name.id, path: `${layout.moving}/${fileName}`, name, dueAtMs: dueAtMs || null };
}

/** Null unless `fileName`, in pending/, is that of a job. */
export function pendingSpot(layout: Layout, fileName: string): WaitingSpot | null {
  const name = parseJobFileName(fileName);
  return name === null
    ? null
    : { at: 'waiting', id: name.id, path: `${layout.pending}/${fileName}`, name, dueAtMs: null };
}

/** The job that lies at `path`, a path of a directory of the spool and a name in it; null where none can lie there. */
export function spotAt(layout: Layout, path: string): Spot | null {
  const cut = path.lastIndexOf('/');
  const [folder, fileName] = [path.slice(0, cut), path.slice(cut + 1)];
  if (folder === layout.pending) return pendingSpot(layout, fileName);
  if (folder === layout.delayed) return delayedSpot(layout, fileName);
  if (folder === layout.moving) return movingSpot(layout, fileName);
  if (folder === layout.results) {
    const id = parseResultFileName(fileName);
    return id === null ? null : endedSpot(layout, id);
  }
  const holder = parseOwnerDirectory(folder.slice(layout.running.length + 1));
  const name = parseJobFileName(fileName);
  return holder === null || name === null ? null : { at: 'held', id: name.id, path, name, ...holder };
}

/** The place of a job that has not ended, if it is still there. */
export function spotStill({ files, layout }: SpoolContext, was: Whereabouts): Spot | null {
  const name = jobFileName(was);
  const path = {
    pending: `${layout.pending}/${name}`,
    delayed: `${layout.delayed}/${delayedFileName(was.dueAtMs ?? AFTER_ANOTHER_MS, was)}`,
    running: `${layout.running}/${was.owner}/${name}`,
  }[was.state];
  return files.exists(path) ? spotAt(layout, path) : null;
}

/**
 * The jobs with a wanted id that lie in the directories of owners, at least those that one process holds during the whole look: a
 * directory that is gone when it is looked into was that of an owner that has ended, or has died and was recovered.
 */
export function* heldSpots(context: SpoolContext, isWanted: (id: string) => boolean = () => true): Generator<HeldSpot> {
  const { files, layout } = context;
  for (const directory of files.list(layout.running)) {
    const holder = parseOwnerDirectory(directory);
    if (holder === null) continue;
    const path = `${layout.running}/${directory}`;
    for (const fileName of listIfReadable(files, path)) {
      const name = isWanted(idIn(fileName, ID_AT.job)) ? parseJobFileName(fileName) : null;
      if (name !== null) yield { at: 'held', id: name.id, path: `${path}/${fileName}`, name, ...holder };
    }
  }
}

/** The jobs with a wanted id that are on their way to or from another place. @throws the system error where that cannot be told */
export function* movingSpots(
  { files, layout }: SpoolContext,
  isWanted: (id: string) => boolean = () => true,
): Generator<MovingSpot> {
  // All at once: whoever gets them may move them.
  const names = [...walkIfThere(files, layout.moving)];
  for (const name of names) {
    const spot = isWanted(idIn(name, ID_AT.delayed)) ? movingSpot(layout, name) : null;
    if (spot !== null) yield spot;
  }
}

/** Whether a move has begun and is not finished, whoever works at it. */
export function isUnderMove({ files, layout }: SpoolContext): boolean {
  return listIfThere(files, layout.moving).some((name) => parseMoveFileName(name) !== null);
}

/**
 * The jobs with a wanted id that wait, in the order in which jobs move; null for each other name, which is not parsed.
 *
 * @param walk where a file has the place of a folder there are no jobs; `fsq doctor` reports it
 */
export function* waitingSpots(
  { files, layout }: SpoolContext,
  isWanted: (id: string) => boolean = () => true,
  walk: typeof walkIfThere = walkIfThere,
): Generator<WaitingSpot | null> {
  for (const name of walk(files, layout.delayed))
    yield isWanted(idIn(name, ID_AT.delayed)) ? delayedSpot(layout, name) : null;
  for (const name of walk(files, layout.pending))
    yield isWanted(idIn(name, ID_AT.job)) ? pendingSpot(layout, name) : null;
}

/** The jobs with a wanted id that wait or run. One that moves meanwhile comes twice, or not at all. */
export async function* unfinishedSpots(
  context: SpoolContext,
  isWanted: (id: string) => boolean = () => true,
): AsyncGenerator<WaitingSpot | MovingSpot | HeldSpot> {
  const turns = new Turns();
  yield* heldSpots(context, isWanted);
  yield* movingSpots(context, isWanted);
  for (const spot of waitingSpots(context, isWanted)) {
    if (spot !== null) yield spot;
    if (turns.isOver) await turns.next();
  }
  yield* movingSpots(context, isWanted);
  yield* heldSpots(context, isWanted);
}

function idIn(fileName: string, at: number): string {
  return fileName.slice(at, at + ID_LENGTH);
}

/** Repeats `look` until it has found all it looks for, or the rest is proved to be nowhere. */
async function untilProved(context: SpoolContext, look: () => Promise<boolean>): Promise<void> {
  for (const pauseMs of [...LOOK_AGAIN_MS, null]) {
    const before = stampOfRunning(context);
    if (await look()) return;
    // A change that comes right after another may leave the time of the directory as it was.
    const isOld = before.lookedAtMs - before.changedAtMs >= RACY_MS;
    if (isOld && stampOfRunning(context).text === before.text) return;
    if (pauseMs !== null) await wait(pauseMs);
  }
}

/** Changes whenever a job comes into running/ or moving/, or leaves it. */
function stampOfRunning({ files, layout }: SpoolContext): {
  readonly text: string;
  readonly changedAtMs: number;
  readonly lookedAtMs: number;
} {
  const lookedAtMs = Date.now();
  const moving = files.exists(layout.moving) ? [layout.moving] : [];
  const paths = [layout.running, ...moving, ...files.list(layout.running).map((name) => `${layout.running}/${name}`)];
  let changedAtMs = Number.NEGATIVE_INFINITY;
  let text = '';
  for (const path of paths) {
    try {
      const { modifiedAtMs, inode } = files.directoryStamp(path);
      changedAtMs = Math.max(changedAtMs, modifiedAtMs);
      text += `${path} ${modifiedAtMs} ${inode}\n`;
    } catch (error) {
      if (!hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP')) throw error;
      changedAtMs = lookedAtMs; // It was there a moment ago.
    }
  }
  return { text, changedAtMs, lookedAtMs };
}
