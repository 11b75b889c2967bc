/** The arguments, headers and result of a job: copied as they stood when they were given, checked, and within their limits of size. */
import { NotSerialisableError, UsageError } from '../errors.ts';
import { format } from '../text.ts';
import { type JsonValue, longestCharacterBytes, MAX_DEPTH, type Serialisable } from './json.ts';
import { isDate, isMap, isRecord, isSet, isThenable, peek, reasonOf } from './realm.ts';

/** The arguments `A` if each survives JSON, else `never` in its place: a Date does not compile. */
export type SerialisableArgs<A extends readonly unknown[]> = { [K in keyof A]: Serialisable<A[K]> };

/** Stands where arguments would, in tasks whose result no worker could keep. */
export interface UnserialisableResult<R> {
  readonly 'what this task returns does not survive JSON': R;
}

/** The arguments with which a task that returns `R` can be sent: none, when its job would run and then fail for its result. */
export type Sendable<A extends readonly unknown[], R> = [Exclude<R, void>] extends [Serialisable<Exclude<R, void>>]
  ? SerialisableArgs<A>
  : [returned: UnserialisableResult<R>];

/** Largest size of a job's arguments, and of a result, bytes of JSON. */
export const MAX_PAYLOAD_BYTES: number = 4 * 1024 * 1024;

/**
 * A copy of the arguments, checked. Those at the end that are undefined are left out: the function gets the same without them.
 *
 * @param path how to name all of them in a message
 * @throws NotSerialisableError, UsageError (FSQ_TOO_LARGE) when a job cannot carry them
 */
export function checkedArguments(task: string, args: readonly unknown[], path = 'args'): readonly JsonValue[] {
  const copy: unknown[] = [...args];
  while (copy.length > 0 && copy[copy.length - 1] === undefined) copy.pop();
  const count = new Count();
  count.bytes = 2 + copy.length;
  for (let i = 0; i < copy.length; i++) {
    copy[i] = copyCounted(copy[i], count);
    if (count.fault !== null) throw notSerialisable(`${path}[${i}]`, count.fault);
  }
  if (count.bytes > MAX_PAYLOAD_BYTES)
    refuseTooLarge(copy, count, `The arguments of ${task} have`, MAX_PAYLOAD_BYTES, FOR_ARGUMENTS);
  return copy as JsonValue[]; // No fault was found.
}

const FOR_ARGUMENTS = 'accepted. Write the data to a file and pass its path.';
const FOR_HEADERS = 'accepted. Pass the data as an argument.';
const FOR_NOTES = 'kept. Write the data to a file and pass its path.';
const FOR_RESULTS = 'kept. Write it to a file and return its path.';

/** Largest size of a checkpoint, bytes of JSON. */
export const MAX_CHECKPOINT_BYTES: number = 1024 * 1024;

/** Largest size of a job's headers, bytes of JSON. */
export const MAX_HEADERS_BYTES: number = 64 * 1024;

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** A copy of the headers, checked; undefined ones are left out. @throws UsageError */
export function checkedHeaders(task: string, headers: unknown): Readonly<Record<string, string>> {
  if (headers === undefined) return NO_HEADERS;
  const count = new Count();
  const copy = copyCounted(headers, count);
  const entries = isRecord(copy) ? Object.entries(copy).filter(([, value]) => value !== undefined) : [];
  const isGood = isRecord(copy) && count.fault === null && entries.every(isText);
  if (!isGood) throw new UsageError(`Expected \`headers\` to be an object of strings, got ${wrongIn(headers, copy)}`);
  const texts = Object.fromEntries(entries.filter(isText));
  if (count.bytes > MAX_HEADERS_BYTES)
    refuseTooLarge(texts, count, `The headers of ${task} have`, MAX_HEADERS_BYTES, FOR_HEADERS);
  return texts;
}

