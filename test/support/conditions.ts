/** Waiting for a condition instead of for a time. */
import { setTimeout as wait } from 'node:timers/promises';

const LOOK_EVERY_MS = 5;
/** Nobody waits so long but where something is broken; a busy machine may need a good part of it. */
const DEADLINE_MS = 45_000;
/** Real time, also where a test lets `performance.now` jump. */
const now = performance.now.bind(performance);

/**
 * The first value of `look` that is not null, undefined or false.
 *
 * @param name what is waited for; in the message when it does not come
 * @param deadlineMs default 45,000
 */
export async function until<T>(
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  name: string,
  deadlineMs = DEADLINE_MS,
): Promise<T> {
  const endAt = now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (value !== null && value !== undefined && value !== false) return value;
    if (now() > endAt) throw new Error(`Waited ${deadlineMs} ms in vain until ${name}`);
    await wait(LOOK_EVERY_MS);
  }
}

/** What `promise` gives, or a rejection that says what did not come in time. */
export async function within<T>(promise: T | Promise<T>, name: string, deadlineMs = DEADLINE_MS): Promise<T> {
  const { promise: late, reject } = deferred<never>();
  const timer = setTimeout(() => reject(new Error(`Waited ${deadlineMs} ms in vain for ${name}`)), deadlineMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A promise that a test settles when it likes. */
export function deferred<T>(): {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
} {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
