/** Parsers of what workers write behind a job's base. Lenient: a key that is not as expected counts as absent. */
import type { Failure } from './errors.ts';
import type { Attempt, Kept, Outcome, Parked } from './job.ts';
import type { JsonValue } from './json.ts';
import { isPriority, isQueueName } from './names.ts';

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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

/** What an ended job's name no longer says. */
export function readKept(queue: unknown, priority: unknown, crashes: unknown, endedAtMs: unknown): Kept {
  if (queue === undefined && priority === undefined && crashes === undefined && endedAtMs === undefined) return {};
  return {
    ...(typeof queue === 'string' && isQueueName(queue) ? { queue } : {}),
    ...(isPriority(priority) ? { priority } : {}),
    ...(typeof crashes === 'number' ? { crashes } : {}),
    ...(typeof endedAtMs === 'number' ? { endedAtMs } : {}),
  };
}

function readAttempt(value: unknown): Attempt | null {
  if (!isRecord(value)) return null;
  const { attempt, startedAtMs, endedAtMs, owner } = value;
  if (typeof attempt !== 'number' || typeof endedAtMs !== 'number' || typeof owner !== 'string') return null;
  const error = readFailure(value['error']);
  return {
    attempt,
    ...(typeof startedAtMs === 'number' ? { startedAtMs } : {}),
    endedAtMs,
    owner,
    ...(error === null ? {} : { error }),
  };
}

/** Causes and inner errors read below one another: a file may nest them deeper than any stack. */
const MAX_NESTED = 16;

function readFailure(value: unknown, depth = 0): Failure | null {
  if (depth > MAX_NESTED || !isRecord(value) || !Object.hasOwn(value, 'message')) return null;
  const { name, message, stack, code } = value;
  const cause = readFailure(value['cause'], depth + 1);
  const inner = value['errors'];
  const errors = Array.isArray(inner) ? inner.flatMap((entry) => readFailure(entry, depth + 1) ?? []) : [];
  return {
    name: typeof name === 'string' ? name : 'Error',
    message: String(message),
    ...(typeof stack === 'string' ? { stack } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    ...(cause === null ? {} : { cause }),
    ...(errors.length === 0 ? {} : { errors }),
  };
}
