/** `retryOn`: which errors of a task are worth another try. A function or classes, so only a registration can say it. */
import { UsageError } from '../job/errors.ts';
import { format } from '../job/text.ts';
import { isBuiltIn, isLanguageClass } from '../job/values/realm.ts';

/** A class of errors. */
export type ErrorClass = abstract new (...args: never) => Error;

/** An error class, several of them, or a function that says true for errors to be tried again. */
export type RetryOn = ErrorClass | readonly ErrorClass[] | ((error: unknown) => boolean);

/**
 * `retryOn` as a predicate. A class of the language, such as RangeError, stands for that of every realm; any other class matches
 * as `instanceof` does: two classes of one name may mean different things.
 *
 * @throws UsageError
 */
export function toPredicate(retryOn: unknown): (thrown: unknown) => unknown {
  if (typeof retryOn === 'function' && !isErrorClass(retryOn)) return retryOn as (thrown: unknown) => unknown;
  const classes: readonly unknown[] = Array.isArray(retryOn) ? retryOn : [retryOn];
  if (classes.length === 0) throw new UsageError('Expected `retryOn` to name an error class, got an empty array');
  for (const each of classes) {
    if (isErrorClass(each)) continue;
    throw new UsageError(
      `Expected \`retryOn\` to be an error class, an array of such, or a function of the error, got ${format(each)}`,
    );
  }
  return (thrown) => classes.filter(isErrorClass).some((each) => matches(thrown, each));
}

function matches(thrown: unknown, each: ErrorClass): boolean {
  return thrown instanceof each || (isLanguageClass(each, each.name) && isBuiltIn(thrown, each.name));
}

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === 'function' && (isLanguageClass(value, 'Error') || isBuiltIn(value.prototype, 'Error'));
}
