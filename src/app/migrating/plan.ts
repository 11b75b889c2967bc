/**
 * Which jobs of a place move together, and which stay. A job that comes after another must find it, or its outcome, in the same place: so
 * jobs that hang together move as one, and stay while one of them runs. Pure.
 */

/** A job that has not ended, as far as its move depends on it. */
export interface PlannedJob {
  readonly id: string;
  readonly isRunning: boolean;
  /** The jobs that it comes after, ended ones too. */
  readonly after: readonly string[];
}

export interface Plan {
  /** In the order in which they were sent, as far as batches allow. */
  readonly batches: readonly (readonly PlannedJob[])[];
  /** They wait, and hang together with jobs that stay. */
  readonly held: readonly string[];
}

/** A batch has so many jobs, and more only where they hang together. They are on their way at one time, and stay there if we die. */
const MOST_IN_BATCH = 500;

/** @param staying ids of waiting jobs that cannot be moved */
export function planOf(jobs: Iterable<PlannedJob>, staying: ReadonlySet<string>): Plan {
  const batches: PlannedJob[][] = [];
  const held: string[] = [];
  let open: PlannedJob[] = [];
  for (const group of groupsOf([...jobs])) {
    const waiting = group.filter(({ isRunning }) => !isRunning);
    const isMoving = waiting.length === group.length && !waiting.some(({ id }) => staying.has(id));
    if (!isMoving) held.push(...waiting.map(({ id }) => id).filter((id) => !staying.has(id)));
    else open.push(...waiting);
    if (open.length < MOST_IN_BATCH) continue;
    batches.push(open);
    open = [];
  }
  if (open.length > 0) batches.push(open);
  return { batches, held };
}

/** The jobs that hang together, each in one group. */
export function groupsOf<T extends Pick<PlannedJob, 'id' | 'after'>>(jobs: readonly T[]): readonly (readonly T[])[] {
  const leaders = new Map(jobs.map(({ id }) => [id, id]));
  const leaderOf = (id: string): string => {
    let at = id;
    for (let next = leaders.get(at); next !== undefined && next !== at; next = leaders.get(at)) {
      leaders.set(at, leaders.get(next) ?? next); // Halves the way for those that come later.
      at = next;
    }
    return at;
  };
  for (const { id, after } of jobs)
    for (const other of after) if (leaders.has(other)) leaders.set(leaderOf(id), leaderOf(other));
  const groups = new Map<string, T[]>();
  for (const job of jobs) {
    const leader = leaderOf(job.id);
    const group = groups.get(leader);
    if (group === undefined) groups.set(leader, [job]);
    else group.push(job);
  }
  return [...groups.values()];
}
