/** What a job waits for: its time, other jobs, a worker, or room. Pure. */
import type { OwnerInfo, Sighting } from '../../broker/broker.ts';
import { idsAfter } from '../../job/edges.ts';
import { retriesUsed } from '../../job/lifecycle.ts';
import { fineSpan, some, span, timeShown } from '../../job/text.ts';
import type { Facts } from './facts.ts';
import { circleText, named, type Reason } from './reason.ts';
import { roomReasons } from './room-reasons.ts';
import { onItsWayText } from '../telling/on-its-way.ts';
import { livingTasks, mismatchNotice, nobodyNotice } from '../telling/runners.ts';
import { processText } from '../telling/standstill.ts';

/** Of a job in pending/ or delayed/. */
export function waitingReasons(facts: Facts): readonly Reason[] {
  const { job, circle, nowMs } = facts;
  if (job.isOnItsWay === true) return [{ code: 'on-its-way', text: wayText(facts) }];
  if (job.isRevoked === true)
    return [{ code: 'revoke-requested', text: 'It is revoked, and does not begin any more: a worker ends it.' }];
  if (circle !== null) return [{ code: 'circle', text: circleText(circle) }];
  if (job.record === null)
    return [
      {
        code: 'unreadable',
        text: `${job.location} cannot be read, or moves on at this moment: \`fsq doctor\` says which.`,
      },
    ];
  const first = firstReason(facts, job.record);
  const held = [...restoring(facts), ...hurdles(facts, first?.code === 'parked')];
  const room = first === null && held.length === 0 ? roomReasons(facts) : [];
  return [...(first === null ? [] : [first]), ...held, ...room, ...expiry(job, nowMs)];
}

/** Nothing else that holds it back matters before it has arrived. */
function wayText({ move, place }: Facts): string {
  return move === null
    ? 'It is on its way between two places, and no note says which: `fsq doctor` tells more.'
    : `${onItsWayText(move, place)}.`;
}

type Record = NonNullable<Sighting['record']>;

function firstReason(facts: Facts, record: Record): Reason | null {
  // Also while it is ready for a moment, to be looked at again.
  if (record.parked !== null) return parkedReason(facts, record.job.task, record.parked.sinceMs);
  return facts.job.state === 'delayed' ? delayReason(facts, record) : uselessReason(facts, record);
}

function delayReason(facts: Facts, record: Record): Reason {
  const { job, nowMs } = facts;
  const { dueAtMs } = job;
  if (dueAtMs === null)
    return idsAfter(record.job.options).length > 0
      ? afterReason(facts, idsAfter(record.job.options))
      : record.job.options.key === undefined
        ? { code: 'after', text: 'It waits for jobs that are its children in a flow of BullMQ.' }
        : { code: 'moving', text: 'A call gives it new arguments at this moment.' };
  const when = dueAtMs > nowMs ? `at ${timeShown(dueAtMs)} (in ${span(dueAtMs - nowMs)})` : dueText(nowMs - dueAtMs);
  const last = record.attempts.at(-1);
  if (last === undefined) return notBeforeReason(record, when);
  if (last.error === undefined || last.error.code === 'FSQ_WORKER_LOST')
    return { code: 'after-crash', text: `It lost its process in attempt ${last.attempt}, and runs again ${when}.` };
  return { code: 'retry', text: `It waits for ${retryText(job, record)} ${when}, after ${named(last.error)}.` };
}

/** That a job which is ready does not run when its turn comes, because of what it comes after. */
function uselessReason({ others }: Facts, { job: { options } }: Record): Reason | null {
  const [id, other] = options.takes === 'error' ? [] : ([...others].find(([, one]) => hasFailed(one)) ?? []);
  if (id === undefined) return null;
  const task = other?.record?.job.task;
  const which = `Job ${id}${task === undefined ? '' : ` (${task})`}, after which it comes,`;
  const what =
    other === null || other === undefined ? 'is nowhere' : other.state === 'revoked' ? 'was revoked' : other.state;
  const text = `${which} ${what}: the worker that takes this one ends it without a run. \`fsq explain ${id}\` tells more.`;
  return { code: 'predecessor-failed', text };
}

function hasFailed(other: Sighting | null): boolean {
  return other === null || other.state === 'failed' || other.state === 'revoked' || other.state === 'expired';
}

function dueText(lateMs: number): string {
  return `as soon as a worker sees that it is due, as it has been for ${span(lateMs)}`;
}

