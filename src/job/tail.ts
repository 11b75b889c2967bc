/**
 * The tail of a job's file: its attempts and how it ended. Workers write it behind the base. The readers are lenient: a malformed
 * key counts as absent.
 */
import type { Failure } from './errors.ts';
import type { Attempt, Kept, Outcome, Parked, Standing } from './job.ts';
import { DEFAULT_PRIORITY, DEFAULT_QUEUE, isPriority, isQueueName } from './names.ts';
import { around, jsonOf, type JsonText, type JsonValue, whole } from './values/json.ts';
import { isRecord } from './values/realm.ts';

/** A tail begins with it. A newline cannot stand inside a JSON string, so the last mark of a file is where its base ends. */
export const TAIL_MARK = '\n,"attempts":';

/** The end that a tail records beside the attempts. */
type TailEnd =
  /** `endedAtMs` is null, or absent, when that is when the last attempt ended. */
  | {
      readonly outcome: Outcome;
      readonly standing: Standing;
      readonly endedAtMs?: number | null;
      /** How long the outcome is kept; undefined: the job does not say. */
      readonly ttlMs?: number | undefined;
    }
  | { readonly parked: Parked }
  /** It is to run again, from this time on, Unix ms. */
  | { readonly readyAtMs: number };

/**
 * The text of a tail: the attempts, the standing where it is not the default, and the end; null: the job is to run again.
 *
 * @param again of a job that was sent back after its end: up to which attempt nothing counts; else 0
 */
export function tailPieces(attempts: readonly Attempt[], end: TailEnd | null, again = 0): JsonText {
  const head = `${TAIL_MARK}${encodeAttempts(attempts)}${again === 0 ? '' : `,"again":${again}`}`;
  if (end === null) return `${head}}`;
  if ('readyAtMs' in end) return `${head},"readyAtMs":${end.readyAtMs}}`;
  if ('parked' in end) return `${head},"parked":${JSON.stringify(end.parked)}}`;
  const { outcome, standing, endedAtMs = null, ttlMs } = end;
  const { queue, priority, crashes } = standing;
  const kept =
    (queue === DEFAULT_QUEUE ? '' : `,"queue":"${queue}"`) +
    (priority === DEFAULT_PRIORITY ? '' : `,"priority":${priority}`) +
    (crashes === 0 ? '' : `,"crashes":${crashes}`) +
    (endedAtMs === null ? '' : `,"attempt":${standing.attempt},"endedAtMs":${endedAtMs}`) +
    (ttlMs === undefined ? '' : `,"ttlMs":${ttlMs}`);
  const state = `${head}${kept},"state":"${outcome.state}"`;
  if (outcome.state !== 'succeeded') return `${state},"error":${JSON.stringify(outcome.error)}}`;
  return outcome.value === undefined ? `${state}}` : around(`${state},"value":`, jsonOf(outcome.value), '}');
}

/** The same as one text. */
export function encodeTail(attempts: readonly Attempt[], end: TailEnd | null, again = 0): string {
  return whole(tailPieces(attempts, end, again));
}

/** Longest text of all attempts, characters: half of what a file may have beside arguments and value. */
const MAX_TEXT = 131_072;
/** Lengths to which the messages of earlier attempts are cut when all are too long, characters; the first that fits counts. */
const SHORTER = [1_000, 200, 40];

/** As JSON. When it would be too long, the attempts before the last lose their stacks, causes and inner errors, then most of their messages. */
export function encodeAttempts(attempts: readonly Attempt[]): string {
  let text = `[${attempts.map(encodeAttempt).join(',')}]`;
  for (const length of SHORTER) {
    if (text.length <= MAX_TEXT) break;
    const last = attempts.length - 1;
    text = JSON.stringify(attempts.map((attempt, i) => (i === last ? attempt : shortened(attempt, length))));
  }
  return text;
}

/** As JSON.stringify writes it, but quicker for an attempt that ended well. Odd numbers, which a file may hold, go the long way. */
function encodeAttempt(run: Attempt): string {
  const { attempt, startedAtMs, endedAtMs, owner, error } = run;
  if (error !== undefined || startedAtMs === undefined || !Number.isFinite(attempt + startedAtMs + endedAtMs))
    return JSON.stringify(run);
  return `{"attempt":${attempt},"startedAtMs":${startedAtMs},"endedAtMs":${endedAtMs},"owner":${JSON.stringify(owner)}}`;
}

