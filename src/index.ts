/** The public names of fsq. */
export { AsyncResult, type GetOptions } from './app/async-result.ts';
export { type App, createApp } from './app/app.ts';
export { result, task } from './app/default-app.ts';
export { type CurrentJob, currentJob, type RetryOptions } from './app/current-job.ts';
export { GroupResult } from './app/group-result.ts';
export type { BackoffOptions, LifeOptions } from './app/job-options.ts';
export type { LimitOptions } from './app/limit-options.ts';
export { type Config, defineConfig, type LogLevel, type Settings } from './app/settings/config.ts';
export type { ErrorClass, RetryOn } from './app/retry-on.ts';
export type { ApplyOptions, Task, TaskFactory, TaskOf, TaskOptions } from './app/task.ts';
export type { CallKey, TaskKey, UniqueOptions } from './app/unique-options.ts';
export type { Revocation, RevokeOptions, Sighting } from './broker/broker.ts';
export type { Backoff, JobOptions, Unique } from './job/job-options.ts';
export type { ByteSize, Duration } from './job/units.ts';
export {
  ExpiredError,
  type Failure,
  FsqError,
  type FsqErrorCode,
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
export type { RateLimit } from './job/queue-limits.ts';
export type { Attempt, Job, JobRecord, JobState, Outcome, Standing } from './job/job.ts';
export type { JsonValue, Serialisable } from './job/values/json.ts';
export type { Sendable, SerialisableArgs, UnserialisableResult } from './job/values/payload.ts';
