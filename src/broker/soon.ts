/**
 * Results that are often there at once. A promise costs about a microsecond, more while async hooks are on, and a job's way
 * through claim and settlement would need thirty: so the steps that never wait for the disk return their value instead.
 *
 * A failure is always a rejected promise, never a throw.
 */
export type Soon<T> = T | Promise<T>;

/** Not by `instanceof`: where a program has put another class into `globalThis.Promise`, an async function still gives Node's own. */
export function isPromise<T>(step: Soon<T>): step is Promise<T> {
  return typeof step === 'object' && step !== null && 'then' in step && typeof step.then === 'function';
}

/** Does `next` with the value of `step`: now if it is there, else when it comes. */
export function afterwards<T, U>(step: Soon<T>, next: (value: T) => Soon<U>): Soon<U> {
  if (isPromise(step)) return step.then(next);
  try {
    return next(step);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Does `act`; an error of it, now or later, goes to `mend`. */
export function orElse<T>(act: () => Soon<T>, mend: (error: unknown) => Soon<T>): Soon<T> {
  let step: Soon<T>;
  try {
    step = act();
  } catch (error) {
    return afterwards(undefined, () => mend(error));
  }
  return isPromise(step) ? step.catch(mend) : step;
}
