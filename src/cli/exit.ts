/** How a command ends: its exit code, so that cron and CI can tell, and the message for what it threw. */
import { FsqError, type FsqErrorCode, TaskError, TimeoutError } from '../job/errors.ts';
import { escape } from '../job/text.ts';
import { isErrorLike, peek, reasonOf } from '../job/values/realm.ts';
import { spoolError } from '../spool/disk/trouble.ts';

/** From sysexits.h, timeout(1) and the shells' 128 + signal. */
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
   * An error that nobody foresaw (EX_SOFTWARE of sysexits.h): a bug of fsq or of a module it loaded. Not 1: a script that branches on
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
  FSQ_CYCLE: EXIT.jobFailed,
  FSQ_COMMAND: EXIT.jobFailed,
  FSQ_WORKER_LOST: EXIT.jobFailed,
  FSQ_PREDECESSOR: EXIT.jobFailed,
  FSQ_NOT_NEEDED: EXIT.jobFailed,
  FSQ_COMPOSITION: EXIT.usage,
  FSQ_USAGE: EXIT.usage,
  FSQ_TOO_LARGE: EXIT.usage,
  FSQ_TESTING: EXIT.usage,
  FSQ_NOT_SERIALISABLE: EXIT.usage,
  FSQ_NOT_ENDED: EXIT.usage,
  FSQ_SUCCEEDED: EXIT.usage,
  FSQ_KEY_TAKEN: EXIT.usage,
  FSQ_NOT_FORGOTTEN: EXIT.spoolUnusable,
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
  FSQ_MOVING: EXIT.spoolUnusable,
  FSQ_CORRUPT_JOB: EXIT.spoolUnusable,
  FSQ_FENCED: EXIT.spoolUnusable,
  FSQ_PEER: EXIT.configuration,
  FSQ_BROKER: EXIT.spoolUnusable,
  FSQ_UNSUPPORTED: EXIT.usage,
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
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return typeof peek(error, 'syscall') === 'string' && typeof peek(error, 'code') === 'string';
}

/** True for one of a connection: only a broker with an address makes some. */
function isNetworkError(error: unknown): boolean {
  return (
    isSystemError(error) &&
    ['connect', 'getaddrinfo', 'read', 'write'].includes(String(error.syscall)) &&
    NETWORK.test(String(error.code))
  );
}

const NETWORK = /^E(?:CONN\w+|HOST\w+|NET\w+|AI_\w+|NOTFOUND|TIMEDOUT|PIPE)$/;

/**
 * The message, ending in a newline. Lines after the first are indented, so that text from a job's file cannot pass for a
 * message of fsq; what a terminal would obey is escaped.
 *
 * @param who such as 'fsq call'
 * @param withStack also where it was thrown (FSQ_DEBUG=1)
 */
export function reportText(who: string, error: unknown, withStack: boolean): string {
  const { text, code } = describe(error);
  const stack = withStack && isErrorLike(error) ? `\n${String(peek(error, 'stack') ?? '')}` : '';
  return messageText(who, `${text} (${code})${stack}`);
}

/** `text` as a message of `who`, safe to print, with its further lines indented. */
export function messageText(who: string, text: string): string {
  return `${who}: ${text.split('\n').map(escape).join('\n  ')}\n`;
}

function describe(error: unknown): { readonly text: string; readonly code: string } {
  if (error instanceof TaskError) return { text: failureText(error), code: error.code };
  if (error instanceof TimeoutError) {
    return {
      text: `Job ${error.id} has no outcome yet; it goes on. \`fsq get ${error.id}\` waits for it.`,
      code: error.code,
    };
  }
  if (error instanceof FsqError) return { text: `${error.message}${nextStep(error)}`, code: error.code };
  if (isNetworkError(error))
    return { text: `The broker's server cannot be reached: ${reasonOf(error)}`, code: 'FSQ_BROKER' };
  if (isSystemError(error)) return describe(spoolError(error, 'The spool cannot be read'));
  const text = isErrorLike(error) ? `${String(peek(error, 'name'))}: ${reasonOf(error)}` : reasonOf(error);
  return { text: `Something went wrong that fsq did not foresee: ${text}. FSQ_DEBUG=1 shows where.`, code: 'FSQ_BUG' };
}

/** What can be done on a command line about an error that programs get too: their message names no command. */
const NEXT_STEPS: Partial<Readonly<Record<FsqErrorCode, string>>> = {
  FSQ_UNKNOWN_JOB: '`fsq ls` lists the jobs that are there.',
  FSQ_CORRUPT_JOB: '`fsq doctor` says what is wrong with it.',
};

function nextStep({ code, message }: FsqError): string {
  const step = NEXT_STEPS[code];
  return step === undefined || message.includes('`fsq ') ? '' : ` ${step}`;
}

function failureText({ id, attempts, remoteName, message }: TaskError): string {
  const runs = attempts === 1 ? '' : ` after ${attempts} attempts`;
  return `Job ${id} failed${runs}: ${remoteName}: ${message}\n\`fsq show ${id}\` shows its stack.`;
}
