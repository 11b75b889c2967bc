/** What somebody at a page does to jobs, queues and schedules: each act comes to an answer in a sentence, and none throws. */
import { carryOut, type Done, type JobAct } from '../../../app/acting/carry-out.ts';
import { originalOf, sendAnew } from '../../../app/acting/send-anew.ts';
import { jobOf, type ReadSchedule } from '../../../app/schedules/read-schedules.ts';
import { livingSending, livingTasks, sentNotice } from '../../../app/telling/runners.ts';
import type { Broker } from '../../../broker/broker.ts';
import { checkIdAt } from '../../../broker/broker-address.ts';
import { FsqError, refuse, UsageError } from '../../../job/errors.ts';
import { checkQueue, OWN_TASKS } from '../../../job/names.ts';
import { format, knownInstead } from '../../../job/text.ts';
import type { JsonValue } from '../../../job/values/json.ts';
import { reasonOf } from '../../../job/values/realm.ts';
import type { SendingOf } from '../../desk.ts';
import type { Act, Answer, JobQuery } from '../../wire.ts';
import type { JobIndex } from '../index/job-index.ts';
import { matchingIds, refresh } from '../index/pages-of-jobs.ts';
import { matcherOf } from '../index/row-matcher.ts';

export interface ActParts {
  readonly broker: Broker;
  readonly index: JobIndex;
  /** Those of the configuration. @throws UsageError (FSQ_CONFIG), which is no matter of jobs and queues */
  readonly schedules: () => Promise<readonly ReadSchedule[]>;
  readonly sendingOf: SendingOf;
  readonly hidesArguments: boolean;
  readonly nowMs: number;
}

/** So many of the jobs that something was done with are looked at at once: a page shows no more. Of the others the feed tells. */
const MOST_REFRESHED = 500;

/** Never throws. */
export async function actOn(parts: ActParts, act: Act): Promise<Answer> {
  try {
    return await answer(parts, act);
  } catch (error) {
    return refusal(error);
  }
}

export function refusal(error: unknown): Answer {
  return { text: reasonOf(error), isGood: false, code: error instanceof FsqError ? error.code : 'FSQ_UNEXPECTED' };
}

async function answer(parts: ActParts, act: Act): Promise<Answer> {
  const { broker, nowMs } = parts;
  switch (act.kind) {
    case 'retry':
    case 'revoke':
    case 'kill':
    case 'forget':
      return 'ids' in act
        ? onJobs(
            parts,
            act.kind,
            act.ids.map((id) => checkIdAt(broker, id)),
          )
        : onAll(parts, act.kind, act);
    case 'retry-anew':
      return anew(parts, act.id, act.args);
    case 'pause':
    case 'resume':
      return answerOf(await carryOut(broker, { kind: act.kind, queues: [checkQueue(act.queue)] }, nowMs));
    case 'pause-schedule':
    case 'resume-schedule': {
      const pattern = await patternOf(parts, act.schedule);
      const kind = act.kind === 'pause-schedule' ? 'pause-schedules' : 'resume-schedules';
      return answerOf(await carryOut(broker, { kind, schedules: [{ name: act.schedule, pattern }] }, nowMs));
    }
    case 'run-schedule':
      return runNow(parts, act.schedule);
  }
}

function answerOf({ text, isBad, code }: Done): Answer {
  return { text: sentence(text), isGood: !isBad, code: isBad ? (code ?? 'FSQ_UNDONE') : null };
}

function sentence(text: string): string {
  const begun = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

async function onJobs({ broker, index, nowMs }: ActParts, kind: JobAct, ids: readonly string[]): Promise<Answer> {
  const done = await carryOut(broker, { kind, ids }, nowMs);
  for (const id of done.gone ?? []) index.drop(id);
  // Where the store has gone away meanwhile, that is told anyway; what was done must be.
  await refresh(broker, index, ids.slice(0, MOST_REFRESHED)).catch(() => undefined);
  return answerOf(done);
}

/** What somebody has counted may be fewer when it is done: that is no fault, and told. */
async function onAll(
  parts: ActParts,
  kind: JobAct,
  { query, count }: { readonly query: JobQuery; readonly count: number },
): Promise<Answer> {
  const ids = await idsOf(parts, query, count);
  const answer = await onJobs(parts, kind, ids);
  const others = count - ids.length;
  return others === 0 ? answer : { ...answer, text: `${answer.text} Of the ${count}, ${others} no longer matched.` };
}

/** Of all that match now as many as somebody has typed, the earliest sent first: jobs come and go while one types. @throws UsageError */
async function idsOf(
  { broker, index, hidesArguments, nowMs }: ActParts,
  query: JobQuery,
  count: number,
): Promise<readonly string[]> {
  if (!(count > 0)) refuse('`count`', 'how many jobs are meant', count);
  const ids = await matchingIds(broker, index, matcherOf(query, nowMs, hidesArguments), count);
  if (ids.length === 0) throw new UsageError('Nothing was done: no job matches now. Look at them again');
  return ids;
}

async function anew({ broker, nowMs }: ActParts, id: string, args: readonly JsonValue[]): Promise<Answer> {
  const original = await originalOf(broker, checkIdAt(broker, id));
  const { task } = original.job;
  if (task.startsWith(OWN_TASKS))
    throw new UsageError(`Jobs of ${task} are not sent anew from here: their arguments are commands`);
  const sent = await sendAnew(broker, original, args, nowMs);
  return { text: `A new job of ${task} was sent: ${sent}.`, isGood: true, code: null, id: sent };
}

/** As its store or the configuration tells it: one that workers of another configuration send can be paused here as well. */
async function patternOf({ broker, schedules }: ActParts, name: string): Promise<string> {
  const kept = (await broker.schedules.list()).find((record) => record.name === name);
  return kept === undefined ? called(await schedules(), name).firing.patternText : (kept.pattern ?? '');
}

/** @throws UsageError with the nearest name */
function called(schedules: readonly ReadSchedule[], name: string): ReadSchedule {
  const known = schedules.map((one) => one.name);
  const found = schedules.find((one) => one.name === name);
  if (found !== undefined) return found;
  const none = '; there are no `schedules` in the configuration of this page';
  throw new UsageError(`Unknown schedule ${format(name)}${known.length === 0 ? none : knownInstead(name, known)}`);
}

async function runNow({ broker, schedules, sendingOf, nowMs }: ActParts, name: string): Promise<Answer> {
  const schedule = called(await schedules(), name);
  const { task } = schedule;
  const owners = await broker.owners();
  const sending = livingTasks(owners).includes(task) ? livingSending(owners, task) : await sendingOf(schedule);
  if (sending === null)
    throw new UsageError(
      `Neither a running worker nor the program of this page knows task ${task}, so nobody tells in which queue its jobs wait: \`fsq schedule run ${name}\` reads it from the task modules`,
    );
  const sent = jobOf(schedule, sending, null, { id: broker.nextId(true), enqueuedAtMs: nowMs });
  await broker.enqueue([sent]);
  const notice = sentNotice(owners, task, sent.queue, broker.place);
  const text = `A job of schedule ${name} was sent: ${sent.job.id}.${notice === null ? '' : ` ${notice}`}`;
  return { text, isGood: true, code: null, id: sent.job.id };
}
