/**
 * Results that are often there at once. A promise costs about a microsecond, more while async hooks are on, and a job's way
 * through claim and settlement would need thirty: so the steps that never wait for the disk return their value instead.
 *
 * What fails is always a rejected promise, never a throw.
 */
export type Soon<T> = T | Promise<T>;

/** Does `next` with the value of `step`: now if it is there, else when it comes. */
export function afterwards<T, U>(step: Soon<T>, next: (value: T) => Soon<U>): Soon<U> {
  if (step instanceof Promise) return step.then(next);
  try {
    return next(step);
  } catch (error) {
    return Promise.reject(error);
  }
}

/** Does `act`; what it throws, now or later, goes to `mend`. */
export function orElse<T>(act: () => Soon<T>, mend: (error: unknown) => Soon<T>): Soon<T> {
  let step: Soon<T>;
  try {
    step = act();
  } catch (error) {
    return afterwards(undefined, () => mend(error));
  }
  return step instanceof Promise ? step.catch(mend) : step;
}
