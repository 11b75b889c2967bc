/** Telling subscribers of `fsq:enqueue` of a composition: as of one call for all of its jobs of one task, queue and priority. */
import { checkedHeaders } from '../../job/values/payload.ts';
import { AsyncResult } from '../async-result.ts';
import { trace } from '../telling/diagnostics.ts';
import type { Delivered } from './handles.ts';
import type { PlannedJob } from './plan.ts';
import type { HeadersOf } from './planned-jobs.ts';

/** Jobs of which one message tells. What a subscriber puts into its headers goes along with all of them. */
interface Told {
  readonly jobs: PlannedJob[];
  readonly numbers: number[];
  readonly before: Readonly<Record<string, string>>;
  readonly headers: Record<string, string>;
}

/** @param deliver is called once, inside of all the traced calls */
export async function tracedDelivery(
  jobs: readonly PlannedJob[],
  deliver: (headersOf: HeadersOf) => Promise<Delivered>,
): Promise<Delivered> {
  const sets = setsOf(jobs);
  let sent: Delivered | null = null;
  const traceFrom = async (at: number): Promise<Delivered> => {
    const told = [...sets.values()][at];
    const [first] = told?.jobs ?? [];
    if (told === undefined || first === undefined) return (sent ??= await deliver(headersWith(sets)));
    const { task, options } = first;
    const argsList = told.jobs.map(({ args }) => args);
    const message = { task, queue: options.queue, priority: options.priority, argsList, headers: told.headers };
    await trace('enqueue', message, async () => handlesIn(await traceFrom(at + 1), told.numbers));
    return sent ?? deliver(headersWith(sets));
  };
  return traceFrom(0);
}

function setsOf(jobs: readonly PlannedJob[]): ReadonlyMap<string, Told> {
  const sets = new Map<string, Told>();
  for (const [i, job] of jobs.entries()) {
    const { headers } = job.options;
    const told = sets.get(keyOf(job)) ?? { jobs: [], numbers: [], before: headers, headers: { ...headers } };
    told.jobs.push(job);
    told.numbers.push(i);
    sets.set(keyOf(job), told);
  }
  return sets;
}

function keyOf({ task, options: { queue, priority } }: PlannedJob): string {
  return `${priority} ${queue} ${task}`;
}

const NONE: Pick<Told, 'before' | 'headers'> = { before: {}, headers: {} };

/** Each job's own, and what was put in. They are held to the limits of headers. */
function headersWith(sets: ReadonlyMap<string, Told>): HeadersOf {
  return (job) => {
    const { before, headers } = sets.get(keyOf(job)) ?? NONE;
    const put = Object.entries(headers).filter(([name, value]) => before[name] !== value);
    return checkedHeaders(job.task, { ...job.options.headers, ...Object.fromEntries(put) });
  };
}

function handlesIn({ ids, sourceOf }: Delivered, numbers: readonly number[]): readonly AsyncResult[] {
  return numbers.map((at) => new AsyncResult(ids[at] ?? '', sourceOf(ids[at] ?? ''), true));
}