/** The fault of these headers, for the message: the first that is no text, or else their kind. */
function wrongIn(headers: unknown, copy: unknown): string {
  const others = isRecord(copy) ? Object.entries(copy).filter((entry) => entry[1] !== undefined && !isText(entry)) : [];
  const [bad] = others;
  return bad === undefined ? format(headers) : `${format(peek(headers, bad[0]))} as ${format(bad[0])}`;
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
  const count = new Count();
  // The mark between name and path shows that what follows is a part of the value, not of the task.
  const copy = copyOf(returned, `${task}(…)`, count);
  if (count.bytes > MAX_PAYLOAD_BYTES)
    refuseTooLarge(copy, count, `The value returned by ${task} has`, MAX_PAYLOAD_BYTES, FOR_RESULTS);
  return copy;
}

/**
 * A copy of what a task tells of itself or keeps while it runs, checked.
 *
 * @param path how to name it in a message
 * @throws NotSerialisableError, UsageError (FSQ_TOO_LARGE)
 */
export function checkedNote(value: unknown, path: string, maxBytes: number): JsonValue {
  const count = new Count();
  const copy = copyOf(value, path, count);
  if (count.bytes > maxBytes) refuseTooLarge(copy, count, `The ${path} has`, maxBytes, FOR_NOTES);
  return copy;
}

function refuseTooLarge(copy: unknown, count: Count, what: string, maxBytes: number, advice: string): void {
  const bytes = Number.isFinite(count.bytes) ? Buffer.byteLength(JSON.stringify(copy)) : null;
  if (bytes !== null && bytes <= maxBytes) return;
  throw new UsageError(
    `${what} ${bytes ?? 'millions of'} bytes of JSON; at most ${maxBytes} are ${advice}`,
    'FSQ_TOO_LARGE',
  );
}

/** The size and the faults of the values copied so far. */
export class Count {
  /** More than it can have as JSON; NaN when JSON would change a part of it, Infinity when there are more parts than are copied. */
  bytes = 0;
  /** Values in arrays and objects: each has two bytes of JSON or more. */
  parts = 0;
  /** The first part that JSON would change; null while there is none. */
  fault: Fault | null = null;
}

interface Fault {
  /** From the value that was to be copied. */
  readonly path: string;
  readonly what: string;
  readonly advice: string;
}

/** So many parts are more than any limit of bytes allows. Few values with parts in common may have billions. */
const MOST_PARTS = 4 * 1024 * 1024;
/** `-1.2345678901234567e-100`, with room. */
const LONGEST_NUMBER = 25;

/**
 * A copy of `value` that nobody else has, as it comes back from JSON. Two exceptions, because refusing them would help nobody: -0,
 * which `Math.round(-0.2)` returns, arrives as 0, and a property that is undefined does not arrive: its reader sees no difference.
 *
 * @param path how to name `value` in the message, such as `args[0]`
 * @throws NotSerialisableError naming the first part that JSON would change
 */
export function copyOf(value: unknown, path: string, count: Count = new Count()): JsonValue {
  const copy = copyCounted(value, count);
  if (count.fault !== null) throw notSerialisable(path, count.fault);
  return copy as JsonValue; // No fault was found.
}

function notSerialisable(path: string, fault: Fault): NotSerialisableError {
  return new NotSerialisableError(path + fault.path, fault.what, fault.advice);
}

/**
 * The same, which tells a fault in `count`. Each part is read once, so what is counted is what is kept: later changes, getters and
 * Proxies cannot make another value of it. Where the count is not finite the copy is not whole: a value that holds itself in two
 * places has no end of parts.
 */
function copyCounted(value: unknown, count: Count, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      count.bytes += 2 + longestCharacterBytes(value) * value.length;
      break;
    case 'boolean':
      count.bytes += 5;
      break;
    case 'number':
      count.bytes += LONGEST_NUMBER;
      if (!Number.isFinite(value)) setFault(count, String(value), 'Pass a finite number or null.');
      break;
    case 'object':
      count.bytes += 4;
      if (value === null) break;
      if (depth < MAX_DEPTH) return copyParts(value, count, depth);
      setFault(count, `nested more than ${MAX_DEPTH} levels deep or a cycle`, 'Pass flatter data.');
      break;
    case 'undefined':
      setFault(count, 'undefined', 'Leave it out or pass null.');
      break;
    case 'bigint':
      setFault(count, 'a BigInt', 'Pass it as a string.');
      break;
    default:
      setFault(count, `a ${typeof value}`, 'Pass plain data.');
  }
  return value;
}

