/** Errors as data: a thrown value becomes a `Failure` of texts that may be kept, and a failed outcome the error that `get()` throws. */
import {
  ExpiredError,
  type Failure,
  type FsqError,
  RevokedError,
  TaskError,
  TimeLimitError,
  WorkerLostError,
} from './errors.ts';
import { CommandError } from './ended/command-error.ts';
import type { Outcome } from './job.ts';
import { format } from './text.ts';
import { isBuiltIn, isErrorLike, peek } from './values/realm.ts';

/** Longest message and longest stack kept, in characters each: an error must not make an outcome too large to keep. */
const MAX_TEXT = 16_384;
const MAX_CODE = 128;
const MAX_CAUSES = 5;
/** Of the errors in an AggregateError: how many are kept in all, with their causes and the errors in them, and how much text of each. */
const MAX_INNER = 16;
const MAX_INNER_TEXT = 2_048;

/**
 * A thrown value as data. Never throws, whatever was thrown: a proxy, `null`, an error of another realm, an error with a broken
 * getter, of which only that property is lost.
 *
 * A text is redacted before it is cut: `redact` would not recognise half of a secret.
 */
export function toFailure(thrown: unknown, texts: ErrorTexts): Failure {
  return failureFrom(thrown, { texts, maxText: MAX_TEXT, depth: 0, inner: { left: MAX_INNER } });
}

/** How much may be kept of an error. */
interface Measure {
  readonly texts: ErrorTexts;
  readonly maxText: number;
  /** How many errors it is the cause of, or in. */
  readonly depth: number;
  /** What all errors below the thrown one share. */
  readonly inner: { left: number };
}

function failureFrom(thrown: unknown, measure: Measure): Failure {
  const { texts, maxText, depth } = measure;
  const kept = (text: string, length = maxText): string => redacted(text, texts.redact).slice(0, length);
  if (!isErrorLike(thrown)) return { name: 'NonError', message: nonErrorText(thrown, kept) };
  const [name, message, code] = [peek(thrown, 'name'), peek(thrown, 'message'), peek(thrown, 'code')];
  const stack = texts.stacks ? peek(thrown, 'stack') : undefined;
  const cause = depth < MAX_CAUSES ? peek(thrown, 'cause') : undefined;
  const errors = depth < MAX_CAUSES ? innerErrors(thrown, measure) : [];
  return {
    name: typeof name === 'string' ? kept(name) : isBuiltIn(thrown, 'Error') ? 'Error' : 'NonError',
    message: typeof message === 'string' ? kept(message) : '',
    ...(typeof stack === 'string' ? { stack: kept(stack) } : {}),
    ...(typeof code === 'string' || typeof code === 'number' ? { code: kept(String(code), MAX_CODE) } : {}),
    ...(code === 'FSQ_COMMAND' ? commandEnd(thrown) : {}),
    ...(cause === undefined || !takeRoom(measure)
      ? {}
      : { cause: failureFrom(cause, { ...measure, depth: depth + 1 }) }),
    ...(errors.length === 0 ? {} : { errors }),
  };
}

/** How the command ended that the error is about. */
function commandEnd(thrown: object): Pick<Failure, 'exitCode' | 'signal'> {
  const [exitCode, signal] = [peek(thrown, 'exitCode'), peek(thrown, 'signal')];
  return {
    ...(typeof exitCode === 'number' ? { exitCode } : {}),
    ...(typeof signal === 'string' ? { signal: signal.slice(0, MAX_CODE) } : {}),
  };
}

/** The thrown error's own causes are bounded by their depth; below an inner error everything counts. */
function takeRoom({ maxText, inner }: Measure): boolean {
  return maxText === MAX_TEXT || inner.left-- > 0;
}

/** The errors that an AggregateError (`Promise.any`) or a SuppressedError (`using`) is made of. */
function innerErrors(thrown: object, measure: Measure): readonly Failure[] {
  const below: Measure = { ...measure, maxText: MAX_INNER_TEXT, depth: measure.depth + 1 };
  const found: Failure[] = [];
  for (const error of partsOf(thrown)) {
    if (!takeRoom(below)) break;
    found.push(failureFrom(error, below));
  }
  return found;
}

function partsOf(thrown: object): readonly unknown[] {
  if (isOf(thrown, 'SuppressedError')) return [peek(thrown, 'error'), peek(thrown, 'suppressed')];
  const errors = isOf(thrown, 'AggregateError') ? peek(thrown, 'errors') : undefined;
  const length = peek(errors, 'length');
  const count = typeof length === 'number' ? Math.min(length, MAX_INNER) : 0;
  return Array.from({ length: count }, (_, i) => peek(errors, String(i)));
}

/** By its name too: a compiler's stand-in for a class that the runtime lacks has only the name. */
function isOf(thrown: object, name: 'AggregateError' | 'SuppressedError'): boolean {
  return peek(thrown, 'name') === name || isBuiltIn(thrown, name);
}

function nonErrorText(thrown: unknown, kept: (text: string) => string): string {
  try {
    const shown = typeof thrown === 'string' ? format(kept(thrown)) : kept(format(thrown));
    return `The task threw ${shown}, which is not an Error. Throw an Error.`;
  } catch {
    // The thrown value itself throws when looked at: all that can be said is that.
    return 'The task threw a value that cannot be read.';
  }
}

/** An error of fsq's own, in the shape in which outcomes keep errors. */
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
  if (error.name === 'CommandError' && error.code === 'FSQ_COMMAND')
    return new CommandError(error.message, { exitCode: error.exitCode ?? null, signal: error.signal ?? null });
  return new TaskError(id, error, attempts);
}

/** Takes a text of an error and returns the text that may be kept and shown. */
export type Redact = (text: string) => string;

/** Which texts of errors may be kept. */
export interface ErrorTexts {
  /** Null: every text as it is. */
  readonly redact: Redact | null;
  readonly stacks: boolean;
}

/** For errors that nobody sees but the person at the keyboard. */
export const ALL_TEXTS: ErrorTexts = { redact: null, stacks: true };

/** Takes the place of a text on which `redact` failed: that text might be a secret. */
export const REMOVED = '(removed: the setting `redact` threw, or gave no string)';

/** `text` as `redact` returns it. Never throws, and never returns a text that did not come from `redact`. */
export function redacted(text: string, redact: Redact | null): string {
  if (redact === null) return text;
  try {
    const answer: unknown = redact(text);
    if (typeof answer === 'string') return answer;
    // An async function returns a promise: if nothing handled its rejection, the process would end.
    Promise.resolve(answer).catch(() => undefined);
  } catch {
    // Its error is dropped: it may hold the text itself.
  }
  return REMOVED;
}
