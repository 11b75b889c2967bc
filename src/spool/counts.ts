/** How much there is in the spool, and what waits: told by names, and one file at most. Reads only. */
import type { Backlog, Counts } from '../broker/broker.ts';
import { idTimeMs, isTimed } from '../job/names.ts';
import type { SpoolContext } from './disk/context.ts';
import { RACY_MS } from './disk/watch.ts';
import { sight } from './inspect.ts';
import { parseDelayedFileName, parseJobFileName, parseResultFileName } from './layout.ts';
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
