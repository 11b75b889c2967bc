/** What a job carries: its arguments and its result, as they stood when they were given, within the size that is kept. */
import { NotSerialisableError, UsageError } from '../errors.ts';
import { format } from '../text.ts';
import { longestCharacterBytes } from './json-text.ts';
import { assertSerialisable, isPlain, type JsonValue, MAX_DEPTH, type Serialisable } from './json.ts';
import { isRecord } from './realm.ts';

/** The arguments `A` if each survives JSON, else `never` in its place: a Date does not compile. */
export type SerialisableArgs<A extends readonly unknown[]> = { [K in keyof A]: Serialisable<A[K]> };

/** Stands where arguments would, in tasks whose result no worker could keep. */
export interface UnserialisableResult<R> {
  readonly 'what this task returns does not survive JSON': R;
}

/** What can be sent of a task with arguments `A` that returns `R`: nothing, when its job would run and then fail for its result. */
export type Sendable<A extends readonly unknown[], R> = [Exclude<R, void>] extends [Serialisable<Exclude<R, void>>]
  ? SerialisableArgs<A>
  : [returned: UnserialisableResult<R>];

/** Largest size of a job's arguments, and of a result, bytes of JSON. */
export const MAX_PAYLOAD_BYTES: number = 4 * 1024 * 1024;

/**
 * A copy of the arguments, checked. Those at the end that are undefined are left out: the function gets the same without them.
 *
 * @throws NotSerialisableError, UsageError (FSQ_TOO_LARGE) when a job cannot carry them
 */
export function checkedArguments(task: string, args: readonly unknown[]): readonly JsonValue[] {
  const copy: unknown[] = [...args];
  while (copy.length > 0 && copy[copy.length - 1] === undefined) copy.pop();
  const count = { bytes: 2 + copy.length, parts: 0 };
  for (let i = 0; i < copy.length; i++) copy[i] = copyCounted(copy[i], count);
  if (Number.isNaN(count.bytes)) {
    for (let i = 0; i < copy.length; i++) assertSerialisable(args[i], `args[${i}]`);
    throw changing('args');
  }
  if (count.bytes > MAX_PAYLOAD_BYTES) {
    refuseTooLarge(
      copy,
      count,
      `The arguments of ${task} have`,
      MAX_PAYLOAD_BYTES,
      'accepted. Write the data to a file and pass its path.',
    );
  }
  return copy as JsonValue[]; // What the count says.
}

/** Largest size of a job's headers, bytes of JSON. */
export const MAX_HEADERS_BYTES: number = 64 * 1024;

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** A copy of the headers, checked; undefined ones are left out. @throws UsageError */
export function checkedHeaders(task: string, headers: unknown): Readonly<Record<string, string>> {
  if (headers === undefined) return NO_HEADERS;
  const count = { bytes: 0, parts: 0 };
  const copy = copyCounted(headers, count);
  const entries = isRecord(copy) ? Object.entries(copy).filter(([, value]) => value !== undefined) : [];
  const isGood = isRecord(copy) && !Number.isNaN(count.bytes) && entries.every(isText);
  if (!isGood) throw new UsageError(`Expected \`headers\` to be an object of strings, got ${wrongIn(headers, copy)}`);
  const texts = Object.fromEntries(entries.filter(isText));
  const what = `The headers of ${task} have`;
  if (count.bytes > MAX_HEADERS_BYTES)
    refuseTooLarge(texts, count, what, MAX_HEADERS_BYTES, 'accepted. Pass the data as an argument.');
  return texts;
}

/** What is wrong with headers, given and as copied: the first that is no text, else what was given. */
function wrongIn(headers: unknown, copy: unknown): string {
  const others = isRecord(copy) ? Object.entries(copy).filter((entry) => entry[1] !== undefined && !isText(entry)) : [];
  const [bad] = others;
  return bad === undefined ? format(headers) : `${format(bad[1])} as ${format(bad[0])}`;
}

function isText(entry: readonly [string, unknown]): entry is [string, string] {
  return typeof entry[1] === 'string';
}

/**
 * A copy of what a task returned, checked; undefined stays undefined.
 *
 * @throws NotSerialisableError, UsageError (FSQ_TOO_LARGE): the run then counts as failed, with that reason
 */
