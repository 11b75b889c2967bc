/** Waiting for a condition instead of for a time. */
import { setTimeout as wait } from 'node:timers/promises';

const LOOK_EVERY_MS = 5;

/**
 * The first value of `look` that is not null, undefined or false.
 *
 * @param name what is waited for; in the message when it does not come
 * @param deadlineMs default 20,000
 */
export async function until<T>(
  look: () => T | null | undefined | false | Promise<T | null | undefined | false>,
  name: string,
  deadlineMs = 20_000,
): Promise<T> {
  const endAt = performance.now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > endAt) throw new Error(`Waited ${deadlineMs} ms in vain until ${name}`);
    await wait(LOOK_EVERY_MS);
  }
}
