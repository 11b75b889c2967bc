/** How values from outside are shown in messages (short, on one line, with nothing that a terminal would obey), and "did you mean". */
import { isArray, isDate, isThenable, peek } from './values/realm.ts';

const MAX_LENGTH = 80;

/** `value` as it may stand in an error message: quoted when a string, cut at 80 characters, control characters escaped. */
export function format(value: unknown): string {
  if (typeof value === 'string') return cut(escape(JSON.stringify(value)));
  if (typeof value === 'function') return `function ${nameOf(value) || '(anonymous)'}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (isArray(value)) return lengthOf(value);
  if (isThenable(value)) return 'a promise (await it first)';
  return isDate(value) ? 'a Date' : 'an object';
}

function lengthOf(value: object): string {
  const length = peek(value, 'length');
  return typeof length === 'number' ? `an array of ${length}` : 'an array';
}

/** A class may have anything as its `name`, and a proxy may refuse to tell it. */
function nameOf(value: object): string {
  const name = peek(value, 'name');
  return typeof name === 'string' ? escape(name) : '';
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

/** Characters that `escape` replaces and JSON does not. */
const UNSAFE_IN_JSON = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

// eslint-disable-next-line no-control-regex -- control characters are exactly what this must find
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/**
 * At most so many characters of `text`, and no half of an emoji at its end. A text of its own: a slice of a long one keeps all of it in memory.
 *
 * @param most one or more
 */
export function beginning(text: string, most: number): string {
  if (text.length <= most) return text;
  const isCutInTwo = /[\ud800-\udbff]/.test(text.charAt(most - 1));
  return text
    .slice(0, isCutInTwo ? most - 1 : most)
    .split('')
    .join('');
}

function cut(text: string): string {
  return text.length <= MAX_LENGTH ? text : `${beginning(text, MAX_LENGTH - 1)}…`;
}

const TIMES: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];
const SIZES: readonly (readonly [unit: string, bytes: number])[] = [
  ['TB', 1e12],
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
];

/** The largest unit that fits, rounded down: '3 d', '12 s', '250 ms'. A span below zero (a clock that was set back) is '0 ms'. */
export function span(ms: number): string {
  return inUnits(Math.max(0, ms), TIMES, 'ms');
}

/** With the next unit, for what is compared with a clock or another account of it: '1 m 47 s', '3 d 4 h', '12 s'. */
export function fineSpan(ms: number): string {
  const at = TIMES.findIndex(([, one]) => ms >= one);
  const [, one] = TIMES[at] ?? ['', 1];
  const [unit, next] = TIMES[at + 1] ?? ['', Infinity];
  return at === -1 || ms % one < next ? span(ms) : `${span(ms)} ${Math.floor((ms % one) / next)} ${unit}`;
}

/** '77 GB', '512 B'. */
export function size(bytes: number): string {
  return inUnits(bytes, SIZES, 'B');
}

/** '1 job', '3 jobs'; `many` where an s does not do. */
export function some(count: number, one: string, many: string = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

function inUnits(amount: number, units: readonly (readonly [string, number])[], least: string): string {
  const [name, one] = units.find(([, unit]) => amount >= unit) ?? [least, 1];
  return `${one === 1 ? Math.round(amount) : Math.floor(amount / one)} ${name}`;
}

/** A time as ISO 8601 writes it; a number of Unix ms where it is no date. */
export function timeShown(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString();
}

/** The end of a message about `name`, which is not among `known`: the nearest name, or else all of them. */
export function knownInstead(name: string, known: readonly string[]): string {
  return didYouMean(name, known, `; known are ${known.join(', ')}`);
}

/** The same, with `otherwise` where no name is near. */
export function didYouMean(name: string, known: Iterable<string>, otherwise = ''): string {
  const near = suggest(name, known);
  return near === null ? otherwise : `; did you mean ${near}?`;
}

/** The closest of `known` to `name`, or null when none is close: at most a third of its letters differ, and one is the same. */
export function suggest(name: string, known: Iterable<string>): string | null {
  let best: string | null = null;
  let bestDistance = Math.floor(Math.max(3, name.length) / 3) + 1;
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance && distance < Math.max(name.length, candidate.length)) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string alignment). */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let value = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        value = Math.min(value, (beforeLast[j - 2] ?? 0) + 1);
      row.push(value);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? limit;
}

/** What a terminal would obey is written as bash and zsh read it: the message is shown, not only copied. */
export function inShell(text: string): string {
  if (escape(text) !== text) {
    const safe = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
    return `$'${escape(safe).replace(/\\u\{([0-9a-f]+)\}/g, (_all, code: string) => `\\u${code.padStart(4, '0')}`)}'`;
  }
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * `text` with `option`, such as ' --spool DIR', behind each command in backticks that does not name a spool, as `fsq migrate` names two: a command that is
 * copied from a message means the same spool.
 */
export function withSpoolOption(text: string, option: string): string {
  return text.replace(/`fsq (?!help\b|COMMAND\b)[^`]+`/g, (line) =>
    line.includes('--spool') || line.startsWith('`fsq migrate ') ? line : `${line.slice(0, -1)}${option}\``,
  );
}
