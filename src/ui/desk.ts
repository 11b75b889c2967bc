/** What the page's server asks of the one who looks at the store and acts on it: one for all pages of a process. */
import type { ReadSchedule } from '../app/schedules/read-schedules.ts';
import type { LogPart } from '../broker/broker.ts';
import type { TaskSending } from '../broker/task-sending.ts';
import type {
  Act,
  Answer,
  FailureGroups,
  JobDetail,
  JobPage,
  JobQuery,
  ScheduleRow,
  StoreReport,
  Summary,
} from './wire.ts';

/** What is told of a desk that is closed. */
export const CLOSED_TEXT = 'This page is closed: the program that serves it has let go of it.';

/**
 * Where jobs of a schedule's task go by themselves, for one that is sent now and whose task no running worker knows; null: it is not known here
 * either. Throws a UsageError that says why it cannot be.
 */
export type SendingOf = (schedule: ReadSchedule) => Promise<TaskSending | null>;

export interface Desk {
  /** Worked out once for all who ask, each second at most. Never throws: what is wrong is its `trouble`. */
  summary(): Promise<Summary>;
  /** @param before the `next` of the page before this one. @throws UsageError for a query or cursor that is none */
  jobs(query: JobQuery, before: string | null): Promise<JobPage>;
  /** How many match, also where a text makes every job be read. @throws UsageError while not all jobs are known */
  count(query: JobQuery): Promise<{ readonly count: number }>;
  /** Null: there is no such job. */
  job(id: string): Promise<JobDetail | null>;
  /** What a job has printed, from `position` on. */
  log(id: string, position: number): Promise<LogPart>;
  /** @throws UsageError for a query that is none, or that asks for a text in arguments */
  failures(query: JobQuery): Promise<FailureGroups>;
  schedules(): Promise<readonly ScheduleRow[]>;
  store(): Promise<StoreReport>;
  /** Never throws: what went wrong is the answer. */
  act(act: Act): Promise<Answer>;
  /**
   * Tells of each change, a few each second at most, until the function that it returns is called: 'summary' when there is a new one, 'jobs'
   * when jobs have changed. While somebody listens the desk looks at the store; a while after the last has gone it stops, and forgets.
   */
  listen(hear: (what: 'summary' | 'jobs') => void): () => void;
  /** For good: whoever asks then hears that it is closed. */
  close(): Promise<void>;
}
