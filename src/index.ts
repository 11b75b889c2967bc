/** The public names of fsq. */
export { AsyncResult, type GetOptions } from './app/async-result.ts';
export { GroupResult, type GroupProgress } from './app/group-result.ts';
export { type Chain, chain, type Chord, chord, type Group, group } from './app/canvas/compose.ts';
export type { Composition, CompositionOptions, Misfit, Signature, StepOptions } from './app/canvas/fit.ts';
export type { FailedJob } from './job/ended/predecessors.ts';
export type { EventsOptions } from './app/following/events.ts';
export type { JobEvent } from './app/following/story.ts';
export type { LogsOptions } from './app/following/log-reader.ts';
export { type App, createApp, result, task } from './app/app.ts';
export type {
  ChildMessage,
  ClaimMessage,
  CrashMessage,
  EnqueueMessage,
  JobMessage,
  RetryMessage,
  RunMessage,
} from './app/telling/diagnostics.ts';
export type { Amounts, CurrentJob, RetryOptions } from './app/current-job.ts';
export { currentJob } from './app/execute.ts';
export { CycleError } from './app/following/waiting.ts';
export type { Backoff, BackoffOptions, DebounceOptions, JobOptions, Unique } from './job/job-options.ts';
export type { ApplyOptions, ErrorClass, LifeOptions, RetryOn, TaskOptions } from './app/task-options.ts';
export type { LimitOptions, PerKey, RateLimit, TaskLimitOptions } from './job/queue-limits.ts';
export { type Config, defineConfig, type LogLevel, type Settings } from './app/settings/config.ts';
export type { Missed } from './app/schedules/due.ts';
export type {
  Schedule,
  ScheduledTask,
  ScheduleOptions,
  Schedules,
  ScheduleTimes,
} from './app/schedules/schedule-options.ts';
export type { Task, TaskFactory, TaskOf } from './app/task.ts';
export type { CallKey, TaskKey, UniqueOptions } from './app/unique.ts';
export { CommandError, type CommandEnd } from './job/ended/command-error.ts';
export type { EndState, ResultTtl, ResultTtlMs } from './job/ended/result-ttl.ts';
export type { Revocation, RevokeOptions, Sighting } from './broker/broker.ts';
export type { ByteSize, Duration } from './job/units.ts';
export {
  ExpiredError,
  type Failure,
  FsqError,
  type FsqErrorCode,
  NotRetriedError,
  NotSerialisableError,
  PermanentError,
  RetryError,
  RevokedError,
  SpoolError,
  TaskError,
  TimeLimitError,
  TimeoutError,
  UnknownJobError,
  UnknownTaskError,
  UsageError,
  WorkerLostError,
} from './job/errors.ts';
export type { Attempt, Job, JobRecord, JobState, Outcome, Standing } from './job/job.ts';
export type { JsonValue, Serialisable } from './job/values/json.ts';
export type { LogLine, LogStream } from './job/values/log-lines.ts';
export type { Progress, ProgressReport } from './job/values/progress.ts';
export type { Sendable, SerialisableArgs, UnserialisableResult } from './job/values/payload.ts';
