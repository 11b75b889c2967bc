/** What a command's exit code says, so that cron and CI can tell. From sysexits.h, timeout(1) and the shells' 128 + signal. */
import { FsqError, type FsqErrorCode } from '../job/errors.ts';
import { peek } from '../job/values/realm.ts';

export const EXIT = {
  good: 0,
  /** A job failed. */
  jobFailed: 1,
  /** `fsq doctor` found an error. */
  foundError: 1,
  /** A wrong command, option or argument. */
  usage: 2,
  /** No such job or task. */
  unknown: 3,
  /** The job was revoked or expired. */
  notRun: 4,
  /**
   * An error that nobody foresaw (EX_SOFTWARE of sysexits.h): a bug of fsq or of a module it loaded. Not 1: who branches on
   * "the job failed" must not take that branch for it.
   */
  bug: 70,
  /** Output could not be written (EX_IOERR of sysexits.h). */
  outputFailed: 74,
  /** The spool cannot be used. */
  spoolUnusable: 75,
  /** A setting is wrong, or no task can be loaded. */
  configuration: 78,
  /** Waiting took longer than `--timeout`. */
  timedOut: 124,
} as const;

/** One entry for each code, so that a new code does not compile before somebody has decided. */
const OF_ERROR: Readonly<Record<FsqErrorCode, number>> = {
  FSQ_TASK_FAILED: EXIT.jobFailed,
  FSQ_TIME_LIMIT: EXIT.jobFailed,
  FSQ_PERMANENT: EXIT.jobFailed,
  FSQ_RETRY: EXIT.jobFailed,
  FSQ_WORKER_LOST: EXIT.jobFailed,
  FSQ_USAGE: EXIT.usage,
  FSQ_TOO_LARGE: EXIT.usage,
  FSQ_NOT_SERIALISABLE: EXIT.usage,
  FSQ_UNKNOWN_JOB: EXIT.unknown,
  FSQ_UNKNOWN_TASK: EXIT.unknown,
  FSQ_REVOKED: EXIT.notRun,
  FSQ_EXPIRED: EXIT.notRun,
  FSQ_NO_SPOOL: EXIT.spoolUnusable,
  FSQ_SPOOL: EXIT.spoolUnusable,
  FSQ_SPOOL_FULL: EXIT.spoolUnusable,
  FSQ_SPOOL_NOT_WRITABLE: EXIT.spoolUnusable,
  FSQ_SPOOL_FORMAT: EXIT.spoolUnusable,
  FSQ_SPOOL_GONE: EXIT.spoolUnusable,
  FSQ_NETWORK_FS: EXIT.spoolUnusable,
  FSQ_SPOOL_UNSAFE: EXIT.spoolUnusable,
  FSQ_SPOOL_SPLIT: EXIT.spoolUnusable,
  FSQ_ENQUEUE_UNCERTAIN: EXIT.spoolUnusable,
  FSQ_CORRUPT_JOB: EXIT.spoolUnusable,
  FSQ_FENCED: EXIT.spoolUnusable,
  FSQ_CONFIG: EXIT.configuration,
  FSQ_NO_TASKS: EXIT.configuration,
  FSQ_IMPORT_FAILED: EXIT.configuration,
  FSQ_TYPESCRIPT: EXIT.configuration,
  FSQ_DUPLICATE_TASK: EXIT.configuration,
  FSQ_DELAY_AT_IMPORT: EXIT.configuration,
  FSQ_TIMEOUT: EXIT.timedOut,
};

/** The exit code for what a command threw. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof FsqError) return OF_ERROR[error.code];
  return isSystemError(error) ? EXIT.spoolUnusable : EXIT.bug;
}

/** True for an error of a system call, such as EACCES while a directory of the spool is read. */
export function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof peek(error, 'syscall') === 'string' && typeof peek(error, 'code') === 'string';
}
