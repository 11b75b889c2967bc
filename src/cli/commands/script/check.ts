/** `fsq check`: one line and one exit code for a monitor, in the manner of Nagios plugins. */
import { healthOf, notServed, type QueueBacklog, unserved } from '../../../app/telling/health.ts';
import { longestWaitMs, PARKED_AT_MOST_MS, parkedAmongReady } from '../../../app/telling/health-facts.ts';
import { stoppedMoveText } from '../../../app/telling/on-its-way.ts';
import { livingRunners, livingWorkers } from '../../../app/telling/runners.ts';
import type { Broker, OwnerInfo, Sighting, Unended } from '../../../broker/broker.ts';
import { FsqError } from '../../../job/errors.ts';
import { checkQueue, DEFAULT_QUEUE } from '../../../job/names.ts';
import { escape } from '../../../job/text.ts';
import { reasonOf } from '../../../job/values/realm.ts';
import { type Command, type Context, duration, wholeNumber } from '../../command.ts';
import { withSpool } from '../../lookup.ts';
import { type CheckFacts, type CheckLimits, figuresOf, perfText, STATUS_CODES } from './figures.ts';

/** How many jobs are read for what their names do not tell. */
const MOST_READ = 1_000;

export const check: Command = {
  name: 'check',
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
  const queues = context.values.text('queues') === undefined ? null : context.values.names('queues').map(checkQueue);
  try {
    const facts = await withSpool(context, (broker) => factsOf(broker, limits, queues), { looksAtOnce: true });
    const { status, problems } = healthOf(facts, limits);
    return tell(context, { status, problems: problems.map(({ text }) => text) }, facts, limits);
  } catch (error) {
    // A monitor shows stdout. What went wrong is its news.
    const text = error instanceof FsqError ? `${error.message} (${error.code})` : reasonOf(error);
    return tell(context, { status: 'unknown', problems: [text] }, null, limits);
  }
}

/** What somebody has named as too much is critical. @throws UsageError */
function limitsOf({ values }: Context): CheckLimits {
  const maxAgeMs = duration(values.text('max-age'), 'max-age') ?? null;
  return {
    maxAgeMs,
    maxFailed: wholeNumber(values.text('max-failed'), 'max-failed', 0, Number.MAX_SAFE_INTEGER) ?? null,
    maxDelayMs: duration(values.text('max-delay'), 'max-delay') ?? null,
    sinceMs: duration(values.text('since'), 'since') ?? null,
    // With a limit it may be meant so: cron starts one now and then.
    isWorkerExpected: maxAgeMs === null,
    noWorkerIs: 'warning',
    severity: 'critical',
  };
}

interface Verdict {
  readonly status: keyof typeof STATUS_CODES;
  /** What is wrong, the worst first. */
  readonly problems: readonly string[];
}

function tell(context: Context, { status, problems }: Verdict, facts: CheckFacts | null, limits: CheckLimits): number {
  const said = problems.length === 0 ? 'nothing is wrong' : problems.join('; ');
  const figures = facts === null ? '' : ` | ${perfText(facts, limits)}`;
  const line = `FSQ ${status.toUpperCase()} - ${escape(said).replaceAll('|', '/')}${figures}\n`;
  context.print({ status, problems, figures: facts === null ? null : figuresOf(facts) }, () => line);
  return STATUS_CODES[status];
}

