/** Jobs as a store shows them: one, those that have changed, and every one as it changes. */
import type { JobRecord, JobState, Standing } from '../job/job.ts';
import type { Progress } from '../job/values/progress.ts';

/** A job as found somewhere in its life. */
export interface Sighting {
  readonly id: string;
  readonly state: Exclude<JobState, 'unknown'>;
  readonly standing: Standing;
  /** Unix ms; only of a delayed job, and null where it waits for another. */
  readonly dueAtMs: number | null;
  /** The process that holds it, by its name among owners; only of a running job. */
  readonly owner: string | null;
  /** When this attempt was claimed, Unix ms; only of a running job, and null where that cannot be told. */
  readonly startedAtMs: number | null;
  /**
   * Since when it is ready, Unix ms: of a ready job that has run before, that was sent back or that was parked, and whose record does not
   * say it. Absent where its place tells nothing of it, and of other jobs.
   */
  readonly readySinceMs?: number;
  /** When it ended, Unix ms; only of a job that has. */
  readonly endedAtMs: number | null;
  /** How far its last run said to be that said so; null when none did. */
  readonly progress: Progress | null;
  /** For which jobs its run waits without an end, as far as that has been so for a second; absent: for none. */
  readonly awaits?: readonly string[];
  /** What its runs keep for the next one; only where one job is looked for, and absent when there is nothing. */
  readonly checkpoint?: Checkpoint;
  /** Where the job is kept, for people: a path or a key. */
  readonly location: string;
  /** Null when it cannot be read. */
  readonly record: JobRecord | null;
  /** What became of its runs is being written at this moment, or its process died over that: the record names none of them. Absent: no. */
  readonly isTorn?: true;
  /** Of how many jobs it waits for the end, and how many of these have ended. Only `find` and `list` tell it, and only of a job that waits so. */
  readonly waitsFor?: { readonly jobs: number; readonly ended: number };
  /** It runs in a worker of another program, which is no owner. Absent: no. */
  readonly isForeign?: true;
  /** Somebody has revoked it, and it has not ended for that yet. Only `find` tells it; absent: nobody has. */
  readonly isRevoked?: true;
  /** It is on its way to or from another place (moving.ts). Only `find` tells it; absent: no. */
  readonly isOnItsWay?: true;
}

/** A job that waits or runs, as far as is told without reading it. */
export interface Unended extends Pick<Sighting, 'id' | 'dueAtMs' | 'owner'> {
  readonly state: 'pending' | 'delayed' | 'running';
  readonly queue: string;
  /** 0 runs first, 9 last. */
  readonly priority: number;
  /** Runs begun. */
  readonly attempt: number;
}

/** Where a job was that had not ended: a broker may look there first. */
export interface Whereabouts extends Unended {
  /** Runs that ended with the death of their process. */
  readonly crashes: number;
}

/** A job that has not ended, as far as its place alone tells: what may be asked of it before it is read. */
export type NamedJob = Pick<Unended, 'id' | 'queue' | 'dueAtMs'>;

/** A job that has changed, and the mark of this look. */
export interface Changed {
  readonly mark: string;
  /** Of the look, Unix ms: what came later, with the job or beside it, changes the mark. */
  readonly atMs: number;
  readonly sighting: Sighting;
}

export interface EveryJobOptions {
  /** Begin with the jobs that are there, but for those that ended before this time, Unix ms. Null: leave out all that are there. */
  readonly sinceMs: number | null;
  /** Go on with those that change from the first look on. */
  readonly follow: boolean;
  /** Of those that are there, the latest sent come first. Default false: the earliest. */
  readonly latestFirst?: boolean;
  /** Tell also of jobs that are there no more, some time after. Default false. */
  readonly tellsGone?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Looks at some jobs. */
export interface Looks {
  readonly jobs: readonly Look[];
  /** Jobs that were given, or were there, and are there no more. */
  readonly gone?: readonly string[];
  /** True once all that were there at first have been given. */
  readonly isCaughtUp: boolean;
}

export interface Look {
  /** Unix ms. */
  readonly atMs: number;
  readonly sighting: Sighting;
  /** What had been known of the job before; null: that it is there is news. */
  readonly before: Known | null;
}

export interface Known {
  /** Runs begun. */
  readonly attempt: number;
  /** Whether the last of them was going on. */
  readonly isRunning: boolean;
  /** It had ended: if it has not now, it was sent back. */
  readonly isOver?: true;
}

/** A part of a place that keeps jobs: a directory, or keys of a kind. */
export interface StorePart {
  readonly name: string;
  /** What lies there, for people. */
  readonly means: string;
  /** Null: it would take too long to tell, or cannot be looked at. */
  readonly entries: number | null;
  /** Of the files themselves; null as above. */
  readonly bytes: number | null;
}

/** About a checkpoint, without its value. */
export interface Checkpoint {
  /** Of the run that kept it; null where it does not say. */
  readonly attempt: number | null;
  /** Unix ms; null where it does not say. */
  readonly atMs: number | null;
  readonly sizeBytes: number;
  /** Why it cannot be read, and the next run begins anew; null when it can. */
  readonly problem: string | null;
}
