/**
 * Every error fsq throws on purpose. A caller tells them apart by class or by `code`, never by text.
 * A message says what was wanted, what came, and what to do or what happens next.
 */
import { format } from './text.ts';
import { isOfClass, nameClasses } from './values/class-names.ts';

/** The `code` of every error of fsq. Codes are stable; texts may change. */
export type FsqErrorCode =
  | 'FSQ_TIMEOUT'
  | 'FSQ_TASK_FAILED'
  | 'FSQ_TIME_LIMIT'
  | 'FSQ_PERMANENT'
  | 'FSQ_RETRY'
  | 'FSQ_WORKER_LOST'
  | 'FSQ_REVOKED'
  | 'FSQ_EXPIRED'
  | 'FSQ_UNKNOWN_JOB'
  | 'FSQ_NOT_FORGOTTEN'
  | 'FSQ_UNKNOWN_TASK'
  | 'FSQ_NOT_SERIALISABLE'
  | 'FSQ_USAGE'
  | 'FSQ_TOO_LARGE'
  | 'FSQ_TESTING'
  | 'FSQ_DUPLICATE_TASK'
  | 'FSQ_DELAY_AT_IMPORT'
  | 'FSQ_CONFIG'
  | 'FSQ_NO_TASKS'
  | 'FSQ_IMPORT_FAILED'
  | 'FSQ_TYPESCRIPT'
  | 'FSQ_SPOOL'
  | 'FSQ_NO_SPOOL'
  | 'FSQ_SPOOL_FULL'
  | 'FSQ_SPOOL_NOT_WRITABLE'
  | 'FSQ_SPOOL_FORMAT'
  | 'FSQ_SPOOL_GONE'
  | 'FSQ_NETWORK_FS'
  | 'FSQ_SPOOL_UNSAFE'
  | 'FSQ_SPOOL_SPLIT'
  | 'FSQ_ENQUEUE_UNCERTAIN'
  | 'FSQ_MOVING'
  | 'FSQ_CORRUPT_JOB'
  | 'FSQ_NOT_ENDED'
  | 'FSQ_SUCCEEDED'
  | 'FSQ_KEY_TAKEN'
  | 'FSQ_PREDECESSOR'
  | 'FSQ_COMPOSITION'
  | 'FSQ_NOT_NEEDED'
  | 'FSQ_CYCLE'
  | 'FSQ_COMMAND'
  | 'FSQ_PEER'
  | 'FSQ_BROKER'
  | 'FSQ_UNSUPPORTED'
  | 'FSQ_FENCED';

/** Base of all errors of fsq: `error instanceof FsqError` is true for each of them. */
export class FsqError extends Error {
  readonly code: FsqErrorCode;

  constructor(code: FsqErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }

  /**
   * `instanceof` for a program in which fsq is there more than once, as ESM and CommonJS, in two bundles, or in two realms: an error
   * of another copy is an instance of the class of the same name here. A class that extends one of these only knows its own.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return isOfClass(value, this.prototype);
  }
}

/** Waiting took longer than asked. The job goes on, and `get()` may be called again. */
export class TimeoutError extends FsqError {
  readonly id: string;

  /** @param standstill why surely no job begins now, without a full stop; null where one may */
  constructor(id: string, timeoutMs: number, standstill: string | null = null) {
    const next = standstill ?? 'It goes on';
    super('FSQ_TIMEOUT', `Job ${id} had no outcome after ${timeoutMs} ms. ${next}; call get() again to wait longer.`);
    this.id = id;
  }
}

/** How a remote error is kept in a job's file: plain data, from which no class or module is ever looked up. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly code?: string;
  /** How a command of `fsq exec` ended: by itself, or by a signal. */
  readonly exitCode?: number;
  readonly signal?: string;
  readonly cause?: Failure;
  /** Of an AggregateError (`Promise.any`) or a SuppressedError: the errors that it is made of, the first 16. */
  readonly errors?: readonly Failure[];
}

/**
 * The task threw. `remoteName`, `message` and `remoteStack` are what the worker saw; `cause` is the remote cause, and
 * `remoteErrors` are the errors of a remote AggregateError, again as plain data; `attempts` counts the runs begun.
 */
export class TaskError extends FsqError {
  readonly id: string;
  readonly remoteName: string;
  readonly remoteCode: string | undefined;
  readonly remoteStack: string | undefined;
  readonly remoteErrors: readonly Failure[] | undefined;
  readonly attempts: number;