async function factsOf(broker: Broker, limits: CheckLimits, queues: readonly string[] | null): Promise<CheckFacts> {
  const nowMs = Date.now();
  const move = await broker.unfinishedMove();
  const [all, paused, owners] = [await broker.unended(), await broker.paused(), await broker.owners()];
  const isAsked = (queue: string): boolean => queues === null || queues.includes(queue);
  const isCounted = (queue: string): boolean => isAsked(queue) && !paused.includes(queue);
  const jobs = all.filter(({ queue }) => isCounted(queue));
  const ready = jobs.filter(({ state }) => state === 'pending');
  const delayed = jobs.filter(({ state }) => state === 'delayed');
  const onTheWay = new Set(move?.ids);
  const dues = delayed.flatMap(({ id, dueAtMs }) => (dueAtMs === null || onTheWay.has(id) ? [] : [dueAtMs]));
  const isMine = ({ standing }: Sighting): boolean => isAsked(standing.queue);
  const soon = all.filter(({ dueAtMs }) => dueAtMs !== null && dueAtMs <= nowMs + PARKED_AT_MOST_MS).length;
  const failed = limits.maxFailed === null ? null : await failedCount(broker, isMine, limits, nowMs);
  const backlogs = countsByQueue(ready);
  const left = unserved(backlogs, owners).map(({ queue }) => queue);
  const parkedReady = await parkedAmongReady(broker, left);
  return {
    ageMs: ready.length === 0 ? 0 : await longestWaitMs(broker, nowMs, isCounted),
    lateMs: dues.reduce((most, due) => Math.max(most, nowMs - due), 0),
    ready: ready.length,
    delayed: delayed.length,
    running: jobs.length - ready.length - delayed.length,
    failed: failed === null ? null : { jobs: failed, areStill: true, withinMs: limits.sinceMs, most: null },
    parked: (soon === 0 ? 0 : await parkedCount(broker, isMine, soon)) + parkedReady.length,
    takers: livingRunners(owners).length,
    workers: livingWorkers(owners).length,
    notServed: notServed(backlogs, owners),
    paused: [], // Somebody knows of these: he has paused them.
    crashed: 0,
    isRestoring: (await broker.restoring()) !== null,
    stoppedMove: all.some(({ id, queue }) => isAsked(queue) && onTheWay.has(id)) ? stoppedMoveText(move) : null,
    room: await broker.room(),
    unknownQueues: await unknownQueues(broker, queues ?? [], [...all.map(({ queue }) => queue), ...paused], owners),
  };
}

function countsByQueue(jobs: readonly Pick<Unended, 'queue'>[]): readonly QueueBacklog[] {
  const counts = new Map<string, number>();
  for (const { queue } of jobs) counts.set(queue, (counts.get(queue) ?? 0) + 1);
  return [...counts].map(([queue, count]) => ({ queue, jobs: count }));
}

/** Those of which no job is there, nothing was counted, and no worker and none of the last outcomes knows: they may be misspelt. */
async function unknownQueues(
  broker: Broker,
  asked: readonly string[],
  there: readonly string[],
  owners: readonly OwnerInfo[],
): Promise<readonly string[]> {
  const known = new Set([DEFAULT_QUEUE, ...there, ...owners.flatMap((owner) => owner.queues ?? [])]);
  const left = (): readonly string[] => asked.filter((queue) => !known.has(queue));
  if (left().length === 0) return [];
  for (const { queue } of (await broker.statistics()).tasks) known.add(queue);
  if (left().length === 0) return [];
  let read = 0;
  await broker.list(['results'], 1, ({ standing }) => {
    known.add(standing.queue);
    return left().length === 0 || ++read >= MOST_READ;
  });
  return left();
}

/** All of them: a monitor draws the figure. None is kept in memory. */
async function failedCount(
  broker: Broker,
  isMine: (job: Sighting) => boolean,
  { sinceMs }: CheckLimits,
  nowMs: number,
): Promise<number> {
  const isRecent = (ended: number | null): boolean => sinceMs === null || (ended ?? nowMs) >= nowMs - sinceMs;
  let failed = 0;
  await broker.list(['results'], 1, (job) => {
    if (job.state === 'failed' && isMine(job) && isRecent(job.endedAtMs)) failed++;
    return false;
  });
  return failed;
}

/** @param soon how many delayed jobs are due so soon that they may be parked: those are listed first */
async function parkedCount(broker: Broker, isMine: (job: Sighting) => boolean, soon: number): Promise<number> {
  const found = await broker.list(['delayed'], Math.min(soon, MOST_READ));
  return found.filter((job) => job.record !== null && job.record.parked !== null && isMine(job)).length;
}
