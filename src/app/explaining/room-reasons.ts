/** Why a job that is ready, and that a worker takes, has not begun: limits, workers with their hands full, and jobs before it. Pure. */
import type { OwnerInfo, Sighting } from '../../broker/broker.ts';
import { isSuspect } from '../../job/lifecycle.ts';
import { type QueueLimits, type Rate, strictest } from '../../job/queue-limits.ts';
import { fineSpan, some, span } from '../../job/text.ts';
import type { Facts } from './facts.ts';
import type { Reason } from './reason.ts';
import { livingRunners } from '../telling/runners.ts';

/** At least one. */
export function roomReasons(facts: Facts): readonly Reason[] {
  const found = [...limitReasons(facts), ...busyReasons(facts), ...aheadReasons(facts)];
  if (found.length > 0) return found;
  return [
    {
      code: 'its-turn',
      text: 'Nothing holds it back: a worker takes it at once. If it is still there in a minute, look at the log of the worker.',
    },
  ];
}

/** Of the living processes that take it, the strictest. */
function limitsOf({ owners }: Facts, kind: 'queues' | 'tasks', name: string | undefined): QueueLimits | undefined {
  const all = livingRunners(owners).flatMap(({ limits }) => (limits === undefined ? [] : [limits[kind]]));
  return name === undefined ? undefined : strictest(all).get(name);
}

function limitReasons(facts: Facts): readonly Reason[] {
  const { job, running } = facts;
  const { queue } = job.standing;
  const { task, options } = job.record?.job ?? {};
  const [ofQueue, ofTask] = [limitsOf(facts, 'queues', queue), limitsOf(facts, 'tasks', task)];
  const isAlike = ({ record }: Sighting): boolean =>
    record?.job.task === task && record?.job.options.limitKey === options?.limitKey;
  const key = options?.limitKey === undefined ? 'without a limit key' : `with limit key ${options.limitKey}`;
  return [
    ...full(
      'queue-limit',
      `queue ${queue}`,
      ofQueue?.concurrency,
      running.filter(({ standing }) => standing.queue === queue),
      facts,
    ),
    ...full(
      'task-limit',
      `task ${task}`,
      ofTask?.concurrency,
      running.filter(({ record }) => record?.job.task === task),
      facts,
    ),
    ...full('key-limit', `task ${task} ${key}`, ofTask?.perKey, running.filter(isAlike), facts),
    ...slow(`queue ${queue}`, ofQueue?.rate, facts),
    ...slow(`task ${task}`, ofTask?.rate, facts),
  ];
}

function full(
  code: 'queue-limit' | 'task-limit' | 'key-limit',
  whose: string,
  most: number | null | undefined,
  running: readonly Sighting[],
  { nowMs }: Facts,
): readonly Reason[] {
  if (most === null || most === undefined || running.length < most) return [];
  return [
    {
      code,
      text: `The limit of ${whose} is reached: ${running.length} of ${most} run.${oldestText(running, nowMs)}`,
    },
  ];
}

/** Starts are spread over the time, and jobs before this one take theirs first. */
function slow(whose: string, rate: Rate | null | undefined, { ahead }: Facts): readonly Reason[] {
  if (rate === null || rate === undefined) return [];
  const waitMs = ((ahead.inQueue + 1) * rate.periodMs) / rate.count;
  const before = ahead.inQueue === 0 ? '' : `, and ${some(ahead.inQueue, 'job')} of the queue come before it`;
  const text = `It waits for its start: ${whose} may start ${some(rate.count, 'job')} in ${span(rate.periodMs)}${before}. That is at most about ${span(waitMs)}.`;
  return [{ code: 'rate-limit', text }];
}

/** Processes that know its task and take jobs of its queue. */
function takersOf({ owners, job }: Facts): readonly OwnerInfo[] {
  const task = job.record?.job.task ?? '';
  const { queue } = job.standing;
  return livingRunners(owners).filter(
    ({ tasks, queues }) => tasks.includes(task) && (queues === null || queues.includes(queue)),
  );
}

function busyReasons(facts: Facts): readonly Reason[] {
  const { job, running, nowMs } = facts;
  const takers = takersOf(facts);
  const slots = takers.reduce((sum, { slots: own }) => sum + own, 0);
  // A run that waits for another job lends its slot.
  const atWork = running.filter(
    ({ owner, awaits }) => awaits === undefined && takers.some((taker) => taker.owner === owner),
  );
  if (isSuspect(job.standing) && atWork.length > 0)
    return [
      {
        code: 'busy',
        text: `It lost its process ${job.standing.crashes} times, so it begins only in a process that runs nothing else.${oldestText(atWork, nowMs)}`,
      },
    ];
  if (atWork.length < slots) return [];
  return [
    {
      code: 'busy',
      text: `All ${some(slots, 'slot')} of the workers that take it are busy.${oldestText(atWork, nowMs)}`,
    },
  ];
}

/** Of fewer jobs that ended no rate can be told. */
const LEAST_FOR_A_RATE = 20;

function aheadReasons({ ahead, endedInAMinute }: Facts): readonly Reason[] {
  if (ahead.all === 0) return [];
  const rate =
    endedInAMinute < LEAST_FOR_A_RATE
      ? ''
      : ` At the rate of the last minute that is about ${span((ahead.all * 60_000) / endedInAMinute)}.`;
  const others = ahead.all - ahead.inQueue;
  const what = 'of a higher priority, or sent earlier';
  const text =
    ahead.inQueue === 0
      ? `Its workers also take jobs of other queues: ${some(others, 'job')} ${what} may come first.${rate}`
      : `It waits behind ${some(ahead.inQueue, 'job')} ${what}${others === 0 ? '' : `; ${others} more of other queues that its workers take may come first`}.${rate}`;
  return [{ code: 'behind', text }];
}

function oldestText(running: readonly Sighting[], nowMs: number): string {
  const begun = running.filter((one) => one.startedAtMs !== null);
  const [oldest] = begun.toSorted((a, b) => (a.startedAtMs ?? 0) - (b.startedAtMs ?? 0));
  if (oldest === undefined) return '';
  const task = oldest.record === null ? '' : ` (${oldest.record.job.task})`;
  return ` Job ${oldest.id}${task} has run longest, for ${fineSpan(nowMs - (oldest.startedAtMs ?? nowMs))}.`;
}
