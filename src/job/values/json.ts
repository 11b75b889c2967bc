/** What JSON carries unchanged, as a type and as a check. Anything else is refused with its path, never silently altered. */
import { NotSerialisableError } from '../errors.ts';
import { isDate, isMap, isSet } from './realm.ts';

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/**
 * `T` if every part of it survives JSON, with `never` in place of each part that does not (Date, Map, bigint, functions,
 * undefined inside arrays …), so that passing such a value does not compile. What is JSON by its type is not looked into:
 * recursive types of JSON have no end.
 */
export type Serialisable<T> = unknown extends T
  ? T
  : T extends JsonValue
    ? T
    : T extends bigint | symbol | undefined | ((...args: never) => unknown)
      ? never
      : T extends Date | RegExp | Error | Promise<unknown> | ArrayBuffer | ArrayBufferView
        ? never
        : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | WeakMap<object, unknown> | WeakSet<object>
          ? never
          : T extends readonly unknown[]
            ? { [K in keyof T]: Serialisable<T[K]> }
            : T extends object
              ? { [K in keyof T]: SerialisableProperty<T[K]> }
              : never;

/** A property that is undefined does not arrive, and is read as undefined then. */
type SerialisableProperty<T> = undefined extends T ? Serialisable<Exclude<T, undefined>> | undefined : Serialisable<T>;

/** How deep arrays and objects may nest; bounds the work that one job file can cause. */
export const MAX_DEPTH = 64;

export function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || isForeignPlain(prototype);
}

/**
 * Throws unless `value` comes back from JSON as it went in.
 *
 * Two exceptions, because refusing them would help nobody: -0, which `Math.round(-0.2)` returns, arrives as 0, and a property
 * that is undefined does not arrive: to who reads it that is the same.
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
    if (entry === undefined) continue;
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
  if (isDate(value)) return 'Pass value.toISOString() or value.getTime().';
  if (isMap(value)) return 'Pass Object.fromEntries(value) or [...value].';
  if (isSet(value)) return 'Pass [...value].';
  if (ArrayBuffer.isView(value)) return "Pass it as a base64 string, or write it to a file and pass the file's path.";
  return 'Pass plain objects and arrays.';
}

/** What is wrong, or may be, with a value that JSON.parse made: it nests too deep, or has a number that may have been written otherwise. */
export type Doubt = 'depth' | 'number';

/** The doubt in `value`, that of its depth first; null when there is none. `levels` of arrays and objects may nest. */
export function doubtIn(value: unknown, levels: number): Doubt | null {
  if (typeof value === 'number') return isInDoubt(value) ? 'number' : null;
  if (typeof value !== 'object' || value === null) return null;
  if (levels === 0) return 'depth';
  let found: Doubt | null = null;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length && found !== 'depth'; i++) found = worse(found, doubtIn(value[i], levels - 1));
    return found;
  }
  // Objects of JSON.parse have no keys but their own, and a list of them would be one more thing to make for each.
  for (const key in value) found = worse(found, doubtIn((value as Record<string, unknown>)[key], levels - 1));
  return found;
}

function worse(one: Doubt | null, other: Doubt | null): Doubt | null {
  return one === 'depth' ? one : (other ?? one);
}

/** Only texts with so many digits, or such an exponent, have to be looked at closely. */
const SUSPECT = /\d{16}|\d[eE]\+?\d{3}/;
const STRING = /"(?:[^"\\]|\\.)*"/g;
const NUMBER = /-?\d[\d.eE+-]*/g;
const WHOLE = /^-?\d+$/;

/**
 * The first number in `json` that would arrive as another: a whole one of more digits than a number has, or one that is out of
 * range. Null when there is none. What JSON.stringify writes passes, and so does 0.1: nobody counts on all digits of a fraction.
 */
export function alteredNumber(json: string): string | null {
  if (!SUSPECT.test(json)) return null;
  for (const [digits] of json.replace(STRING, '""').matchAll(NUMBER)) {
    const value = Number(digits);
    if (!Number.isFinite(value)) return digits;
    if (!WHOLE.test(digits) || Number.isSafeInteger(value) || String(value) === digits) continue;
    if (BigInt(value) !== BigInt(digits)) return digits;
  }
  return null;
}

/** Whether `value`, a number that JSON.parse made, may have been written otherwise. */
function isInDoubt(value: number): boolean {
  return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
}
