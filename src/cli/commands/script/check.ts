/** `fsq check`: one line and one exit code for a monitor, in the manner of Nagios plugins. */
import type { Broker, Sighting } from '../../../broker/broker.ts';
import { FsqError } from '../../../job/errors.ts';
import { idsAfter } from '../../../job/edges.ts';
import { endedAtMs } from '../../../job/job.ts';
import { idTimeMs, isTimed } from '../../../job/names.ts';
import { escape } from '../../../job/text.ts';
import { reasonOf } from '../../../job/values/realm.ts';
import { type Command, type Context, duration, wholeNumber } from '../../command.ts';
import { livingRunners } from '../../../app/telling/runners.ts';
import { withSpool } from '../../lookup.ts';
import { type CheckFacts, type Limits, perfText, STATUS_CODES, type Verdict, verdictOf } from './verdict.ts';

/** How many ready jobs are read to learn since when they are ready: their names tell only when they were sent. */
const MOST_READ = 1_000;
/** A parked job is due again within this time, ms. */
const PARKED_FOR_MS = 60_000;

export const check: Command = {
  name: 'check',
  summary: 'one line and one exit code for a monitor: 0 good, 1 warning, 2 critical, 3 unknown',
  usage: 'fsq check [options]',
  examples: [
    ['fsq check --max-age 5m', 'critical when a job has been ready for more than five minutes'],
    ['fsq check --max-failed 0 --since 1h', 'critical when a job has failed within the last hour'],
    ['fsq check --max-delay 1m', 'critical when a job is still delayed a minute after it was due'],
    ['fsq check --max-age 5m --json', 'for programs'],
  ],
  options: {
    'max-age': { type: 'string', value: 'TIME', help: 'how long a ready job may wait: 30s, 5m, 2h' },
    'max-failed': { type: 'string', value: 'N', help: 'how many failed jobs there may be; reads each outcome' },
    'max-delay': { type: 'string', value: 'TIME', help: 'how long after its time a delayed job may become ready' },
    since: { type: 'string', value: 'TIME', help: 'count only jobs that failed so long ago at most (default: all)' },
    queues: { type: 'string', short: 'Q', value: 'QUEUES', help: 'look at these queues only (default: all)' },
    json: { type: 'boolean', help: 'print one JSON document: status, problems, figures' },
  },
  notes: [
    'A warning: jobs are ready and no worker runs (without --max-age), or jobs are parked, because no worker knows their task. Unknown:',
    'the spool cannot be read, or the command line is wrong. Paused queues are left out. The figures behind | are for Nagios.',
  ],
  errorCode: STATUS_CODES.unknown,
  run: runCheck,
};

async function runCheck(context: Context): Promise<number> {
  const limits = limitsOf(context);
  const queues =
    context.values
      .text('queues')
      ?.split(',')
      .map((name) => name.trim()) ?? null;
  try {
    const facts = await withSpool(context, (broker) => factsOf(broker, limits, queues), { looksAtOnce: true });
    return tell(context, verdictOf(facts, limits), facts, limits);
  } catch (error) {
    // A monitor shows stdout. What went wrong is its news.
    const text = error instanceof FsqError ? `${error.message} (${error.code})` : reasonOf(error);
    return tell(context, { status: 'unknown', problems: [text] }, null, limits);
  }
}

/** @throws UsageError */
function limitsOf({ values }: Context): Limits {
  return {
    maxAgeMs: duration(values.text('max-age'), 'max-age') ?? null,
    maxFailed: wholeNumber(values.text('max-failed'), 'max-failed', 0, Number.MAX_SAFE_INTEGER) ?? null,
    maxDelayMs: duration(values.text('max-delay'), 'max-delay') ?? null,
    sinceMs: duration(values.text('since'), 'since') ?? null,
  };
}