export function checkedResult(task: string, returned: unknown): JsonValue | undefined {
  if (returned === undefined) return undefined;
  const count = { bytes: 0, parts: 0 };
  const copy = copyCounted(returned, count);
  if (Number.isNaN(count.bytes)) {
    const place = `${task}(…)`; // What stands behind it then reads as a part of the value, not of the task.
    assertSerialisable(returned, place);
    throw changing(place);
  }
  if (count.bytes > MAX_PAYLOAD_BYTES) {
    refuseTooLarge(
      copy,
      count,
      `The value returned by ${task} has`,
      MAX_PAYLOAD_BYTES,
      'kept. Write it to a file and return its path.',
    );
  }
  return copy as JsonValue; // What the count says.
}

/** For what was bad when it was copied and good when it was looked at again. */
function changing(path: string): NotSerialisableError {
  return new NotSerialisableError(path, 'another value each time it is read', 'Pass plain data.');
}

function refuseTooLarge(copy: unknown, count: ByteCount, what: string, maxBytes: number, advice: string): void {
  const bytes = Number.isFinite(count.bytes) ? Buffer.byteLength(JSON.stringify(copy)) : null;
  if (bytes !== null && bytes <= maxBytes) return;
  throw new UsageError(
    `${what} ${bytes ?? 'millions of'} bytes of JSON; at most ${maxBytes} are ${advice}`,
    'FSQ_TOO_LARGE',
  );
}

/** What `copyCounted` has met so far. */
export interface ByteCount {
  /** More than it can have as JSON; NaN when JSON would change a part of it, Infinity when there are more parts than are copied. */
  bytes: number;
  /** Values in arrays and objects: each has two bytes of JSON or more. */
  parts: number;
}

/** So many parts are more than any limit of bytes allows. Few values with parts in common may have billions. */
const MOST_PARTS = 4 * 1024 * 1024;

/**
 * A copy of `value` that nobody else has. Each part is read once, so what is counted is what is kept: later changes, getters
 * and Proxies cannot make another value of it. Properties that are undefined stay, and JSON.stringify leaves them out.
 *
 * Quick, because every value that is sent or returned passes here: where the count is NaN, `assertSerialisable` says what is
 * wrong with `value`. The rest of it is not looked at then: a value that holds itself in two places has no end of parts. Where
 * the count is Infinity the copy is not whole.
 */
export function copyCounted(value: unknown, count: ByteCount, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      count.bytes += 2 + longestCharacterBytes(value) * value.length;
      return value;
    case 'boolean':
      count.bytes += 5;
      return value;
    case 'number':
      count.bytes += Number.isFinite(value) ? LONGEST_NUMBER : Number.NaN;
      return value;
    case 'object':
      count.bytes += value === null ? 4 : depth >= MAX_DEPTH ? Number.NaN : 2;
      if (value === null || depth >= MAX_DEPTH) return value;
      return Array.isArray(value) ? copyArray(value, count, depth) : copyObject(value, count, depth);
    default:
      count.bytes = Number.NaN;
      return value;
  }
}

/** `-1.2345678901234567e-100`, with room. */
const LONGEST_NUMBER = 25;

function copyArray(value: readonly unknown[], count: ByteCount, depth: number): readonly unknown[] {
  const copy: unknown[] = [...value];
  if ('toJSON' in value) count.bytes = Number.NaN;
  count.bytes += copy.length;
  addParts(count, copy.length);
  for (let i = 0; i < copy.length && Number.isFinite(count.bytes); i++) {
    const entry = copy[i];
    const copied = copyCounted(entry, count, depth + 1);
    if (copied !== entry) copy[i] = copied;
  }
  return copy;
}

function addParts(count: ByteCount, parts: number): void {
  count.parts += parts;
  if (count.parts > MOST_PARTS) count.bytes += Number.POSITIVE_INFINITY;
}

function copyObject(value: object, count: ByteCount, depth: number): object {
  const copy: Record<string, unknown> = { ...value };
  if (!isPlain(value) || Object.getOwnPropertySymbols(copy).length > 0) count.bytes = Number.NaN;
  const keys = Object.keys(copy);
  addParts(count, keys.length);
  for (const key of keys) {
    if (!Number.isFinite(count.bytes)) break;
    const entry = copy[key];
    if (entry === undefined) continue;
    count.bytes += 4 + longestCharacterBytes(key) * key.length;
    const copied = copyCounted(entry, count, depth + 1);
    if (copied !== entry) copy[key] = copied;
  }
  return copy;
}
