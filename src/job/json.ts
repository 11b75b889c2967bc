/** What JSON carries unchanged, as a type and as a check. Anything else is refused with its path, never silently altered. */
import { NotSerialisableError } from './errors.ts';
import { longestCharacterBytes } from './json-text.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * `T` if every part of it survives JSON, with `never` in place of each part that does not (Date, Map, bigint, functions,
 * undefined inside arrays …), so that passing such a value does not compile.
 */
export type Serialisable<T> = unknown extends T
  ? T
  : T extends null | boolean | number | string
    ? T
    : T extends bigint | symbol | undefined | ((...args: never) => unknown)
      ? never
      : T extends Date | RegExp | Error | Promise<unknown> | ArrayBuffer | ArrayBufferView
        ? never
        : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | WeakMap<object, unknown> | WeakSet<object>
          ? never
          : T extends object
            ? { [K in keyof T]: Serialisable<T[K]> }
            : never;

/** How deep arrays and objects may nest; bounds the work that one job file can cause. */
export const MAX_DEPTH = 64;

/**
 * More bytes than `value` can have as JSON; NaN when it would not come back from JSON as it went in. Quick, because every
 * value that is sent or returned passes here: `assertSerialisable` then says what is wrong with the few that do not.
 */
export function jsonBoundBytes(value: unknown, depth = 0): number {
  switch (typeof value) {
    case 'string':
      return 2 + longestCharacterBytes(value) * value.length;
    case 'boolean':
      return 5;
    case 'number':
      return Number.isFinite(value) ? LONGEST_NUMBER : Number.NaN;
    case 'object':
      if (value === null) return 4;
      if (depth >= MAX_DEPTH) return Number.NaN;
      return Array.isArray(value) ? arrayBoundBytes(value, depth) : objectBoundBytes(value, depth);
    default:
      return Number.NaN;
  }
}

/** `-1.2345678901234567e-100`, with room. */
const LONGEST_NUMBER = 25;

function arrayBoundBytes(value: readonly unknown[], depth: number): number {
  if ('toJSON' in value) return Number.NaN;
  let bytes = 2;
  for (let i = 0; i < value.length; i++) {
    if (!(i in value)) return Number.NaN;
    bytes += 1 + jsonBoundBytes(value[i], depth + 1);
  }
  return bytes;
}

function objectBoundBytes(value: object, depth: number): number {
  if (!isPlain(value) || Object.getOwnPropertySymbols(value).length > 0) return Number.NaN;
  let bytes = 2;
  for (const [key, entry] of Object.entries(value)) {
    bytes += 4 + longestCharacterBytes(key) * key.length + jsonBoundBytes(entry, depth + 1);
  }
  return bytes;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || isForeignPlain(prototype);
}

/**
 * Throws unless `value` comes back from JSON as it went in.
 *
 * One exception: -0 arrives as 0, because refusing what `Math.round(-0.2)` returns would help nobody.
 *
 * @param path how to name `value` in the message, such as `args[0]`
 * @throws NotSerialisableError naming the first offending spot
 */
export function assertSerialisable(value: unknown, path: string, depth = 0): asserts value is JsonValue {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return;
    case 'number':
      if (!Number.isFinite(value)) throw new NotSerialisableError(path, String(value), 'Pass a finite number or null.');
      return;
    case 'object':
      if (value === null) return;
      break;
    case 'undefined':
      throw new NotSerialisableError(path, 'undefined', 'Leave it out or pass null.');
    case 'bigint':
      throw new NotSerialisableError(path, 'a BigInt', 'Pass it as a string.');
    default:
      throw new NotSerialisableError(path, `a ${typeof value}`, 'Pass plain data.');
  }
  if (depth >= MAX_DEPTH) {
    throw new NotSerialisableError(path, `nested more than ${MAX_DEPTH} levels deep or a cycle`, 'Pass flatter data.');
  }
  if (Array.isArray(value)) assertArray(value, path, depth);
  else assertPlainObject(value, path, depth);
}

/** True if arrays and objects in `value`, which JSON.parse made, nest more than `levels` deep. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) return value.some((entry) => isDeeperThan(entry, levels - 1));
  for (const key in value) if (isDeeperThan((value as Record<string, unknown>)[key], levels - 1)) return true;
  return false;
}

function assertArray(value: readonly unknown[], path: string, depth: number): void {
  if ('toJSON' in value) throw new NotSerialisableError(path, 'an array with a toJSON method', 'Pass what it gives.');
  for (let i = 0; i < value.length; i++) {
    if (!(i in value)) throw new NotSerialisableError(`${path}[${i}]`, 'a hole in an array', 'Fill it with null.');
    assertSerialisable(value[i], `${path}[${i}]`, depth + 1);
  }
}

function assertPlainObject(value: object, path: string, depth: number): void {
  if (!isPlain(value)) {
    throw new NotSerialisableError(path, `a ${className(value)}`, adviceFor(value));
  }
  if (Object.getOwnPropertySymbols(value).length > 0) {
    throw new NotSerialisableError(path, 'an object with symbol keys', 'Use string keys.');
  }
  for (const [key, entry] of Object.entries(value)) {
    assertSerialisable(
      entry,
      /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`,
      depth + 1,
    );
  }
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

function className(value: object): string {
  const { constructor } = value as { constructor?: unknown };
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'class instance';
}

function adviceFor(value: object): string {
  if (value instanceof Date) return 'Pass value.toISOString() or value.getTime().';
  if (value instanceof Map) return 'Pass Object.fromEntries(value) or [...value].';
  if (value instanceof Set) return 'Pass [...value].';
  if (ArrayBuffer.isView(value)) return "Pass it as a base64 string, or write it to a file and pass the file's path.";
  return 'Pass plain objects and arrays.';
}
