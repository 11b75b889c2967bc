/** How much there is in the spool, and what waits: told by names, and one file at most. Reads only. */
import type { Backlog, Counts, StorePart } from '../broker/broker.ts';
import { idTimeMs, isTimed } from '../job/names.ts';
import type { SpoolContext } from './disk/context.ts';
import { RACY_MS } from './disk/watch.ts';
import { NOT_LISTED, succeeds } from './disk/if-there.ts';
import { sight } from './inspect.ts';
import { DIRECTORIES, parseDelayedFileName, parseJobFileName, parseResultFileName } from './layout.ts';
import { heldSpots, movingSpots, pendingSpot } from './locate.ts';

export function countJobs(context: SpoolContext, backlog: Backlog): Counts {
  const { files, layout } = context;
  return {
    pending: Object.values(backlog.queues).reduce((sum, ready) => sum + ready, 0),
    delayed: countDelayed(context, layout.delayed) + count(movingSpots(context), (spot) => spot),
    running: count(heldSpots(context), (spot) => spot),
    results: countResults(context, layout.results),
    corrupt: files.list(layout.corrupt).length,
  };
}

/** How many of `all` give something but null; none of them is kept. */
function count<T>(all: Iterable<T>, parse: (one: T) => unknown): number {
  let found = 0;
  for (const one of all) if (parse(one) !== null) found++;
  return found;
}

/** Longest list of foreign names: enough to see what is going on. */
const MAX_FOREIGN = 100;

/**
 * A look at a directory that finds what it found before, if surely no name has changed since: whoever watches a spool of many jobs asks again
 * and again.
 */
function whileUnchanged<T>(
  look: (context: SpoolContext, path: string) => T,
): (context: SpoolContext, path: string) => T {
  const found = new WeakMap<SpoolContext, { readonly stamp: string; readonly value: T }>();
  return (context, path) => {
    const { modifiedAtMs, inode, device } = context.files.directoryStamp(path);
    const stamp = `${device} ${inode} ${modifiedAtMs}`;
    const before = found.get(context);
    if (before?.stamp === stamp) return before.value;
    // A change that comes within a tick of the last one leaves the time as it is.
    const isRacy = Date.now() - modifiedAtMs < RACY_MS;
    const value = look(context, path);
    if (!isRacy) found.set(context, { stamp, value });
    return value;
  };
}

const countDelayed = whileUnchanged(({ files }, path) => count(files.walk(path), parseDelayedFileName));
const countResults = whileUnchanged(({ files }, path) => count(files.walk(path), parseResultFileName));
const lookAtPending = whileUnchanged(readPending);

/** What the names in pending/ tell, and the oldest of these jobs. */
export function backlogOf(context: SpoolContext): Backlog {
  const { oldestName, ...backlog } = lookAtPending(context, context.layout.pending);
  const spot = oldestName === null ? null : pendingSpot(context.layout, oldestName);
  const oldest = spot === null ? null : sight(context, spot);
  return oldest === null ? backlog : { ...backlog, oldest };
}

function readPending(
  { files }: SpoolContext,
  path: string,
): Omit<Backlog, 'oldest'> & { readonly oldestName: string | null } {
  const foreign: string[] = [];
  const queues: Record<string, number> = {};
  let [oldest, oldestName]: [string | null, string | null] = [null, null];
  for (const fileName of files.walk(path)) {
    const name = parseJobFileName(fileName);
    if (name === null) {
      if (foreign.length < MAX_FOREIGN) foreign.push(fileName);
      continue;
    }
    queues[name.queue] = (queues[name.queue] ?? 0) + 1;
    if (isTimed(name.id) && (oldest === null || name.id < oldest)) [oldest, oldestName] = [name.id, fileName];
  }
  return { oldestAtMs: oldest === null ? null : idTimeMs(oldest), oldestName, queues, foreign };
}

/** What lies in each directory, for people. */
const MEANS: Readonly<Record<(typeof DIRECTORIES)[number], string>> = {
  tmp: 'drafts of jobs that are being sent: nothing yet',
  pending: 'jobs that are ready: any worker takes them',
  delayed: 'jobs that wait for their time, for other jobs, or for a worker that knows their task',
  running: 'a directory for each process that takes jobs: what lies in it runs there',
  results: 'jobs that have ended, with their outcomes, until their time to live is over',
  corrupt: 'files that could not be read as jobs; their results say why',
  spare: 'old files that are used again for new jobs, and room that is held back for a full disk',
  cancel: 'marks of jobs that are to end',
  queues: 'marks of queues that are paused',
  limits: 'starts that rates have allowed',
  logs: 'what runs have printed',
  progress: 'how far runs are',
  checkpoints: 'what runs keep for the next attempt',
  workers: 'sockets by which processes show that they live',
  keys: 'which job stands for the key of a unique job',
  journal: 'records from which accepted jobs are restored after a power cut',
  schedules: 'up to when each schedule is done, and which are paused',
  statistics: 'what workers have counted',
  moving: 'jobs on their way to or from another place',
};

/** All directories together are looked at for so long, ms: those that come late in it may be counted in part, which tells nothing. */
const PARTS_MS = 40;

/** The small directories first: those with very many files are what takes long. */
export function partsOf({ files, layout }: SpoolContext): readonly StorePart[] {
  const endAt = performance.now() + PARTS_MS;
  const isOver = (): boolean => performance.now() > endAt;
  const sizeOf = (name: (typeof DIRECTORIES)[number]): number => files.entry(layout[name])?.sizeBytes ?? 0;
  const bySize = DIRECTORIES.toSorted((a, b) => sizeOf(a) - sizeOf(b));
  const found = new Map<string, Pick<StorePart, 'entries' | 'bytes'>>();
  for (const name of bySize) {
    let [entries, bytes, isWhole] = [0, 0, true];
    const count = (): void => {
      for (const entry of files.walk(layout[name])) {
        isWhole = !isOver();
        if (!isWhole) return;
        entries++;
        bytes += files.entry(`${layout[name]}/${entry}`)?.sizeBytes ?? 0;
      }
    };
    // What is not there has no entries; of what cannot be listed nobody knows.
    if (!succeeds(count, ...NOT_LISTED)) isWhole = !files.exists(layout[name]);
    found.set(name, isWhole ? { entries, bytes } : { entries: null, bytes: null });
  }
  return DIRECTORIES.map((name) => ({ name, means: MEANS[name], entries: null, bytes: null, ...found.get(name) }));
}