/** A value may refuse to be read: a revoked proxy, a getter that throws. */
function copyParts(value: object, count: Count, depth: number): unknown {
  try {
    return Array.isArray(value) ? copyArray(value, count, depth) : copyObject(value, count, depth);
  } catch (error) {
    setFault(count, `an object that cannot be read (${reasonOf(error)})`, 'Pass plain data.');
    return value;
  }
}

function copyArray(value: readonly unknown[], count: Count, depth: number): readonly unknown[] {
  const copy: unknown[] = [...value];
  if ('toJSON' in value) setFault(count, 'an array with a toJSON method', 'Pass what it gives.');
  count.bytes += copy.length;
  addParts(count, copy.length);
  for (let i = 0; i < copy.length && Number.isFinite(count.bytes); i++) {
    const entry = copy[i];
    if (entry === undefined && !(i in value)) setFault(count, 'a hole in an array', 'Fill it with null.');
    const copied = copyCounted(entry, count, depth + 1);
    if (copied !== entry) copy[i] = copied;
    if (count.fault !== null) count.fault = { ...count.fault, path: `[${i}]${count.fault.path}` };
  }
  return copy;
}

function copyObject(value: object, count: Count, depth: number): object {
  const copy: Record<string, unknown> = { ...value };
  if (!isPlain(value)) setFault(count, className(value), adviceFor(value));
  else if (Object.getOwnPropertySymbols(copy).length > 0)
    setFault(count, 'an object with symbol keys', 'Use string keys.');
  const keys = Object.keys(copy);
  addParts(count, keys.length);
  for (const key of keys) {
    if (!Number.isFinite(count.bytes)) break;
    const entry = copy[key];
    if (entry === undefined) continue;
    count.bytes += 4 + longestCharacterBytes(key) * key.length;
    const copied = copyCounted(entry, count, depth + 1);
    if (copied !== entry) copy[key] = copied;
    if (count.fault !== null) count.fault = { ...count.fault, path: nameOf(key) + count.fault.path };
  }
  return copy;
}

/** The first fault counts: nothing is copied after it. */
function setFault(count: Count, what: string, advice: string): void {
  count.fault ??= { path: '', what, advice };
  count.bytes = Number.NaN;
}

function addParts(count: Count, parts: number): void {
  count.parts += parts;
  if (count.parts > MOST_PARTS) count.bytes += Number.POSITIVE_INFINITY;
}

function nameOf(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || isForeignPlain(prototype);
}

/** A plain object of another realm (node:vm, a test runner): its prototype is that realm's Object.prototype. */
function isForeignPlain(prototype: unknown): boolean {
  return (
    typeof prototype === 'object' &&
    prototype !== null &&
    Object.getPrototypeOf(prototype) === null &&
    Object.hasOwn(prototype, 'hasOwnProperty')
  );
}

/** With its article. */
function className(value: object): string {
  const { constructor } = value as { constructor?: unknown };
  const name = typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'class instance';
  return `${/^[AEIOU]/.test(name) ? 'an' : 'a'} ${name}`;
}

function adviceFor(value: object): string {
  if (isDate(value)) return 'Pass value.toISOString() or value.getTime().';
  if (isMap(value)) return 'Pass Object.fromEntries(value) or [...value].';
  if (isSet(value)) return 'Pass [...value].';
  if (ArrayBuffer.isView(value)) return "Pass it as a base64 string, or write it to a file and pass the file's path.";
  if (isThenable(value)) return 'Await it first.';
  if (isHandle(value)) return 'Pass its id, or await what its get() gives.';
  return 'Pass plain objects and arrays.';
}

/** A handle of a job, or of several: minifiers give their classes other names. */
function isHandle(value: object): boolean {
  return typeof peek(value, 'get') === 'function' && typeof peek(value, 'revoke') === 'function';
}
