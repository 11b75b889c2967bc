/** The values that JSON carries unchanged, as types; and the faults of a value that JSON.parse made of a text that others wrote. */

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

/** A possible fault of a value that JSON.parse made: it nests too deep, or has a number that may have been written otherwise. */
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
 * range. Null when there is none. Texts of JSON.stringify pass, and so does 0.1: no program counts on all digits of a fraction.
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
