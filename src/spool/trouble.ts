/** System errors of the spool's file system, told as what they mean for a user of fsq. */
import { type FsqErrorCode, SpoolError } from '../job/errors.ts';
import { reasonOf } from '../job/values/realm.ts';
import { hasCode } from './files.ts';

/** The system's error as a SpoolError: `lead` says what could not be done, the rest what to do about it. */
export function spoolError(error: unknown, lead: string, uncertain: readonly string[] = []): SpoolError {
  const { code, advice } = diagnosis(error);
  const reason = reasonOf(error);
  const known =
    uncertain.length === 0
      ? ''
      : ` Whether ${uncertain.length === 1 ? `job ${uncertain[0]} is` : `${uncertain.length} jobs are`} queued is uncertain: look before you send it again.`;
  return new SpoolError(
    uncertain.length > 0 ? 'FSQ_ENQUEUE_UNCERTAIN' : code,
    `${lead}: ${reason}. ${advice}${known}`,
    {
      cause: error,
      uncertain,
    },
  );
}

/** True for what passes when somebody makes room or the disk recovers: worth waiting for, not worth giving up for. */
export function isPassing(error: unknown): boolean {
  return hasCode(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EAGAIN', 'ENOMEM');
}

/** True for what this process lacks, and others need not. */
export function isOwnLack(error: unknown): boolean {
  return hasCode(error, 'EMFILE', 'ENOMEM');
}

function diagnosis(error: unknown): { readonly code: FsqErrorCode; readonly advice: string } {
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) {
    return { code: 'FSQ_SPOOL_FULL', advice: 'The disk or quota is full (bytes or inodes): make room and try again.' };
  }
  if (hasCode(error, 'EACCES', 'EPERM', 'EROFS')) {
    return {
      code: 'FSQ_SPOOL_NOT_WRITABLE',
      advice: 'The spool must be writable by this user: check its owner, mode and mount, or set FSQ_SPOOL.',
    };
  }
  if (hasCode(error, 'ENOENT')) {
    return {
      code: 'FSQ_SPOOL_GONE',
      advice: 'A directory of the spool is gone: was it removed while in use? `fsq init` makes a new one.',
    };
  }
  if (hasCode(error, 'ENOTDIR', 'ENAMETOOLONG', 'ELOOP', 'EEXIST')) {
    return {
      code: 'FSQ_SPOOL',
      advice: 'The path cannot be a spool: choose another directory with --spool or FSQ_SPOOL.',
    };
  }
  if (hasCode(error, 'EXDEV')) {
    return {
      code: 'FSQ_SPOOL_SPLIT',
      advice: 'The whole spool must be one file system and one mount: see `fsq doctor`, or set FSQ_SPOOL.',
    };
  }
  if (hasCode(error, 'EMFILE', 'ENFILE')) {
    return {
      code: 'FSQ_SPOOL',
      advice: 'Too many files are open: raise the limit (ulimit -n) or open fewer, and try again.',
    };
  }
  return { code: 'FSQ_SPOOL', advice: 'Nothing was changed by this call.' };
}
