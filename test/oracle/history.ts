/** Two looks at one spool, held against each other: outcomes stay as they are (I3), counters only grow (I12). Pure. */
import type { Finding } from '../../src/spool/doctor/finding.ts';
import { broken } from './runs.ts';
import type { Snapshot, WitnessedContent, WitnessedJob as JobFile } from './snapshot.ts';

type Readable = Extract<WitnessedContent, { kind: 'job' }>;

/** An outcome that has expired in between is no finding; the journal says which may not. */
export function historyFindings(before: Pick<Snapshot, 'jobs'>, now: Pick<Snapshot, 'jobs'>): readonly Finding[] {
  const earlier = new Map(before.jobs.map((job) => [job.id, job]));
  return now.jobs.flatMap((job) => {
    const old = earlier.get(job.id);
    return old === undefined ? [] : [...outcomeFindings(old, job), ...counterFindings(old, job)];
  });
}

function outcomeFindings(old: JobFile, { id, place, content }: JobFile): readonly Finding[] {
  if (old.place !== 'results' || old.content.kind !== 'job' || content.kind !== 'job') return [];
  if (old.content.state === null || old.content.digest === content.digest) return [];
  if (continues(old.content, content)) return [];
  const what = place === 'results' ? 'has changed' : `is gone, and the job lies in ${place}/`;
  return [broken('outcome-changed', 'I3', id, `The outcome of job ${id} ${what}.`)];
}

/** A job that was sent back on purpose keeps its attempts: the new record begins with the old one. */
function continues(old: Readable, now: Readable): boolean {
  const isPrefix = old.attempts.every((run, i) => JSON.stringify(run) === JSON.stringify(now.attempts[i]));
  return old.state !== 'succeeded' && isPrefix && (now.attempts.length > old.attempts.length || now.state === null);
}

function counterFindings(old: JobFile, now: JobFile): readonly Finding[] {
  const before = countersOf(old);
  const after = countersOf(now);
  if (before === null || after === null) return [];
  // A claim that ran nothing (the task is not known here, the job not due) gives its attempt back.
  const least = before.attempt - (old.place === 'running' ? 1 : 0);
  // A job that was sent back after its end has its crashes counted anew.
  const isSentBack = old.place === 'results' && old.content.kind === 'job' && old.content.state !== 'succeeded';
  if (after.attempt >= least && (isSentBack || after.crashes >= before.crashes)) return [];
  const text = `attempt ${before.attempt} to ${after.attempt}, crashes ${before.crashes} to ${after.crashes}`;
  return [broken('counters-fall', 'I12', now.id, `The counters of job ${now.id} went back: ${text}.`)];
}

function countersOf({ name, content }: JobFile): { readonly attempt: number; readonly crashes: number } | null {
  if (name !== null) return name;
  if (content.kind !== 'job' || content.attempts.length === 0) return null;
  return { attempt: content.attempts.at(-1)?.attempt ?? 0, crashes: content.crashes };
}