/** Which retry comes next. A job that was sent back, or whose file leaves its retries to the task, may have another count. */
function retryText({ standing }: Sighting, { job, attempts, kept: { again = 0 } }: Record): string {
  const { retries } = job.options;
  const next = { ...standing, attempt: standing.attempt + 1 };
  const used = Math.max(1, retriesUsed({ job, standing: next, attempts, again }));
  return retries === undefined ? `retry ${used}` : `retry ${used} of ${retries}`;
}

function notBeforeReason({ job: { options } }: Record, when: string): Reason {
  const { key } = options;
  const debounced =
    key === undefined
      ? ''
      : ` Its key is ${key}: where its task debounces, each call with that key before then puts it off.`;
  return { code: 'not-before', text: `It is not to run before its time: it begins ${when}.${debounced}` };
}

function parkedReason({ owners, job, nowMs }: Facts, task: string, sinceMs: number): Reason {
  const parked = `It has been parked for ${span(nowMs - sinceMs)}`;
  const tasks = livingTasks(owners);
  if (tasks.includes(task))
    return { code: 'parked', text: `${parked}: a worker that knows its task runs now, and takes it within a minute.` };
  const why = mismatchNotice(owners, task, job.standing.queue);
  const text = why === null ? `${parked}: the last worker did not know task ${task}.` : `${parked}. ${why}`;
  return { code: 'parked', text };
}

function afterReason(facts: Facts, ids: readonly string[]): Reason {
  const { job, others, nowMs } = facts;
  const { jobs, ended } = job.waitsFor ?? { jobs: ids.length, ended: 0 };
  if (ended >= jobs)
    return { code: 'after-all', text: 'All that it comes after has ended: a worker makes it ready at once.' };
  const isOpen = ([, other]: readonly [string, Sighting | null]): boolean => other === null || other.endedAtMs === null;
  const open = [...others].filter(isOpen);
  const [id = ids[0] ?? '', other] = open.find(([, one]) => one?.state === 'running') ?? open[0] ?? [];
  const task = other?.record?.job.task;
  const which = `job ${id}${task === undefined ? '' : ` (task ${task})`}`;
  if (other === null)
    return {
      code: 'after',
      text: `It waits for ${which}, which is nowhere: its outcome is forgotten, or it was never sent. A worker ends this one within a minute.`,
    };
  const what = other === undefined ? '' : `, which ${doing(other, facts.owners, nowMs)}`;
  const many = jobs === 1 ? '' : `the end of ${some(jobs - ended, 'job')} of ${jobs}, such as `;
  return { code: 'after', text: `It waits for ${many}${which}${what}: \`fsq explain ${id}\`.` };
}

function doing({ state, owner, startedAtMs, standing }: Sighting, owners: readonly OwnerInfo[], nowMs: number): string {
  if (state === 'delayed') return 'waits too';
  if (state !== 'running') return `is ready in queue ${standing.queue}`;
  const holder = owners.find((one) => one.owner === owner);
  const runs = startedAtMs === null ? 'runs' : `has run for ${fineSpan(nowMs - startedAtMs)}`;
  return `${runs}${holder === undefined ? '' : ` in process ${processText(holder)}`}`;
}

function restoring({ restoring: found }: Facts): readonly Reason[] {
  if (found === null) return [];
  const who =
    found.pid === null
      ? 'the next worker, or program that sends jobs, does it first'
      : `process ${found.pid} does it now`;
  return [{ code: 'restoring', text: `After a power cut jobs are restored before any begins: ${who}.` }];
}

/** What keeps every job of its queue, or of its task, from running. */
function hurdles({ place, owners, paused, job }: Facts, isParked: boolean): readonly Reason[] {
  const { queue } = job.standing;
  const task = job.record?.job.task;
  const stops: Reason[] = [];
  const nobody = nobodyNotice(owners, null, place);
  if (nobody !== null) stops.push({ code: 'no-worker', text: nobody });
  if (paused.includes(queue))
    stops.push({ code: 'paused', text: `Queue ${queue} is paused: the job waits until \`fsq resume ${queue}\`.` });
  const mismatch = task === undefined || isParked ? null : mismatchNotice(owners, task, queue);
  if (mismatch !== null) stops.push({ code: 'unserved', text: mismatch });
  return stops;
}

function expiry({ record }: Sighting, nowMs: number): readonly Reason[] {
  const expiresAtMs = record?.job.options.expiresAtMs;
  if (expiresAtMs === undefined) return [];
  const text =
    expiresAtMs > nowMs
      ? `If it has not begun by ${timeShown(expiresAtMs)} (in ${span(expiresAtMs - nowMs)}), it expires.`
      : `It expired ${span(nowMs - expiresAtMs)} ago: the worker that takes it ends it without a run.`;
  return [{ code: 'expires', text }];
}
