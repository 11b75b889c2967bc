/** Sending a composition: all of its jobs by one call of the broker, or one after the other here with `alwaysEager`. */
import type { Broker, NewJob } from '../../broker/broker.ts';
import { UsageError } from '../../job/errors.ts';
import { isLasting } from '../../job/ended/result-ttl.ts';
import type { JobRecord } from '../../job/job.ts';
import type { OutcomeSource } from '../registry.ts';
import { EAGER_PLACE, eagerSource, runEagerly } from '../eager.ts';
import { refuseWhileLoading } from '../registry.ts';
import type { Settings } from '../settings/config.ts';
import { placeText } from '../settings/place.ts';
import { nowMs } from '../settings/stage.ts';
import { isTraced } from '../telling/diagnostics.ts';
import { Answers, checkWholeOptions } from './call-options.ts';
import { type Delivered, handleOf } from './handles.ts';
import { type Call, carriedOrNull, type Given, type Part, type Sent, shown } from './part.ts';
import { type Plan, planOf, type PlannedJob } from './plan.ts';
import { type HeadersOf, toNewJobs } from './planned-jobs.ts';
import { tracedDelivery } from './traced.ts';

const NOWHERE: ReadonlySet<string> = new Set();

/**
 * Sends it. All that the caller gave is read before anything is waited for.
 *
 * @param after jobs that are there, after which the whole is to run; null: none
 * @param entry the function that the program called
 * @returns the handle of the whole
 */
export async function sendPart(
  part: Part,
  after: Sent | null,
  options: unknown,
  entry: (...args: never[]) => unknown,
): Promise<unknown> {
  refuseWhileLoading(nameOf(part), entry);
  const whole = checkWholeOptions(options);
  const onError = whole.onError === undefined ? null : handlerOf(whole.onError);
  const around = { after: after === null ? null : { waits: idsIn(after.value), value: after.value }, onError };
  const plan = planOf(part, new Answers(whole), around);
  const deliver = (headersOf: HeadersOf): Promise<Delivered> => deliverPlan(plan, after?.places ?? NOWHERE, headersOf);
  const sent = isTraced('enqueue') ? await tracedDelivery(plan.jobs, deliver) : await deliver(ownHeaders);
  return handleOf(plan.handle, sent, { from: 0, end: plan.jobs.length });
}

/** @throws UsageError (FSQ_COMPOSITION) */
function handlerOf(value: unknown): Call {
  const carried = carriedOrNull(value);
  if (carried === null) throw noHandler(shown(value));
  const { part } = carried;
  if (part.kind === 'call' && !part.isComplete) return part;
  throw noHandler(part.kind === 'call' ? `${part.task}.si(), which takes none` : `a ${part.kind}`);
}

function noHandler(got: string): UsageError {
  return new UsageError(
    `Expected \`onError\` to be a signature made by s(), such as report.s(): it gets the failure as its first argument. Got ${got}`,
    'FSQ_COMPOSITION',
  );
}

function nameOf(part: Part): string {
  return part.kind === 'call' ? part.task : `A ${part.kind}`;
}

function idsIn(value: Given): readonly string[] {
  return typeof value === 'string' ? [value] : value.flatMap(idsIn);
}

function ownHeaders({ options }: PlannedJob): Readonly<Record<string, string>> {
  return options.headers;
}

async function deliverPlan(
  { jobs, senders }: Plan,
  places: ReadonlySet<string>,
  headersOf: HeadersOf,
): Promise<Delivered> {
  const [first, ...others] = senders;
  // A composition of empty groups has no jobs.
  if (first === undefined) return { ids: [], sourceOf: (id) => async () => eagerSource(id) };
  const settings = await first[0].settings();
  for (const [sender, task] of others) refuseOther([first[1], settings], [task, await sender.settings()]);
  const broker = settings.alwaysEager ? null : await first[0].broker();
  const there = broker?.place ?? EAGER_PLACE;
  for (const place of places)
    if (place !== there) throw twoPlaces(`a job that is waited for lies in ${place}`, `${first[1]} sends to ${there}`);
  const ids = jobs.map((job) => broker?.nextId(hasOwnTime(job)) ?? crypto.randomUUID());
  const newJobs = toNewJobs(jobs, ids, headersOf, nowMs());
  if (broker === null) return runHere(newJobs, ids, settings);
  await broker.enqueue(newJobs);
  const source = async (): Promise<Broker> => broker;
  return { ids, sourceOf: () => source };
}

/** True of a job whose outcome goes at another time than others: kept for those behind it, or soon gone because nothing has failed. */
function hasOwnTime({ options, endsAt, takes }: PlannedJob): boolean {
  return isLasting(options.kept) || endsAt.length > 0 || takes === 'error';
}

/** @throws UsageError (FSQ_COMPOSITION) when two tasks send to different places */
function refuseOther([task, own]: readonly [string, Settings], [other, settings]: readonly [string, Settings]): void {
  const [one, two] = [placeOf(own), placeOf(settings)];
  if (one !== two) throw twoPlaces(`${task} sends to ${one}`, `${other} to ${two}`);
}

function placeOf(settings: Settings): string {
  return settings.alwaysEager ? EAGER_PLACE : placeText(settings);
}

function twoPlaces(one: string, other: string): UsageError {
  return new UsageError(
    `Expected all of a composition to be in one spool: ${one}, ${other}. Let a task of the first send the second by itself`,
    'FSQ_COMPOSITION',
  );
}

/** In their order each finds those before it ended. They are kept for one another, however many there are. */
async function runHere(jobs: readonly NewJob[], ids: readonly string[], settings: Settings): Promise<Delivered> {
  const sources = new Map<string, OutcomeSource>();
  const executor = { texts: settings, timeLimits: settings };
  const outcome = async (id: string): Promise<JobRecord | null> => (sources.get(id) ?? eagerSource(id)).outcome(id);
  for (const { job, queue, priority } of jobs) {
    await runEagerly(job, { queue, priority }, executor, outcome);
    sources.set(job.id, eagerSource(job.id));
  }
  return { ids, sourceOf: (id) => async () => sources.get(id) ?? eagerSource(id) };
}
