/** A job: the record that its producer writes, and where it stands in its life. */
import type { Failure } from './errors.ts';
import type { JobOptions } from './job-options.ts';
import type { JsonValue } from './values/json.ts';

/** The base of a job's file: the producer writes it once, and nobody changes it. */
export interface Job {
  readonly id: string;
  readonly task: string;
  readonly args: readonly JsonValue[];
  /** Unix ms by the producer's clock. */
  readonly enqueuedAtMs: number;
  readonly options: JobOptions;
  /** Free text for the caller's own use (trace ids, tenant); handed to the task unchanged. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The part of a job that is kept in its file's name, where a rename can change it. */
export interface Standing {
  /** 0 runs first, 9 last. */
  readonly priority: number;
  readonly queue: string;
  /** Runs begun: 0 while waiting for the first, 1 during it. */
  readonly attempt: number;
  /** Runs that ended with the death of their process. */
  readonly crashes: number;
}

/** One run that ended, or died. */
export interface Attempt {
  readonly attempt: number;
  /** Unix ms; absent when nobody knows: its process died, and its file was written to since the claim. */
  readonly startedAtMs?: number;
  readonly endedAtMs: number;
  readonly owner: string;
  readonly error?: Failure;
  /** Its process was killed because of another job: it counts neither as a retry nor as a crash. */
  readonly uncounted?: true;
}

/** How a job ended; written once. */
export type Outcome =
  | { readonly state: 'succeeded'; readonly value: JsonValue | undefined }
  | { readonly state: 'failed' | 'revoked' | 'expired'; readonly error: Failure };

/** Why a job waits without a time of its own. */
export interface Parked {
  readonly reason: string;
  readonly sinceMs: number;
}

/** All that a job's file holds. `outcome` is null until the job has ended; only in `results/` does it count. */
export interface JobRecord {
  readonly job: Job;
  readonly attempts: readonly Attempt[];
  readonly outcome: Outcome | null;
  readonly parked: Parked | null;
  /** Facts of an ended job that neither its file's name nor its attempts say. */
  readonly kept: Kept;
}

/**
 * The standing, where it was not the default, and when it ended, where that was not the end of its last attempt. `attempt` is there when
 * no run came to the outcome: the one under which the job was held for it.
 */
export interface Kept extends Partial<Standing> {
  /** Unix ms. */
  readonly endedAtMs?: number;
  /** The job was sent back after it had ended, when it had come to this attempt: those up to it count no more. */
  readonly again?: number;
  /** It was to run again from this time on, Unix ms, where its place does not tell that. */
  readonly readyAtMs?: number;
  /** How long it is kept from then on, where its job or its task said so, ms. */
  readonly ttlMs?: number;
}

/** Parked anew after one more look: it has been so since the first. @param before null: it was not parked */
export function stillParked(parked: Parked, before: Parked | null): Parked {
  return before === null ? parked : { ...parked, sinceMs: Math.min(parked.sinceMs, before.sinceMs) };
}

/** When the job ended, Unix ms; null when it has not, or when its file does not say. */
export function endedAtMs({ outcome, kept, attempts }: JobRecord): number | null {
  return outcome === null ? null : (kept.endedAtMs ?? attempts.at(-1)?.endedAtMs ?? null);
}

/** Where a job is: in one of three states before its end, of four after it; `unknown` when there is no such job. */
export type JobState = 'pending' | 'delayed' | 'running' | Outcome['state'] | 'unknown';
