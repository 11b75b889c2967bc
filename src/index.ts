/** The public names of fsq. */
export { AsyncResult, type GetOptions } from './app/async-result.ts';
export { type App, createApp } from './app/app.ts';
export { result, task } from './app/default-app.ts';
export { type CurrentJob, currentJob, type RetryOptions } from './app/current-job.ts';
export { GroupResult } from './app/group-result.ts';
export type { BackoffOptions, LifeOptions } from './app/job-options.ts';
export type { LimitOptions } from './app/limit-options.ts';
export { type Config, defineConfig, type LogLevel, type Settings } from './app/config.ts';
export type { ErrorClass, RetryOn } from './app/retry-on.ts';
export type { ApplyOptions, Task, TaskFactory, TaskOf, TaskOptions } from './app/task.ts';
export type { CallKey, TaskKey, UniqueOptions } from './app/unique-options.ts';
export type { Revocation, RevokeOptions, Sighting } from './broker/broker.ts';
export type { Backoff } from './job/backoff.ts';
export type { ByteSize } from './job/byte-size.ts';
export type { Duration } from './job/duration.ts';
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
export type { RateLimit } from './job/run-limits.ts';
export type { Attempt, Job, JobOptions, JobRecord, JobState, Outcome, Standing } from './job/job.ts';
export type { JsonValue, Serialisable } from './job/json.ts';
export type { Sendable, SerialisableArgs, UnserialisableResult } from './job/payload.ts';
export type { Unique } from './job/uniqueness.ts';