function tell(context: Context, { status, problems }: Verdict, facts: CheckFacts | null, limits: Limits): number {
  const said = problems.length === 0 ? 'nothing is wrong' : problems.join('; ');
  const figures = facts === null ? '' : ` | ${perfText(facts, limits)}`;
  const line = `FSQ ${status.toUpperCase()} - ${escape(said).replaceAll('|', '/')}${figures}\n`;
  context.print({ status, problems, figures: facts }, () => line);
  return STATUS_CODES[status];
}

async function factsOf(broker: Broker, limits: Limits, queues: readonly string[] | null): Promise<CheckFacts> {
  const nowMs = Date.now();
  const [all, paused, owners] = [await broker.unended(), await broker.paused(), await broker.owners()];
  const jobs = all.filter(({ queue }) => (queues === null || queues.includes(queue)) && !paused.includes(queue));
  const ready = jobs.filter(({ state }) => state === 'pending');
  const delayed = jobs.filter(({ state }) => state === 'delayed');
  const dues = delayed.flatMap(({ dueAtMs }) => dueAtMs ?? []);
  const isMine = ({ standing }: Sighting): boolean => queues === null || queues.includes(standing.queue);
  const soon = all.filter(({ dueAtMs }) => dueAtMs !== null && dueAtMs <= nowMs + PARKED_FOR_MS).length;
  return {
    ageMs: await oldestMs(
      broker,
      ready.map(({ id }) => id),
      nowMs,
    ),
    lateMs: dues.reduce((most, due) => Math.max(most, nowMs - due), 0),
    ready: ready.length,
    delayed: delayed.length,
    running: jobs.length - ready.length - delayed.length,
    failed: limits.maxFailed === null ? null : await failedCount(broker, isMine, limits, nowMs),
    parked: soon === 0 ? 0 : await parkedCount(broker, isMine, soon),
    workers: livingRunners(owners).length,
    isRestoring: (await broker.restoring()) !== null,
  };
}

/** How long the job waits that has been ready for longest, ms. Those that were sent first are read; one that was delayed is younger than its id. */
async function oldestMs(broker: Broker, ids: readonly string[], nowMs: number): Promise<number> {
  let readySinceMs = nowMs;
  for (const id of ids.filter(isTimed).toSorted().slice(0, MOST_READ)) {
    // All others were sent later, and so cannot be older.
    if (idTimeMs(id) >= readySinceMs) break;
    const job = await broker.find(id);
    if (job?.state === 'pending') readySinceMs = Math.min(readySinceMs, await readySince(broker, job));
  }
  return Math.max(0, nowMs - readySinceMs);
}

/** When its last run ended, its time came, or the jobs had ended after which it runs. */
async function readySince(broker: Broker, { id, record }: Sighting): Promise<number> {
  if (record === null) return idTimeMs(id);
  const { job, attempts, kept } = record;
  const ended = await Promise.all(idsAfter(job.options).map((other) => broker.outcome(other)));
  const times = ended.flatMap((other) => (other === null ? [] : (endedAtMs(other) ?? [])));
  const ends = [attempts.at(-1)?.endedAtMs ?? 0, kept.endedAtMs ?? 0];
  return Math.max(job.enqueuedAtMs, job.options.etaMs ?? 0, ...ends, ...times);
}

/** At most one more than there may be. */
async function failedCount(
  broker: Broker,
  isMine: (job: Sighting) => boolean,
  { maxFailed, sinceMs }: Limits,
  nowMs: number,
): Promise<number> {
  const isRecent = (ended: number | null): boolean => sinceMs === null || (ended ?? nowMs) >= nowMs - sinceMs;
  const found = await broker.list(
    ['results'],
    (maxFailed ?? 0) + 1,
    (job) => job.state === 'failed' && isMine(job) && isRecent(job.endedAtMs),
  );
  return found.length;
}

/** @param soon how many delayed jobs are due so soon that they may be parked: those are listed first */
async function parkedCount(broker: Broker, isMine: (job: Sighting) => boolean, soon: number): Promise<number> {
  const found = await broker.list(['delayed'], Math.min(soon, MOST_READ));
  return found.filter((job) => job.record !== null && job.record.parked !== null && isMine(job)).length;
}
