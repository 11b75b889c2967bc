/** What a job's file says, as far as the checks need it. */
import { createHash } from 'node:crypto';
import type { Attempt, JobRecord, Outcome } from '../../job/job.ts';
import type { Reading } from '../read.ts';

export interface ReadRun extends Pick<Attempt, 'attempt' | 'startedAtMs' | 'endedAtMs' | 'owner'> {
  /** Its process died. */
  readonly isLost: boolean;
}

type ReadFile = Exclude<Reading, { kind: 'gone' }>;

export type JobContent =
  | { readonly kind: 'unreadable'; readonly reason: string }
  | {
      readonly kind: 'job';
      /** Its end was cut off in the middle of a write. */
      readonly isTorn: boolean;
      readonly state: Outcome['state'] | null;
      readonly attempts: readonly ReadRun[];
      readonly etaMs: number | null;
      readonly expiresAtMs: number | null;
      /** Null where the file leaves it to the task. */
      readonly retries: number | null;
      /** Kept in an outcome; 0 elsewhere. */
      readonly crashes: number;
      /** A digest of what the producer wrote; null where nothing is to be compared with it. */
      readonly base: string | null;
    };

/** What the checks need of the files of a spool in which the jobs of `doubled` have several. */
export function contentsFor({
  doubled,
}: {
  readonly doubled: Pick<ReadonlySet<string>, 'has'>;
}): (reading: ReadFile, id: string) => JobContent {
  return (reading, id) => contentOf(reading, doubled.has(id));
}

/** @param isCompared there is another file of this job, so that what the producer wrote matters */
export function contentOf(reading: ReadFile, isCompared: boolean): JobContent {
  if (reading.kind === 'corrupt') return { kind: 'unreadable', reason: reading.reason };
  const { record, torn } = reading.document;
  return {
    kind: 'job',
    isTorn: torn,
    state: record.outcome?.state ?? null,
    attempts: runsOf(record),
    etaMs: record.job.options.etaMs ?? null,
    expiresAtMs: record.job.options.expiresAtMs ?? null,
    retries: record.job.options.retries ?? null,
    crashes: record.kept.crashes ?? 0,
    base: isCompared ? createHash('sha256').update(JSON.stringify(record.job)).digest('base64') : null,
  };
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
