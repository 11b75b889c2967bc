/** How values from outside are shown in messages: short, on one line, with nothing a terminal would obey. */
import { isDate } from './realm.ts';

const MAX_LENGTH = 80;

/** `value` as it may stand in an error message: quoted when a string, cut at 80 characters, control characters escaped. */
export function format(value: unknown): string {
  if (typeof value === 'string') return cut(escape(JSON.stringify(value)));
  if (typeof value === 'function') return `function ${escape(value.name) || '(anonymous)'}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  return isDate(value) ? 'a Date' : 'an object';
}

/**
 * Makes text from a job file safe to print: C0, C1, DEL and the bidirectional controls become `\u{…}`, so that a name or
 * an error message cannot move the cursor, set the clipboard or forge a log line (CWE-150).
 */
export function escape(text: string): string {
  return text.replace(UNSAFE, (char) => `\\u{${char.codePointAt(0)?.toString(16) ?? ''}}`);
}

/** `value` as JSON that any parser reads back unchanged and no terminal obeys. */
export function jsonText(value: unknown, indent = 0): string {
  return JSON.stringify(value, undefined, indent).replace(
    UNSAFE_IN_JSON,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** What JSON leaves as it is and `escape` does not. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

// eslint-disable-next-line no-control-regex -- control characters are exactly what this must find
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function cut(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 1)}…`;
}
