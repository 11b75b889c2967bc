/** What the one that looks at the broker is asked, and what it reports: plain data, which goes from thread to thread. Pure. */
import type { Act, Done } from '../../../../app/acting/carry-out.ts';
import { errorOf } from '../../../../app/acting/job-conditions.ts';
import type { Backlog, Counts, OwnerInfo, Restoring, Sighting } from '../../../../broker/broker.ts';
import type { ScheduleRecord } from '../../../../broker/schedules.ts';
import type { Statistics } from '../../../../broker/statistics.ts';
import { idsAfter } from '../../../../job/edges.ts';
import { idTimeMs, isTimed } from '../../../../job/names.ts';
import { beginning } from '../../../../job/text.ts';
import { progressText } from '../../../../job/values/progress.ts';

/** Of an error this much is shown in a table, characters. */
const MOST_OF_ERROR = 400;

/** Lists that are only looked at for somebody who sees them. */
export type ListName = 'pending' | 'delayed' | 'failed' | 'schedules';

/** What somebody sees. */
export interface Wanted {
  readonly lists: readonly ListName[];
  /** The job that is open. */
  readonly job: string | null;
}

export type Request = { readonly kind: 'want'; readonly wanted: Wanted } | { readonly kind: 'act'; readonly act: Act };

/** What is cheap to know, however many jobs there are. */
export interface Facts {
  readonly atMs: number;
  readonly owners: readonly OwnerInfo[];
  readonly paused: readonly string[];
  readonly restoring: Restoring | null;
  readonly statistics: Statistics;
  readonly running: JobList;
}

export interface JobList {
  readonly jobs: readonly JobSight[];
  /** False where there may be more of them. */
  readonly isAll: boolean;
}

/** What costs the more the more jobs there are. */
export interface Counted {
  readonly atMs: number;
  readonly counts: Counts;
  readonly backlog: Backlog;
}

/** What is wrong, and what to do about it. */
export interface Verdict {
  readonly status: 'ok' | 'warning' | 'critical';
  /** 'OK', or what is wrong, the worst first. */
  readonly text: string;
  /** A sentence or two each. */
  readonly advice: readonly string[];
}

export interface ScheduleSight {
  readonly record: ScheduleRecord;
  /** Of its last job; null: there is none, or it is forgotten. */
  readonly lastState: Sighting['state'] | null;
}

export type Report =
  | { readonly kind: 'facts'; readonly facts: Facts }
  | { readonly kind: 'counted'; readonly counted: Counted }
  | { readonly kind: 'verdict'; readonly verdict: Verdict }
  | { readonly kind: 'list'; readonly name: Exclude<ListName, 'schedules'>; readonly list: JobList }
  | { readonly kind: 'schedules'; readonly schedules: readonly ScheduleSight[] }
  /** `lines` is null where there is no such job any more. */
  | { readonly kind: 'job'; readonly id: string; readonly lines: readonly string[] | null }
  /** What came of an act. */
  | ({ readonly kind: 'done' } & Pick<Done, 'text' | 'isBad'>)
  /** Why nothing can be seen; null: all can be seen again. */
  | { readonly kind: 'trouble'; readonly text: string | null };

/** A job as a table shows it: without arguments, which may be long, and secret. */
export interface JobSight extends Pick<Sighting, 'id' | 'state' | 'dueAtMs' | 'startedAtMs' | 'endedAtMs' | 'owner'> {
  /** Null when it cannot be read. */
  readonly task: string | null;
  readonly queue: string;
  readonly attempt: number;
  /** Null where nothing tells it. */
  readonly sentAtMs: number | null;
  /** Of its end, or else of its last attempt, as 'Name: message'; null where there is none. */
  readonly error: string | null;
  /** Such as '45 %'. */
  readonly progress: string | null;
  /** Why it is parked. */
  readonly parked: string | null;
  /** Of how many jobs it waits for the end. */
  readonly after: number;
}

export function jobSight(job: Sighting): JobSight {
  const { id, state, dueAtMs, startedAtMs, endedAtMs, owner, standing, progress, record } = job;
  const error = errorOf(job);
  return {
    id,
    state,
    dueAtMs,
    startedAtMs,
    endedAtMs,
    owner,
    task: record?.job.task ?? null,
    queue: standing.queue,
    attempt: standing.attempt,
    sentAtMs: record?.job.enqueuedAtMs ?? (isTimed(id) ? idTimeMs(id) : null),
    error: error === null ? null : beginning(error, MOST_OF_ERROR),
    progress: progress === null ? null : progressText(progress),
    parked: record?.parked?.reason ?? null,
    after: state === 'delayed' && dueAtMs === null && record !== null ? idsAfter(record.job.options).length : 0,
  };
}
