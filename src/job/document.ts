/**
 * The text of a job's file: how it is written, read, and cut back after a torn write.
 *
 * A file is the producer's base, `{…` newline `}`. What happens to the job goes in at that last brace, as one line that
 * begins with TAIL_MARK. A newline cannot stand inside a JSON string, so the last mark is where the base ends.
 */
import { faultInEdges } from './edges.ts';
import { FsqError } from './errors.ts';
import { nameClasses } from './values/class-names.ts';
import { readJobOptions } from './job-options.ts';
import type { Job, JobRecord } from './job.ts';
import { idTimeMs, isTaskName } from './names.ts';
import { readAttempts, readKept, readOutcome, readParked, TAIL_MARK } from './tail.ts';
import { format } from './text.ts';
import {
  alteredNumber,
  around,
  doubtIn,
  jsonOf,
  type JsonText,
  type JsonValue,
  MAX_DEPTH,
  whole,
} from './values/json.ts';
import { isRecord } from './values/realm.ts';

export const FORMAT_VERSION = 1;

/** A file that was read. `baseEnd` is the index in its text at which a tail is written; `torn` that one was cut off. */
export interface Document {
  readonly record: JobRecord;
  readonly baseEnd: number;
  readonly torn: boolean;
}

/** A file that is no job of this format. */
export class CorruptJobError extends FsqError {
  constructor(reason: string) {
    super('FSQ_CORRUPT_JOB', reason);
  }
}
nameClasses({ CorruptJobError });

/** The base as the producer writes it. */
export function basePieces({ id, task, args, enqueuedAtMs, options, headers }: Job): JsonText {
  return around(
    `{"v":1,"id":"${id}","task":${JSON.stringify(task)},"args":`,
    jsonOf(args),
    `,"enqueuedAtMs":${enqueuedAtMs},"options":${encodeFew(options)},"headers":${encodeFew(headers)}\n}`,
  );
}

/** The same as one text. */
export function encodeBase(job: Job): string {
  return whole(basePieces(job));
}

/** Nearly every job has none. */
function encodeFew(entries: object): string {
  return isEmpty(entries) ? '{}' : JSON.stringify(entries);
}

function isEmpty(entries: object): boolean {
  for (const _ in entries) return false;
  return true;
}

/**
 * Reads a job's file. A producer in another language may leave out everything but `task`: defaults hold then.
 *
 * @param id from the file's name; an id inside must be the same
 * @throws CorruptJobError saying what is wrong with it
 */
export function parseDocument(text: string, id: string): Document {
  const whole = tryParse(text);
  if (whole !== undefined) return { record: toRecord(whole, id, text), baseEnd: baseEndOf(text, whole), torn: false };
  const torn = cutBack(text, id);
  if (torn !== null) return torn;
  throw new CorruptJobError(`it is not JSON (${text.length === 0 ? 'empty' : `begins ${format(text.slice(0, 20))}`})`);
}

/**
 * Reads the base of a job's file that is known not to be whole, because its bytes are no text, however it looks.
 *
 * @throws CorruptJobError as `parseDocument` does
 */
export function parseTorn(text: string, id: string): Document {
  const torn = cutBack(text, id);
  if (torn === null) throw new CorruptJobError('it is not UTF-8');
  return torn;
}

/** Null when nothing before the likely cuts is a base. */
function cutBack(text: string, id: string): Document | null {
  for (const end of cutsOf(text)) {
    const cut = `${text.slice(0, end)}}`;
    const base = tryParse(cut);
    if (base !== undefined) return { record: toRecord(base, id, cut), baseEnd: end, torn: true };
  }
  return null;
}

/**
 * Where the base may end in a file whose tail was cut off, the likeliest first. Behind the cut there may be NULs, in blocks
 * that the disk never wrote, then blocks that it wrote; and white space, which stood behind the base before.
 */
function cutsOf(text: string): readonly number[] {
  const nul = text.indexOf('\0'); // It stands in no JSON.
  let written = nul === -1 ? text.length : nul;
  while (written > 0 && /\s/.test(text.charAt(written - 1))) written--;
  const line = text.lastIndexOf('\n', written - 1);
  const rest = text.slice(line, written);
  const hasMark = TAIL_MARK.startsWith(rest) || rest.startsWith(TAIL_MARK) || rest.startsWith('\n}');
  if (line > 0 && hasMark) return [line];
  // Only the newline of a tail was written, over the last brace; or nothing of it, and NULs follow the brace.
  const candidates = text.includes('\n', written) ? [written] : [];
  return text.charAt(written - 1) === '}' ? [...candidates, written - 1] : candidates;
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // No JSON text parses to undefined, so this says "not JSON"; the caller reports it.
  }
}

function baseEndOf(text: string, parsed: unknown): number {
  const hasTail = isRecord(parsed) && Object.hasOwn(parsed, 'attempts');
  const mark = hasTail ? text.lastIndexOf(TAIL_MARK) : -1;
  return mark === -1 ? text.lastIndexOf('}') : mark;
}

function toRecord(parsed: unknown, id: string, text: string): JobRecord {
  if (!isRecord(parsed)) throw new CorruptJobError('it is JSON but not an object');
  const own = (key: string): unknown => (Object.hasOwn(parsed, key) ? parsed[key] : undefined);
  if (doubtIn(own('value'), MAX_DEPTH) === 'depth')
    throw new CorruptJobError(`its value nests more than ${MAX_DEPTH} levels deep`);
  return {
    job: toJob(own, id, text),
    attempts: readAttempts(own('attempts')),
    outcome: readOutcome(own('state'), own('value'), own('error')),
    parked: readParked(own('parked')),
    kept: readKept(own),
  };
}

function toJob(own: (key: string) => unknown, id: string, text: string): Job {
  const version = own('v') ?? FORMAT_VERSION;
  if (version !== FORMAT_VERSION)
    throw new CorruptJobError(`its format is ${format(version)}, this fsq reads ${FORMAT_VERSION}`);
  const innerId = own('id') ?? id;
  if (innerId !== id) throw new CorruptJobError(`its id is ${format(innerId)}, its name says ${id}`);
  const task = own('task');
  if (typeof task !== 'string' || !isTaskName(task))
    throw new CorruptJobError(`its task is ${format(task)}, not a task's name`);
  const args = own('args') ?? [];
  // The message never shows the arguments: they may be secret, and it is logged.
  if (!Array.isArray(args)) throw new CorruptJobError(`its args are ${kindOf(args)}, not an array`);
  const doubt = doubtIn(args, MAX_DEPTH + 1);
  if (doubt === 'depth') throw new CorruptJobError(`its args nest more than ${MAX_DEPTH} levels deep`);
  if (doubt === 'number' && alteredNumber(text) !== null)
    throw new CorruptJobError('its args have a number that would arrive as another; it must be sent as a string');
  const fault = faultInEdges(own('options'));
  if (fault !== null) throw new CorruptJobError(fault);
  const enqueuedAtMs = own('enqueuedAtMs');
  return {
    id: innerId,
    task,
    args: args as JsonValue[], // JSON.parse made it: every element is a JsonValue.
    enqueuedAtMs: Number.isFinite(enqueuedAtMs) ? Number(enqueuedAtMs) : idTimeMs(id),
    options: readJobOptions(own('options')),
    headers: toHeaders(own('headers')),
  };
}

function kindOf(value: unknown): string {
  return typeof value === 'object' ? (value === null ? 'null' : 'an object') : `a ${typeof value}`;
}

function toHeaders(value: unknown): Readonly<Record<string, string>> {
  if (!isRecord(value) || isEmpty(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
