/** System errors of the spool's file system, told as what they mean for a user of fsq. */
import { FsqError, type FsqErrorCode, SpoolError } from '../../job/errors.ts';
import { reasonOf } from '../../job/values/realm.ts';
import { hasCode } from './files.ts';

/** The system's error as a SpoolError: `lead` says what could not be done, the rest what to do about it. */
export function spoolError(error: unknown, lead: string, uncertain: readonly string[] = []): SpoolError {
  const [, code, advice] = MEANINGS.find(([codes]) => hasCode(error, ...codes)) ?? NO_MEANING;
  const message = `${lead}: ${reasonOf(error)}. ${advice}`;
  if (uncertain.length === 0) return new SpoolError(code, message, { cause: error, uncertain });
  const which = uncertain.length === 1 ? `job ${uncertain[0]} is` : `${uncertain.length} jobs are`;
  const known = `Whether ${which} queued is uncertain: look before you send it again.`;
  return new SpoolError('FSQ_ENQUEUE_UNCERTAIN', `${message} ${known}`, { cause: error, uncertain });
}

/** True for an error that passes when room is made or the disk recovers: a step waits for that. */
export function isPassing(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM');
}

/** True for an error that says that the disk, or the quota, is full. */
export function isFull(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT');
}

/** True for an error of a process that lacks something, while others may have it. */
export function isOwnLack(error: unknown): boolean {
  return hasCode(error, 'EMFILE', 'ENOMEM');
}

/** What the codes of the system mean for a spool. */
const MEANINGS: readonly (readonly [codes: readonly string[], code: FsqErrorCode, advice: string])[] = [
  [['ENOSPC', 'EDQUOT'], 'FSQ_SPOOL_FULL', 'The disk or quota is full (bytes or inodes): make room and try again.'],
  [
    ['EACCES', 'EPERM', 'EROFS'],
    'FSQ_SPOOL_NOT_WRITABLE',
    'The spool must be writable by this user: check its owner, mode and mount, or set FSQ_SPOOL.',
  ],
  [
    ['ENOENT'],
    'FSQ_SPOOL_GONE',
    'A directory of the spool is gone: was it removed while in use? `fsq init` makes a new one.',
  ],
  [
    ['ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EEXIST'],
    'FSQ_SPOOL',
    'The path cannot be a spool: choose another directory with --spool or FSQ_SPOOL.',
  ],
  [
    ['EXDEV'],
    'FSQ_SPOOL_SPLIT',
    'The whole spool must be one file system and one mount: see `fsq doctor`, or set FSQ_SPOOL.',
  ],
  [
    ['EMFILE', 'ENFILE'],
    'FSQ_SPOOL',
    'Too many files are open: raise the limit (ulimit -n) or open fewer, and try again.',
  ],
];
const NO_MEANING = [[], 'FSQ_SPOOL', 'Nothing was changed by this call.'] as const;

/** What `act` gives; a system error becomes a SpoolError that begins with `lead`. */
export async function typed<T>(act: () => T | Promise<T>, lead: string): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw error instanceof FsqError ? error : spoolError(error, lead);
  }
}
