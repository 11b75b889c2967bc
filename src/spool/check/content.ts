/** What a job's file says, as far as the checks need it: small, so that a spool of a million results fits in memory. */
import { createHash } from 'node:crypto';
import type { Attempt, JobRecord, Outcome } from '../../job/job.ts';
import type { SpoolContext } from '../context.ts';
import { readJob } from '../read.ts';

export interface ReadRun extends Pick<Attempt, 'attempt' | 'startedAtMs' | 'endedAtMs' | 'owner'> {
  /** Its process died. */
  readonly isLost: boolean;
}

export type JobContent =
  | { readonly kind: 'unreadable'; readonly reason: string }
  | {
      readonly kind: 'job';
      /** Its end was cut off in the middle of a write. */
      readonly isTorn: boolean;
      readonly state: Outcome['state'] | null;
      /** Of the value of a job that succeeded; see `valueDigest`. */
      readonly value: string | null;
      readonly attempts: readonly ReadRun[];
      readonly etaMs: number | null;
      readonly expiresAtMs: number | null;
      /** Null where the file leaves it to the task. */
      readonly retries: number | null;
      /** Kept in an outcome; 0 elsewhere. */
      readonly crashes: number;
      /** Of what the producer wrote. */
      readonly base: string;
      /** Of all it says. */
      readonly digest: string;
    };

/** Null when there is no such file any more. */
export function readContent(context: SpoolContext, path: string, id: string): JobContent | null {
  const reading = readJob(context, path, id);
  if (reading.kind === 'gone') return null;
  if (reading.kind === 'corrupt') return { kind: 'unreadable', reason: reading.reason };
  const { record, torn } = reading.document;
  return {
    kind: 'job',
    isTorn: torn,
    state: record.outcome?.state ?? null,
    value: record.outcome?.state === 'succeeded' ? valueDigest(record.outcome.value) : null,
    attempts: runsOf(record),
    etaMs: record.job.options.etaMs ?? null,
    expiresAtMs: record.job.options.expiresAtMs ?? null,
    retries: record.job.options.retries ?? null,
    crashes: record.kept.crashes ?? 0,
    base: digestOf(JSON.stringify(record.job)),
    digest: digestOf(JSON.stringify([record, reading.sizeBytes])),
  };
}

/** Equal for equal values. */
export function valueDigest(value: unknown): string {
  return digestOf(JSON.stringify(value) ?? 'undefined');
}

function runsOf({ attempts }: JobRecord): readonly ReadRun[] {
  return attempts.map(({ attempt, startedAtMs, endedAtMs, owner, error }) => ({
    attempt,
    ...(startedAtMs === undefined ? {} : { startedAtMs }),
    endedAtMs,
    owner,
    isLost: error?.code === 'FSQ_WORKER_LOST',
  }));
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64').slice(0, 22);
}
