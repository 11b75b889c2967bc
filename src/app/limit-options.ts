/** Limits of queues and tasks as they are written in settings and in `task()`. */
import { UsageError } from '../job/errors.ts';
import { format, suggest } from '../job/text.ts';
import { parseConcurrency, parseRate, type RateLimit, type RunLimits } from '../job/queue-limits.ts';
import { isRecord } from '../job/values/realm.ts';

/** Each holds over all workers of a spool. */
export interface LimitOptions {
  /** How many of its jobs may run at one time: 1 to 100,000. Default: as many as there are children. */
  readonly concurrency?: number;
  /** How many of its jobs may start in a second, minute, hour or day, spread evenly: '10/s', '100/m'. Default: any number. */
  readonly rateLimit?: RateLimit;
}

export const LIMIT_OPTIONS = ['concurrency', 'rateLimit'] as const;

/**
 * @param where they were given, for the message
 * @returns null when they say nothing
 * @throws UsageError
 */
export function toRunLimits({ concurrency, rateLimit }: LimitOptions, where = ''): RunLimits | null {
  if (concurrency === undefined && rateLimit === undefined) return null;
  return {
    concurrency: concurrency === undefined ? null : parseConcurrency(concurrency, `${where}concurrency`),
    rate: rateLimit === undefined ? null : parseRate(rateLimit, `${where}rateLimit`),
  };
}

/** @throws UsageError (FSQ_CONFIG) */
export function toQueueLimits(queues: Readonly<Record<string, unknown>>): ReadonlyMap<string, RunLimits> {
  const found = new Map<string, RunLimits>();
  for (const [queue, options] of Object.entries(queues)) {
    const limits = asSetting(() => toRunLimits(checkKeys(queue, options), `queues.${queue}.`));
    if (limits !== null) found.set(queue, limits);
  }
  return found;
}

function checkKeys(queue: string, options: unknown): LimitOptions {
  if (!isRecord(options)) throw new UsageError(`Expected \`queues.${queue}\` to be an object, got ${format(options)}`);
  const unknown = Object.keys(options).find((key) => !LIMIT_OPTIONS.some((known) => known === key));
  if (unknown === undefined) return options;
  const near = suggest(unknown, LIMIT_OPTIONS);
  throw new UsageError(
    `Unknown limit ${format(unknown)} of queue ${queue}${near === null ? `; known are ${LIMIT_OPTIONS.join(', ')}` : `; did you mean ${near}?`}`,
  );
}

function asSetting<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(error.message, 'FSQ_CONFIG', { cause: error }) : error;
  }
}
