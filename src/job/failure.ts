/** Errors as data: what a task threw becomes a `Failure`, and a failed outcome becomes the error that `get()` throws. */
import {
  ExpiredError,
  type Failure,
  type FsqError,
  RevokedError,
  TaskError,
  TimeLimitError,
  WorkerLostError,
} from './errors.ts';
import { format } from './format.ts';
import type { Outcome } from './job.ts';

/** Longest message and longest stack kept, in characters each: an error must not make an outcome too large to keep. */
const MAX_TEXT = 16_384;
const MAX_CAUSES = 5;

/** What is kept of a thrown value. Never throws, whatever was thrown: a proxy, `null`, an error with a broken getter. */
export function toFailure(thrown: unknown, depth = 0): Failure {
  try {
    if (!(thrown instanceof Error)) {
      return { name: 'NonError', message: `The task threw ${format(thrown)}, which is not an Error. Throw an Error.` };
    }
    const { name, message, stack, cause } = thrown;
    const code: unknown = 'code' in thrown ? thrown.code : undefined;
    return {
      name: text(name, 'Error'),
      message: text(message, ''),
      ...(typeof stack === 'string' ? { stack: stack.slice(0, MAX_TEXT) } : {}),
      ...(typeof code === 'string' || typeof code === 'number' ? { code: String(code).slice(0, 128) } : {}),
      ...(cause !== undefined && depth < MAX_CAUSES ? { cause: toFailure(cause, depth + 1) } : {}),
    };
  } catch {
    // The thrown value itself throws when looked at: all that can be said is that.
    return { name: 'NonError', message: 'The task threw a value that cannot be read.' };
  }
}

/** What fsq itself has to say of a job, in the shape in which outcomes keep errors. */
export function failureOf(error: FsqError): Failure {
  return { name: error.name, message: error.message, code: error.code };
}

/**
 * The error that `get()` throws for an outcome that is not a success. The class follows from the state and from fsq's own
 * codes by this fixed list; nothing is ever looked up by a name found in a file.
 */
export function toError(id: string, outcome: Exclude<Outcome, { state: 'succeeded' }>, attempts: number): FsqError {
  const { state, error } = outcome;
  if (state === 'revoked') return new RevokedError(error.message);
  if (state === 'expired') return new ExpiredError(error.message);
  if (error.name === 'WorkerLostError' && error.code === 'FSQ_WORKER_LOST') return new WorkerLostError(error.message);
  if (error.name === 'TimeLimitError' && error.code === 'FSQ_TIME_LIMIT') return new TimeLimitError(error.message);
  return new TaskError(id, error, attempts);
}

function text(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value.slice(0, MAX_TEXT) : fallback;
}
