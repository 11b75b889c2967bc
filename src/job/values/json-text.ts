/**
 * JSON of long strings, made quickly. JSON.stringify looks at each character alone and makes a text of many parts, which are copied
 * into one when the text is written. Here a long string that needs no escape is passed on as it is; the rest goes to JSON.stringify.
 */
import type { JsonValue } from './json.ts';

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
