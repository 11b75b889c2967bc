/** What was promised from outside, held against the spool: nothing lost (I1), outcomes (I3, I5), rejections (I10), times (I11). Pure. */
import { byId } from '../../src/spool/doctor/job-rows.ts';
import type { Finding } from '../../src/spool/doctor/finding.ts';
import { type AcceptedJob, type Journal, type JournalRun, runsById } from './journal.ts';
import { broken } from './runs.ts';
import { type Snapshot, valueDigest, type WitnessedJob as JobFile } from './snapshot.ts';

export function promiseFindings(journal: Journal, { jobs }: Pick<Snapshot, 'jobs'>): readonly Finding[] {
  const files = byId(jobs);
  const runs = runsById(journal);
  const gone = new Set(journal.gone);
  const outcomes = new Map(jobs.flatMap((job) => (job.place === 'results' ? [[job.id, job] as const] : [])));
  return [
    ...(journal.accepted ?? []).flatMap((job) => [
      ...(files.has(job.id) || gone.has(job.id) ? [] : [lost(job.id)]),
      ...(runs.get(job.id) ?? []).flatMap((run) => wrongTime(job, run)),
    ]),
    ...(journal.rejected ?? []).flatMap((id) => rejected(id, files.get(id), runs.get(id))),
    ...(journal.outcomes ?? []).flatMap((seen) => changed(seen, outcomes.get(seen.id), gone)),
    ...[...outcomes.values()].flatMap((file) => lateOutcome(file, runs.get(file.id) ?? [], journal)),
  ];
}

function lost(id: string): Finding {
  return broken('lost', 'I1', id, `Job ${id} was accepted and is nowhere.`);
}

function rejected(id: string, files: readonly JobFile[] = [], runs: readonly JournalRun[] = []): readonly Finding[] {
  if (files.length === 0 && runs.length === 0) return [];
  const where = files[0]?.location ?? `pid ${runs[0]?.pid}, where it ran`;
  return [broken('rejected-but-there', 'I10', id, `Job ${id} was rejected as not queued, but is in ${where}.`)];
}

function wrongTime(
  { id, dueAtMs, expiresAtMs, revokedAtMs }: AcceptedJob,
  { attempt, startedAtMs }: JournalRun,
): readonly Finding[] {
  const began = `Attempt ${attempt} of job ${id} began`;
  if (dueAtMs !== undefined && startedAtMs < dueAtMs)
    return [broken('too-early', 'I11', id, `${began} ${dueAtMs - startedAtMs} ms before it was due.`)];
  if (expiresAtMs !== undefined && startedAtMs > expiresAtMs)
    return [broken('too-late', 'I11', id, `${began} ${startedAtMs - expiresAtMs} ms after it had expired.`)];
  if (revokedAtMs !== undefined && startedAtMs > revokedAtMs)
    return [broken('ran-revoked', 'I11', id, `${began} ${startedAtMs - revokedAtMs} ms after it had been revoked.`)];
  return [];
}

type SeenOutcome = NonNullable<Journal['outcomes']>[number];

function changed(seen: SeenOutcome, file: JobFile | undefined, gone: ReadonlySet<string>): readonly Finding[] {
  const { id, state } = seen;
  if (file === undefined) {
    return gone.has(id)
      ? []
      : [broken('outcome-changed', 'I3', id, `The outcome of job ${id} was seen (${state}) and is not there.`)];
  }
  if (file.content.kind !== 'job') return [];
  const isOther = file.content.state !== state || ('value' in seen && file.content.value !== valueDigest(seen.value));
  return isOther
    ? [broken('outcome-changed', 'I3', id, `The outcome of job ${id} is not what was seen before (${state}).`)]
    : [];
}

/** An outcome of an attempt after which another began, or of an owner whose jobs had been taken away. */
function lateOutcome({ id, content }: JobFile, runs: readonly JournalRun[], journal: Journal): readonly Finding[] {
  const last = content.kind === 'job' ? content.attempts.at(-1) : undefined;
  if (last === undefined) return [];
  const later = runs.find(({ attempt }) => attempt > last.attempt);
  if (later !== undefined) {
    const text = `The outcome of job ${id} is of attempt ${last.attempt}, after which attempt ${later.attempt} began.`;
    return [broken('late-outcome', 'I5', id, text)];
  }
  const fence = (journal.fences ?? []).find(({ owner, atMs }) => owner === last.owner && last.endedAtMs > atMs);
  if (fence === undefined || last.error?.code === 'FSQ_WORKER_LOST') return [];
  return [
    broken('late-outcome', 'I5', id, `The outcome of job ${id} is of ${last.owner}, whose jobs had been taken away.`),
  ];
}
