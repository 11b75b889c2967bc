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
import { type ErrorTexts, redacted } from './redaction.ts';

/** Longest message and longest stack kept, in characters each: an error must not make an outcome too large to keep. */
const MAX_TEXT = 16_384;
const MAX_CODE = 128;
const MAX_CAUSES = 5;

/**
 * What is kept of a thrown value. Never throws, whatever was thrown: a proxy, `null`, an error with a broken getter.
 *
 * A text is redacted before it is cut: half of a secret would not be known as one.
 */
export function toFailure(thrown: unknown, texts: ErrorTexts, depth = 0): Failure {
  const kept = (text: string, length = MAX_TEXT): string => redacted(text, texts.redact).slice(0, length);
  try {
    if (!(thrown instanceof Error)) {
      const shown = typeof thrown === 'string' ? format(kept(thrown)) : kept(format(thrown));
      return { name: 'NonError', message: `The task threw ${shown}, which is not an Error. Throw an Error.` };
    }
    const { name, message, cause } = thrown;
    const stack: unknown = texts.stacks ? thrown.stack : undefined;
    const code: unknown = 'code' in thrown ? thrown.code : undefined;
    return {
      name: typeof name === 'string' ? kept(name) : 'Error',
      message: typeof message === 'string' ? kept(message) : '',
      ...(typeof stack === 'string' ? { stack: kept(stack) } : {}),
      ...(typeof code === 'string' || typeof code === 'number' ? { code: kept(String(code), MAX_CODE) } : {}),
      ...(cause !== undefined && depth < MAX_CAUSES ? { cause: toFailure(cause, texts, depth + 1) } : {}),
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
