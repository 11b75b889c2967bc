/**
 * What was promised and what ran, as seen from outside the spool. Tests write it down; the checks hold the spool against it.
 *
 * Every list may be left out. All times are wall clock ms of one machine. Where a time is not known exactly, take the one that
 * accuses nobody: of a death the moment the kill was sent.
 */
export interface Journal {
  /** In the order in which they were accepted. */
  readonly accepted?: readonly AcceptedJob[];
  /** Ids whose enqueueing was rejected as surely not queued. */
  readonly rejected?: readonly string[];
  /** Accepted ids whose outcome may have expired since. */
  readonly gone?: readonly string[];
  /** In the order in which they began. */
  readonly runs?: readonly JournalRun[];
  /** Every process that died, was killed, or was stopped before its job had ended. */
  readonly deaths?: readonly JournalDeath[];
  /** Owners whose jobs were taken away at that time. */
  readonly fences?: readonly { readonly owner: string; readonly atMs: number }[];
  /** The file system went back to what was on disk: counters may stand still over it. */
  readonly powerCutsAtMs?: readonly number[];
  /** Outcomes that somebody has read. */
  readonly outcomes?: readonly { readonly id: string; readonly state: string; readonly value?: unknown }[];
  /** One producer, one worker with one child, no retries, one priority: jobs start in the order they were accepted. */
  readonly isFifo?: boolean;
}

export interface AcceptedJob {
  readonly id: string;
  readonly dueAtMs?: number;
  /** Not to be started after this. */
  readonly expiresAtMs?: number;
  /** Its revoked outcome was published at this time. */
  readonly revokedAtMs?: number;
  /** How often it may run again after it failed; default 0. */
  readonly retries?: number;
}

/** One run, as the task itself saw it. */
export interface JournalRun {
  readonly id: string;
  readonly attempt: number;
  readonly pid: number;
  readonly owner?: string;
  readonly startedAtMs: number;
  /** Null as long as nobody saw its end. */
  readonly endedAtMs: number | null;
}

export interface JournalDeath {
  readonly pid: number;
  /** Not later than the death. */
  readonly atMs: number;
}

/** The runs of each id, in the order in which they began. */
export function runsById({ runs = [] }: Journal): ReadonlyMap<string, readonly JournalRun[]> {
  const found = new Map<string, JournalRun[]>();
  for (const run of runs.toSorted((a, b) => a.startedAtMs - b.startedAtMs)) {
    const others = found.get(run.id);
    if (others === undefined) found.set(run.id, [run]);
    else others.push(run);
  }
  return found;
}

/** When the run's process died, or null if it did not; a pid may come again, so deaths before the run are another's. */
export function deathOf({ deaths = [] }: Journal, run: JournalRun): number | null {
  const times = deaths.filter(({ pid, atMs }) => pid === run.pid && atMs >= run.startedAtMs).map(({ atMs }) => atMs);
  return times.length === 0 ? null : Math.min(...times);
}