function shortened({ error, ...rest }: Attempt, length: number): Attempt {
  return error === undefined ? rest : { ...rest, error: shortFailure(error, length) };
}

function shortFailure({ name, message, code }: Failure, length: number): Failure {
  return {
    name: name.slice(0, length),
    message: message.slice(0, length),
    ...(code === undefined ? {} : { code: code.slice(0, length) }),
  };
}

/** The attempts in `value` that are whole; [] when there are none. */
export function readAttempts(value: unknown): readonly Attempt[] {
  return Array.isArray(value) ? value.flatMap((entry) => readAttempt(entry) ?? []) : [];
}

/** The outcome, or null when `state` names none: then the job has not ended. */
export function readOutcome(state: unknown, value: unknown, error: unknown): Outcome | null {
  if (state === 'succeeded') return { state, value: value as JsonValue | undefined }; // JSON.parse made it.
  if (state !== 'failed' && state !== 'revoked' && state !== 'expired') return null;
  return { state, error: readFailure(error) ?? { name: 'Error', message: 'The outcome does not say why.' } };
}

export function readParked(value: unknown): Parked | null {
  if (!isRecord(value)) return null;
  const { reason, sinceMs } = value;
  return typeof reason === 'string' && typeof sinceMs === 'number' ? { reason, sinceMs } : null;
}

/** The standing and the end of an ended job, which its file's name no longer says. @param own gives what the file has under a key */
export function readKept(own: (key: string) => unknown): Kept {
  const queue = own('queue');
  const priority = own('priority');
  const attempt = countOf(own('attempt'));
  const crashes = countOf(own('crashes'));
  const again = countOf(own('again'));
  const endedAtMs = own('endedAtMs');
  const ttlMs = own('ttlMs');
  const readyAtMs = own('readyAtMs');
  if ((queue ?? priority ?? attempt ?? crashes ?? again ?? endedAtMs ?? ttlMs ?? readyAtMs) === undefined) return {};
  return {
    ...(typeof queue === 'string' && isQueueName(queue) ? { queue } : {}),
    ...(isPriority(priority) ? { priority } : {}),
    ...(attempt === undefined ? {} : { attempt }),
    ...(crashes === undefined ? {} : { crashes }),
    ...(again === undefined ? {} : { again }),
    ...(typeof endedAtMs === 'number' ? { endedAtMs } : {}),
    ...(typeof ttlMs === 'number' && ttlMs >= 0 ? { ttlMs } : {}),
    ...(typeof readyAtMs === 'number' ? { readyAtMs } : {}),
  };
}

/** As a job's name may have it. */
function countOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 999_999_999 ? value : undefined;
}

function readAttempt(value: unknown): Attempt | null {
  if (!isRecord(value)) return null;
  const { attempt, startedAtMs, endedAtMs, owner, uncounted } = value;
  if (typeof attempt !== 'number' || typeof endedAtMs !== 'number' || typeof owner !== 'string') return null;
  const error = readFailure(value['error']);
  return {
    attempt,
    ...(typeof startedAtMs === 'number' ? { startedAtMs } : {}),
    endedAtMs,
    owner,
    ...(error === null ? {} : { error }),
    ...(uncounted === true ? { uncounted } : {}),
  };
}

/** Causes and inner errors read below one another: a file may nest them deeper than any stack. */
const MAX_NESTED = 16;

function readFailure(value: unknown, depth = 0): Failure | null {
  if (depth > MAX_NESTED || !isRecord(value) || !Object.hasOwn(value, 'message')) return null;
  const { name, message, stack, code, exitCode, signal } = value;
  const cause = readFailure(value['cause'], depth + 1);
  const inner = value['errors'];
  const errors = Array.isArray(inner) ? inner.flatMap((entry) => readFailure(entry, depth + 1) ?? []) : [];
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: String(message),
    ...(typeof stack === 'string' ? { stack } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(typeof exitCode === 'number' ? { exitCode } : {}),
    ...(typeof signal === 'string' ? { signal } : {}),
    ...(cause === null ? {} : { cause }),
    ...(errors.length === 0 ? {} : { errors }),
  };
}
