/** What makes two jobs of a task one: their key, and how long the first stands for the second. */
import type { Duration } from './duration.ts';
import { durationMs } from './duration.ts';
import { UsageError } from './errors.ts';
import { format } from './format.ts';

/**
 * How long a job keeps others of its key out: while it waits, until it has an outcome, or for a time from its sending on,
 * whatever became of it.
 */
export type Unique = 'while-pending' | 'while-unfinished' | Duration;

/** The same, checked. */
export interface Uniqueness {
  readonly key: string;
  readonly until: 'started' | 'ended' | { readonly ms: number };
}

/** Longest key, bytes of UTF-8: room for a URL or a hash of anything longer. */
export const MAX_KEY_BYTES = 1_024;
/** Half of a pair: two such texts could be one key on disk. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** True for what can be a key. */
export function isKey(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > MAX_KEY_BYTES) return false;
  return Buffer.byteLength(value) <= MAX_KEY_BYTES && !LONE_SURROGATE.test(value);
}

/** @throws UsageError */
export function checkKey(value: unknown): string {
  if (isKey(value)) return value;
  const wanted = `Expected \`key\` to be a text of 1 to ${MAX_KEY_BYTES} bytes of UTF-8`;
  if (typeof value !== 'string') throw new UsageError(`${wanted}, got ${format(value)}`);
  if (value === '') throw new UsageError(`${wanted}, got an empty one; leave it out for none`);
  if (LONE_SURROGATE.test(value)) throw new UsageError(`${wanted}, got one with half a character in it`);
  throw new UsageError(`${wanted}, got ${Buffer.byteLength(value)} bytes: use a hash of it as the key`);
}

/** @throws UsageError */
export function checkUnique(value: unknown): Uniqueness['until'] {
  if (value === 'while-pending') return 'started';
  if (value === 'while-unfinished') return 'ended';
  const ms = isDurationLike(value) ? durationMs(value, 'unique') : 0;
  if (ms > 0) return { ms };
  throw new UsageError(
    `Expected \`unique\` to be 'while-pending', 'while-unfinished' or a duration of more than 0, such as '1h', got ${format(value)}`,
  );
}

/** Words that are no duration get the message that lists the other two as well. */
function isDurationLike(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^\d/.test(value));
}
