/** The two limits of a run: told to end at one, killed at the other. Pure. */
import { TimeLimitError } from './errors.ts';

/** A file may say any number; no clock goes further than a hundred years. */
const LONGEST_MS = 100 * 366 * 86_400_000;

/** Each null where there is none. */
export interface TimeLimits {
  /** After this long the process of the run and all it started are killed, ms. */
  readonly timeLimitMs: number | null;
  /** After this long the run's signal is aborted, ms. */
  readonly softTimeLimitMs: number | null;
}

/** Where a limit may be said: absent and null say nothing. */
export type LimitSource = { readonly [K in keyof TimeLimits]?: TimeLimits[K] | undefined };

/** Each limit as the first source says that has it; null where none has any. */
export function limitsFrom(...sources: readonly (LimitSource | undefined)[]): TimeLimits | null {
  let timeLimitMs: number | null = null;
  let softTimeLimitMs: number | null = null;
  for (const source of sources) {
    timeLimitMs ??= source?.timeLimitMs ?? null;
    softTimeLimitMs ??= source?.softTimeLimitMs ?? null;
  }
  if (timeLimitMs === null && softTimeLimitMs === null) return null;
  const bounded = (ms: number | null): number | null => (ms === null ? null : Math.min(ms, LONGEST_MS));
  return { timeLimitMs: bounded(timeLimitMs), softTimeLimitMs: bounded(softTimeLimitMs) };
}

/** Why a run's process was killed. */
export function hardLimitError(id: string, task: string, limitMs: number): TimeLimitError {
  return new TimeLimitError(
    `Job ${id} (${task}) ran longer than its timeLimit of ${shown(limitMs)}; its process and all it had started were killed.`,
  );
}

/** Why a run's signal was aborted. */
export function softLimitError(id: string, task: string, limitMs: number): TimeLimitError {
  return new TimeLimitError(`Job ${id} (${task}) has run for its softTimeLimit of ${shown(limitMs)}: it should end.`);
}

function shown(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}
