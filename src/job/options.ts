/** Parser of the `options` in a job's file. Lenient: a key that is not as expected counts as absent. */
import { type Backoff, DEFAULT_BACKOFF } from './backoff.ts';
import type { JobOptions } from './job.ts';
import { isRecord } from './tail.ts';
import { isKey } from './uniqueness.ts';

/** Most retries a job may have: each leaves an entry in its file, and its attempts are counted in nine digits. */
export const MAX_RETRIES = 1_000;

type Readers = { readonly [K in keyof JobOptions]-?: (value: unknown) => JobOptions[K] | undefined };

const READERS: Readers = {
  etaMs: timeOf,
  expiresAtMs: timeOf,
  retries: (value) => (isRetries(value) ? value : undefined),
  backoff: readBackoff,
  onCrash: (value) => (value === 'rerun' || value === 'fail' ? value : undefined),
  timeLimitMs: limitOf,
  softTimeLimitMs: limitOf,
  key: (value) => (isKey(value) ? value : undefined),
};

/** The options in `value` that are known and sound; {} when there are none. */
export function readJobOptions(value: unknown): JobOptions {
  if (!isRecord(value)) return {};
  const options: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(READERS, key)) continue;
    const known = READERS[key as keyof JobOptions](value[key]);
    if (known !== undefined) options[key] = known;
  }
  return options as JobOptions; // Each reader returns its own key's type.
}

/** True for a whole number of retries within the limit. */
export function isRetries(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_RETRIES;
}

/** Parts that are missing or make no sense are those of DEFAULT_BACKOFF. */
function readBackoff(value: unknown): Backoff | undefined {
  if (!isRecord(value)) return undefined;
  const { initialMs, factor, maxMs, jitter } = value;
  const initial = isAtLeast(initialMs, 0) ? initialMs : DEFAULT_BACKOFF.initialMs;
  return {
    initialMs: initial,
    factor: isAtLeast(factor, 1) ? factor : DEFAULT_BACKOFF.factor,
    maxMs: isAtLeast(maxMs, initial) ? maxMs : Math.max(initial, DEFAULT_BACKOFF.maxMs),
    jitter: typeof jitter === 'boolean' ? jitter : DEFAULT_BACKOFF.jitter,
  };
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function limitOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}

function isAtLeast(value: unknown, least: number): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= least;
}
