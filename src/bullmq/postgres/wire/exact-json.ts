/**
 * JSON through columns of PostgreSQL that do not keep it as it was: jsonb sorts the keys of objects, and neither jsonb nor text has the
 * character U+0000 or half a surrogate pair. What would come back otherwise is kept as a text too, and other programs are shown the
 * nearest that can be stored. Pure.
 */
import type { JsonValue } from '../../../job/values/json.ts';
import { isRecord } from '../../../job/values/realm.ts';

/** Characters that PostgreSQL has no place for. */
const UNSTORABLE = /[\0\p{Cs}]/u;
const UNSTORABLE_ALL = /[\0\p{Cs}]/gu;
/** Their escapes in JSON. Some other texts look like these, which costs only their length once more. */
const ESCAPED = /\\u(?:0000|d[89a-f])/i;
/** The field of a job's data that has all of it as a text. */
const EXACT = 'fsqText';
/** What a text begins with that is kept as JSON. */
const MARK = '\u0001';

/** A job's data, as fsq writes it, as jsonb may have it. Its own fields may come back in any order, and its arguments may not. */
export function storableData(text: string): string {
  const data = parse(text);
  if (!isRecord(data)) return text;
  const { args, headers } = data;
  if (!ESCAPED.test(text) && isOrdered(args) && isOrdered(headers)) return text;
  return JSON.stringify({ ...(shown(data) as Readonly<Record<string, unknown>>), [EXACT]: text });
}

/** The data as it was sent. @param text of jsonb */
export function exactData(text: string): string {
  if (!text.includes(`"${EXACT}"`)) return text;
  const data = parse(text);
  const exact = isRecord(data) ? data[EXACT] : null;
  return typeof exact === 'string' ? exact : text;
}

/** What a task has returned: as jsonb may have it, and its text where that would come back otherwise. */
export function storableValue(value: JsonValue | undefined): {
  readonly json: string;
  readonly exact: string | null;
} {
  const text = JSON.stringify(value ?? null);
  if (!ESCAPED.test(text) && isOrdered(value)) return { json: text, exact: null };
  return { json: JSON.stringify(shown(value)), exact: text };
}

/** A text for people, in which what cannot be stored is replaced. */
export function shownText(text: string): string {
  return UNSTORABLE.test(text) ? text.replace(UNSTORABLE_ALL, '\ufffd') : text;
}

/** A text for a column of fsq's own, from which `exactText` gives it back. */
export function storableText(text: string): string {
  return UNSTORABLE.test(text) || text.startsWith(MARK) ? MARK + JSON.stringify(text) : text;
}

export function exactText(text: string): string {
  return text.startsWith(MARK) ? String(parse(text.slice(MARK.length))) : text;
}

function shown(value: unknown): unknown {
  if (typeof value === 'string') return shownText(value);
  if (Array.isArray(value)) return value.map(shown);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [shownText(key), shown(part)]));
}

/** True when all keys stand as jsonb puts them: the shorter first, and those of one length by their bytes. */
function isOrdered(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isOrdered);
  let before: string | null = null;
  for (const [key, part] of Object.entries(value)) {
    if (before !== null && !isBefore(before, key)) return false;
    if (!isOrdered(part)) return false;
    before = key;
  }
  return true;
}

function isBefore(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length ? Buffer.compare(a, b) < 0 : a.length < b.length;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
