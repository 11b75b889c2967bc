/** What a task threw, turned into how its run ended: a failure that may be tried again or not, or a retry it asked for. */
import { RetryError } from '../job/errors.ts';
import { type ErrorTexts, toFailure } from '../job/failure.ts';
import { format } from '../job/text.ts';
import type { Ending } from '../job/lifecycle.ts';
import { peek } from '../job/values/realm.ts';
import type { RegisteredTask } from './registry.ts';

/** Never throws, whatever was thrown, and whatever `retryOn` does. */
export function endingOf(thrown: unknown, task: RegisteredTask, texts: ErrorTexts): Ending {
  const itsTexts = { ...texts, redact: task.redact ?? texts.redact };
  const error = toFailure(thrown, itsTexts);
  if (thrown instanceof RetryError) {
    // Another copy of fsq may have made it, and anybody may throw one that looks like it.
    const delayMs = peek(thrown, 'countdownMs');
    return { kind: 'retry-asked', error, delayMs: typeof delayMs === 'number' && delayMs >= 0 ? delayMs : null };
  }
  if (error.code === 'FSQ_PERMANENT') return { kind: 'threw', error, isFinal: true };
  if (task.retryOn === undefined) return { kind: 'threw', error };
  try {
    return { kind: 'threw', error, isFinal: !isRetriedOn(task.retryOn(thrown)) };
  } catch (reason) {
    const { name, message } = toFailure(reason, itsTexts);
    const text = `retryOn of task ${task.name} failed (${name}: ${message}), so the job is not tried again`;
    return {
      kind: 'threw',
      error: { name: 'UsageError', message: text, code: 'FSQ_USAGE', cause: error },
      isFinal: true,
    };
  }
}

/** Not just anything that counts as true: an async predicate gives a promise, and always would. */
function isRetriedOn(answer: unknown): boolean {
  if (typeof answer === 'boolean') return answer;
  throw new TypeError(`it gave ${format(answer)} instead of true or false`);
}
