/**
 * Where jobs lie, told by their names alone: what they hold is not read, and a backlog is not sorted.
 *
 * A job that moves may be missed by a look through the directories. So that it is nowhere has to be **proved**:
 *
 * 1. A look goes the way of a job's life: running/, delayed/, pending/, running/ again, results/. Whatever only goes forward
 *    meanwhile is seen. To be missed, a job must leave a directory in running/ for a place that was looked at before.
 * 2. If no directory in running/ has changed during the look, no job has done so: what was missed is nowhere.
 * 3. Else what was missed is looked for again, after rising pauses. A job is missed by all looks only if it is claimed and sent
 *    back in each of them, just then.
 */
import { setTimeout as wait } from 'node:timers/promises';
import type { SpoolContext } from './context.ts';
import { hasCode } from './files.ts';
import { listIfReadable, walkIfThere } from './if-there.ts';
import {
  type JobName,
  type Layout,
  parseDelayedFileName,
  parseHeldName,
  parseJobFileName,
  parseResultFileName,
  resultFileName,
} from './layout.ts';
import { Turns } from './turns.ts';
import { RACY_MS } from './watch.ts';

export type Whereabouts =
  | { readonly at: 'results' }
  | { readonly at: 'waiting'; readonly path: string; readonly name: JobName; readonly dueAtMs: number | null }
  | {
      readonly at: 'held';
      readonly path: string;
      readonly name: JobName;
      readonly owner: string;
      /** Who took it from the owner, if somebody did: then its life counts. */
      readonly recoverer: string | null;
    };

/** Pauses between looks while jobs move, ms: half a second in all. */
const LOOK_AGAIN_MS = [1, 2, 4, 8, 16, 32, 64, 128, 256];
/** Where an id begins in a job's name, and behind a due time. */
const ID_AT = { job: 2, delayed: 16 };
const ID_LENGTH = 36;

/** Where each of `ids` is; those that are missing are proved to be nowhere. */
export async function locate(
  context: SpoolContext,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Whereabouts>> {
  const found = new Map<string, Whereabouts>();
  await untilProved(context, async () => {
    const left = new Set([...ids].filter((id) => !found.has(id)));
    for (const [id, spot] of await lookFor(context, left)) found.set(id, spot);
    return found.size === ids.size;
  });
  return found;
}

/** The same by one look: those that are missing may be on their way. */
export async function lookFor(
  context: SpoolContext,
  ids: ReadonlySet<string>,
): Promise<ReadonlyMap<string, Whereabouts>> {
  const { files, layout } = context;
  const found = new Map<string, Whereabouts>();
  const lookForEnded = (): void => {
    for (const id of ids) {
      const isThere = found.get(id)?.at !== 'results' && files.exists(`${layout.results}/${resultFileName(id)}`);
      if (isThere) found.set(id, { at: 'results' });
    }
  };
  lookForEnded();
  if (found.size === ids.size) return found;
  const isWanted = (id: string): boolean => ids.has(id);
  for await (const [id, spot] of waitingAndHeld(context, isWanted)) {
    // What has moved meanwhile was seen later where it is now. What has ended has no place besides, but for a second name of its file.
    if (found.get(id)?.at !== 'results') found.set(id, spot);
    if (found.size === ids.size) return found;
  }
  lookForEnded();
  return found;
}

/** At most `limit` ids that start with `prefix`, each once; when there are none, it is proved. */
export async function idsByPrefix(context: SpoolContext, prefix: string, limit: number): Promise<readonly string[]> {
  const { files, layout } = context;
  const found = new Set<string>();
  const turns = new Turns();
  await untilProved(context, async () => {
    for await (const [id] of waitingAndHeld(context, (wanted) => wanted.startsWith(prefix))) {
      found.add(id);
      if (found.size >= limit) return true;
    }
    for (const fileName of files.walk(layout.results)) {
      if (turns.isOver) await turns.next();
      if (!fileName.startsWith(prefix)) continue;
      const id = parseResultFileName(fileName);
      if (id !== null) found.add(id);
      if (found.size >= limit) break;
    }
    return found.size > 0;
  });
  return [...found];
}

export function isIn(layout: Layout, { path }: { readonly path: string }, owner: string): boolean {
  return path.startsWith(`${layout.running}/${owner}/`);
}

/** Repeats `look` until it has found what it looks for, or that is nowhere. */
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

/** Changes whenever a job comes into running/ or leaves it. */
function stampOfRunning({ files, layout }: SpoolContext): {
  readonly text: string;
  readonly changedAtMs: number;
  readonly lookedAtMs: number;
} {
  const lookedAtMs = Date.now();
  const paths = [layout.running, ...files.list(layout.running).map((name) => `${layout.running}/${name}`)];
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

type Spot = readonly [id: string, Whereabouts];

async function* waitingAndHeld(context: SpoolContext, isWanted: (id: string) => boolean): AsyncGenerator<Spot> {
  const { layout } = context;
  yield* held(context, isWanted);
  for await (const fileName of namesIn(context, layout.delayed, isWanted, ID_AT.delayed)) {
    const parsed = parseDelayedFileName(fileName);
    if (parsed === null) continue;
    const { name, dueAtMs } = parsed;
    yield [name.id, { at: 'waiting', path: `${layout.delayed}/${fileName}`, name, dueAtMs }];
  }
  for await (const fileName of namesIn(context, layout.pending, isWanted, ID_AT.job)) {
    const name = parseJobFileName(fileName);
    if (name !== null) yield [name.id, { at: 'waiting', path: `${layout.pending}/${fileName}`, name, dueAtMs: null }];
  }
  yield* held(context, isWanted);
}

function* held(context: SpoolContext, isWanted: (id: string) => boolean): Generator<Spot> {
  const { files, layout } = context;
  for (const directory of files.list(layout.running)) {
    const holder = parseHeldName(directory);
    if (holder === null) continue;
    const path = `${layout.running}/${directory}`;
    for (const fileName of listIfReadable(context.files, path)) {
      const name = isWanted(idIn(fileName, ID_AT.job)) ? parseJobFileName(fileName) : null;
      if (name !== null) yield [name.id, { at: 'held', path: `${path}/${fileName}`, name, ...holder }];
    }
  }
}

/** Names with a wanted id; the others are not parsed. */
async function* namesIn(
  { files }: SpoolContext,
  directory: string,
  isWanted: (id: string) => boolean,
  at: number,
): AsyncGenerator<string> {
  const turns = new Turns();
  // Of what is no folder `fsq doctor` tells.
  for (const name of walkIfThere(files, directory)) {
    if (isWanted(idIn(name, at))) yield name;
    if (turns.isOver) await turns.next();
  }
}

function idIn(fileName: string, at: number): string {
  return fileName.slice(at, at + ID_LENGTH);
}