  constructor(id: string, failure: Failure, attempts: number) {
    super('FSQ_TASK_FAILED', failure.message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.id = id;
    this.remoteName = failure.name;
    this.remoteCode = failure.code;
    this.remoteStack = failure.stack;
    this.remoteErrors = failure.errors;
    this.attempts = attempts;
  }
}

/** The job ran longer than its `timeLimit`. */
export class TimeLimitError extends FsqError {
  constructor(message: string) {
    super('FSQ_TIME_LIMIT', message);
  }
}

/**
 * Thrown by a task: it is of no use to try again. The job fails at once, however many retries are left. May be extended.
 * It is told by its `code`, so that an error of another class with this code does the same.
 */
export class PermanentError extends FsqError {
  constructor(message: string, options?: ErrorOptions) {
    super('FSQ_PERMANENT', message, options);
  }
}

/** Thrown by `currentJob().retry()`, to end the run: code that catches everything must throw it on. */
export class RetryError extends FsqError {
  /** How long the job is to wait, ms; null: as its backoff says. */
  readonly countdownMs: number | null;

  constructor(countdownMs: number | null, options?: ErrorOptions) {
    super('FSQ_RETRY', 'The task asked to be run again', options);
    this.countdownMs = countdownMs;
  }
}

/** The process that ran the job died: more often than three times, or once where `onCrash` is 'fail'. */
export class WorkerLostError extends FsqError {
  constructor(message: string) {
    super('FSQ_WORKER_LOST', message);
  }
}

/** The job was revoked before it ended. */
export class RevokedError extends FsqError {
  constructor(message: string) {
    super('FSQ_REVOKED', message);
  }
}

/** The job was not started before its `expires`. */
export class ExpiredError extends FsqError {
  constructor(message: string) {
    super('FSQ_EXPIRED', message);
  }
}

/** No job has this id: it was never enqueued here, or its outcome is forgotten. */
export class UnknownJobError extends FsqError {
  readonly id: string;

  constructor(id: string, place: string) {
    super('FSQ_UNKNOWN_JOB', `There is no job ${id} in ${place}: it was never enqueued there, or its outcome expired.`);
    this.id = id;
  }
}

/** A job was not sent back to run again. Its `code` says why. */
export class NotRetriedError extends FsqError {
  readonly id: string;
  /** The job that has its key (FSQ_KEY_TAKEN). */
  readonly otherId: string | undefined;

  /** @param code it has not ended, has succeeded, or another job of its task has its key by now */
  constructor(
    code: 'FSQ_NOT_ENDED' | 'FSQ_SUCCEEDED' | 'FSQ_KEY_TAKEN',
    id: string,
    message: string,
    otherId?: string,
  ) {
    super(code, message);
    this.id = id;
    this.otherId = otherId;
  }
}

/** The job was to run after others: one has not succeeded or is nowhere, or it was there for a failure and none has failed. */
export class PredecessorError extends FsqError {
  constructor(message: string, code: 'FSQ_PREDECESSOR' | 'FSQ_NOT_NEEDED' = 'FSQ_PREDECESSOR') {
    super(code, message);
  }
}

/** A task name that is not registered, with the nearest one that is. */
export class UnknownTaskError extends FsqError {
  constructor(message: string) {
    super('FSQ_UNKNOWN_TASK', message);
  }
}

/** A value that JSON cannot carry unchanged; `path` names the spot, such as `args[0].when`. */
export class NotSerialisableError extends FsqError {
  readonly path: string;

  constructor(path: string, what: string, advice: string) {
    super('FSQ_NOT_SERIALISABLE', `${path} is ${what}, which JSON would not carry unchanged. ${advice}`);
    this.path = path;
  }
}

/** A wrong argument, option or setting: nothing was done. */
export class UsageError extends FsqError {
  constructor(message: string, code: FsqErrorCode = 'FSQ_USAGE', options?: ErrorOptions) {
    super(code, message, options);
  }
}

/** Refuses `got`, which came where `what` stands. `more` ends the message. @throws UsageError always */
export function refuse(what: string, wanted: string, got: unknown, more = ''): never {
  throw new UsageError(`Expected ${what} to be ${wanted}, got ${format(got)}${more}`);
}

/** The spool cannot be used as asked; `cause` is the system's error. */
export class SpoolError extends FsqError {
  /** Ids of jobs that may or may not be queued; empty when surely none is. */
  readonly uncertain: readonly string[];

  constructor(code: FsqErrorCode, message: string, options?: ErrorOptions & { uncertain?: readonly string[] }) {
    super(code, message, options);
    this.uncertain = options?.uncertain ?? [];
  }
}

/** This process was taken for dead and another has its jobs: it must stop at once and publish nothing. */
export class FencedError extends FsqError {
  constructor(owner: string) {
    super(
      'FSQ_FENCED',
      `Owner ${owner} was fenced: its jobs were recovered by another process. It stops and publishes nothing.`,
    );
  }
}

nameClasses({
  FsqError,
  TimeoutError,
  TaskError,
  TimeLimitError,
  PermanentError,
  RetryError,
  WorkerLostError,
  RevokedError,
  ExpiredError,
  UnknownJobError,
  NotRetriedError,
  PredecessorError,
  UnknownTaskError,
  NotSerialisableError,
  UsageError,
  SpoolError,
  FencedError,
});
