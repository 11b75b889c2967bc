/**
 * JSON: the values that it carries unchanged, as types; the faults of a value that JSON.parse made of a text that others wrote; and
 * the text of a value with long strings, made quickly. JSON.stringify looks at each character alone and makes a text of many parts,
 * which are copied into one when the text is written. Here a long string that needs no escape is passed on as it is.
 */
import type { Failure } from '../errors.ts';

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
        ? FailureOnly<T>
        : T extends ReadonlyMap<unknown, unknown> | ReadonlySet<unknown> | WeakMap<object, unknown> | WeakSet<object>
          ? never
          : T extends readonly unknown[]
            ? { [K in keyof T]: Serialisable<T[K]> }
            : T extends object
              ? { [K in keyof T]: SerialisableProperty<T[K]> }
              : never;

/** An error as data looks like an Error but for its cause, which is data as well. */
type FailureOnly<T> = 'cause' extends keyof T ? (T extends Failure ? T : never) : never;

/** A property that is undefined does not arrive, and is read as undefined then. */
type SerialisableProperty<T> = undefined extends T ? Serialisable<Exclude<T, undefined>> | undefined : Serialisable<T>;

/** How deep arrays and objects may nest; bounds the work that one job file can cause. */
export const MAX_DEPTH = 64;

/** A possible fault of a value that JSON.parse made: it nests too deep, or has a number that may have been written otherwise. */
type Doubt = 'depth' | 'number';

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

/** JSON, whole or in pieces that follow one another. */
export type JsonText = string | readonly string[];

/** Strings of so many characters are pieces of their own. */
const LONG = 8_192;
/** Characters of a long string that are escaped at a time: the JSON of as many is one text from the start. */
const AT_A_TIME = 16_384;

/** Shorter texts are never too large, however many bytes their characters take. */
const SEARCHED_FROM = 65_536;

/** Characters that JSON writes as two, the most usual first, and the other ones below the space, which it writes as six. */
const ESCAPED_SHORTLY = ['\n', '"', '\\', '\t', '\r', '\b', '\f'];
const ESCAPED_AT_LENGTH = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code)).filter(
  (character) => !ESCAPED_SHORTLY.includes(character),
);

/** The JSON of `value`, as JSON.stringify writes it. */
export function jsonOf(value: JsonValue): JsonText {
  if (isLong(value)) return ['"', ...contentOf(value), '"'];
  return Array.isArray(value) && value.some(isLong) ? arrayOf(value) : JSON.stringify(value);
}

/** `before`, `json`, `after`, as one text where `json` is one. */
export function around(before: string, json: JsonText, after: string): JsonText {
  return typeof json === 'string' ? before + json + after : [before, ...json, after];
}

/** `json` as one text. */
export function whole(json: JsonText): string {
  return typeof json === 'string' ? json : json.join('');
}

/** The most bytes that a character of `text` takes in JSON. Only a text that may be too large is searched for those that take six. */
export function longestCharacterBytes(text: string): 3 | 6 {
  if (text.length < SEARCHED_FROM) return 6;
  return isWellFormed(text) && !ESCAPED_AT_LENGTH.some((character) => text.includes(character)) ? 3 : 6;
}

function isLong(value: unknown): value is string {
  return typeof value === 'string' && value.length >= LONG;
}

function arrayOf(values: readonly JsonValue[]): readonly string[] {
  const pieces: string[] = [];
  let rest = '[';
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? null;
    if (i > 0) rest += ',';
    if (isLong(value)) {
      pieces.push(`${rest}"`, ...contentOf(value));
      rest = '"';
    } else {
      rest += JSON.stringify(value);
    }
  }
  pieces.push(`${rest}]`);
  return pieces;
}

/** The text between the quotes: the string itself where nothing in it is escaped. */
function contentOf(text: string): readonly string[] {
  const isSame = (character: string): boolean => !text.includes(character);
  if (ESCAPED_SHORTLY.every(isSame) && ESCAPED_AT_LENGTH.every(isSame) && isWellFormed(text)) return [text];
  const pieces: string[] = [];
  for (let start = 0, end = 0; start < text.length; start = end) {
    end = Math.min(text.length, start + AT_A_TIME);
    // A character is not cut in two: its halves would be escaped, as lone surrogates are.
    if (isHighSurrogate(text.charCodeAt(end - 1))) end++;
    pieces.push(JSON.stringify(text.slice(start, end)).slice(1, -1));
  }
  return pieces;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

/** Whether it has no lone surrogates; Node.js 20 has it, the library of ES2023 has not. */
function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}
